"""Deliveries that wait: for a time, for later events to go first, or to be let go."""

import asyncio
from contextlib import suppress


class DelayedDeliveries:
    def __init__(self) -> None:
        self._waiting: dict[asyncio.Event, int | None] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    async def wait(self, seconds: float, until_number: int | None = None) -> None:
        """Return after `seconds`, or when event `until_number` has gone out, or when let go."""
        if seconds <= 0:
            return
        gone = asyncio.Event()
        self._waiting[gone] = until_number
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(gone.wait(), seconds)
        finally:
            self._waiting.pop(gone, None)

    def release(self, number: int | None = None) -> int:
        """Let go what waits for this event or an earlier one; without a number, everything."""
        free = [
            gone
            for gone, until in self._waiting.items()
            if number is None or (until is not None and until <= number)
        ]
        for gone in free:
            gone.set()
        return len(free)
