"""The connection itself: what it takes from a stranger before `protection` or any room is asked.

httptools reads a head for as long as somebody sends one, and keeps all of it. uvicorn keeps any
number of requests that wait for the answer to the one before, and forgets to tell who is answering
that the caller is gone.
"""

import asyncio
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

# A browser's head is a few kilobytes, and comes in one piece.
MAX_HEAD_BYTES: Final = 64 * 1024
HEAD_TIMEOUT_S: Final = 10.0
# Far more than any room takes of a body; `protection` refuses what is over its limit much earlier.
MAX_REQUEST_BYTES: Final = 4 * 1024 * 1024
# Requests that came before the one ahead of them was answered. Stripe, proxies and browsers wait.
MAX_WAITING: Final = 8


class LimitedHttpProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, to those who come to the point."""

    head_timeout_s: ClassVar[float] = HEAD_TIMEOUT_S
    _in_head = False
    _head_bytes = 0
    _request_bytes = 0
    _too_late: asyncio.TimerHandle | None = None
    _answering: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give a new connection so much time for its first head."""
        super().connection_made(transport)
        self._too_late = self.loop.call_later(self.head_timeout_s, self._hang_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the time, and what would be answered."""
        self._stop_waiting()
        self._forget()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Count from here. Raises when too many wait already, which ends the reading."""
        super().on_message_begin()
        self._stop_waiting()
        if len(self.pipeline) >= MAX_WAITING:
            raise ConnectionAbortedError("too many requests at once")
        self._in_head = True
        self._head_bytes = self._request_bytes = 0
        self._too_late = self.loop.call_later(self.head_timeout_s, self._hang_up)

    def on_headers_complete(self) -> None:
        """Count no further: what follows is the body."""
        self._stop_waiting()
        self._in_head = False
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header of the head. Those that may follow a body in pieces nobody asks for."""
        if self._in_head:
            super().on_header(name, value)

    def data_received(self, data: bytes) -> None:
        """Read on, unless it is too much of a head."""
        # Where in these bytes a new head begins is not told: that one counts from the next ones on.
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        self._request_bytes += len(data)
        if self.transport.is_closing():
            return
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES:
            self.send_400_response("The head of the request is too large.")
        elif self._request_bytes > MAX_REQUEST_BYTES:
            self._forget()
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Refuse what came, or hang up when that would stand in the middle of another answer."""
        if self._answering and not self._answering.response_complete:
            self._hang_up()
        else:
            super().send_400_response(msg)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _hang_up(self) -> None:
        self._forget()
        self.transport.abort()

    def _forget(self) -> None:
        self.pipeline.clear()
        if self._answering:
            self._answering.disconnected = True
            self._answering.message_event.set()

    def _stop_waiting(self) -> None:
        if self._too_late:
            self._too_late.cancel()
            self._too_late = None
