"""Limits how many exports run at once, because each download holds a database snapshot open.

While a snapshot is open, PostgreSQL cannot clean up old rows, and SQLite cannot shorten its log.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from threading import BoundedSemaphore
from typing import Final

from anyio import CancelScope
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from donate.errors import N_, TooBusy

MOST_AT_ONCE: Final = 3
RETRY_AFTER_S: Final = 60
_FULL: Final = N_("Other exports are running. Please try again in a minute.")


class ExportSlots:
    """The slots for exports in this process. Each running export takes one."""

    def __init__(self, most: int = MOST_AT_ONCE) -> None:
        self._free = BoundedSemaphore(most)

    def take(self) -> "ExportSlot":
        """Take a slot. Raises TooBusy if none is free."""
        if not self._free.acquire(blocking=False):
            raise TooBusy(_FULL, RETRY_AFTER_S)
        return ExportSlot(self._free)


class ExportSlot:
    """A slot that one export has taken. It may be given back more than once."""

    def __init__(self, free: BoundedSemaphore) -> None:
        self._free: BoundedSemaphore | None = free

    def give_back(self) -> None:
        """Give the slot back, so that another export can take it."""
        free, self._free = self._free, None
        if free:
            free.release()

    @contextmanager
    def unless_it_fails(self) -> Iterator[None]:
        """Give the slot back if the block raises an error."""
        try:
            yield
        except BaseException:
            self.give_back()
            raise


class ExportResponse(StreamingResponse):
    """A download that closes its snapshot and gives its slot back, even if the download fails.

    `first` are the chunks that were already read from `chunks`.
    """

    def __init__(
        self,
        slot: ExportSlot,
        first: Iterable[bytes],
        chunks: Generator[bytes, None, None],
        *,
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(chain(first, chunks), media_type=media_type, headers=headers)
        self._slot = slot
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the download."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            # A request is cancelled when its client disconnects. The shield lets `_end` run in that
            # case too.
            with CancelScope(shield=True):
                await run_in_threadpool(self._end)

    def _end(self) -> None:
        try:
            self._chunks.close()
        finally:
            self._slot.give_back()
