"""Holds back deliveries of events: for some seconds, or until later events were sent."""

import asyncio
from contextlib import suppress


class DelayedDeliveries:
    def __init__(self) -> None:
        self._waiting: dict[asyncio.Event, int | None] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    async def wait(self, seconds: float, until_number: int | None = None) -> None:
        """Wait `seconds`, or until `release` ends the wait.

        `until_number` is the number of the event that ends the wait when it is sent; None for none.
        """
        if seconds <= 0:
            return
        released = asyncio.Event()
        self._waiting[released] = until_number
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(released.wait(), seconds)
        finally:
            self._waiting.pop(released, None)

    def release(self, number: int | None = None) -> int:
        """End the waits for the event with this number or an earlier one; None ends all waits.

        Return how many waits ended.
        """
        events = [
            released
            for released, until in self._waiting.items()
            if number is None or (until is not None and until <= number)
        ]
        for released in events:
            released.set()
        return len(events)
