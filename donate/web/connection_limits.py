"""Limits on a connection, applied before `request_limits` and the routes see a request.

httptools limits neither the size of request headers nor the time they take. uvicorn queues any
number of pipelined requests, and while some are queued, the handler of the current request does not
learn that the client has disconnected.

Problem: a request that never ends could fill the memory or occupy a connection forever.
Shown by: `tests/test_connection_limits.py`, which sends endless heads, trailers and pipelines.
Delete it when: uvicorn itself limits the size and the time of a head, and pipelined requests.
"""

import asyncio
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from donate.web.request_limits import MAX_UPLOAD_BYTES

# The limit for a request's head: its request line and its headers. A browser sends a few kilobytes
# at once.
MAX_HEAD_BYTES: Final = 64 * 1024
HEAD_TIMEOUT_S: Final = 10.0
# The limit for a whole request. No route accepts this much: `request_limits` refuses the body of
# most routes much earlier.
MAX_REQUEST_BYTES: Final = MAX_UPLOAD_BYTES + 1024 * 1024
# Maximum number of pipelined requests per connection. Stripe, proxies and browsers do not pipeline.
MAX_PIPELINED: Final = 8


class LimitedHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with limits on time, size and pipelined requests."""

    head_timeout_s: ClassVar[float] = HEAD_TIMEOUT_S
    _in_head = False
    _head_bytes = 0
    _request_bytes = 0
    _timer: asyncio.TimerHandle | None = None
    _current: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timeout for the head of the connection's first request."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(self.head_timeout_s, self._abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timeout and drop the queued requests."""
        self._cancel_timer()
        self._drop_requests()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Start the counters and the timeout of a new request.

        Raises ConnectionAbortedError if too many requests are pipelined. This stops the parser.
        """
        super().on_message_begin()
        self._cancel_timer()
        if len(self.pipeline) >= MAX_PIPELINED:
            raise ConnectionAbortedError("too many requests at once")
        self._in_head = True
        self._head_bytes = self._request_bytes = 0
        self._timer = self.loop.call_later(self.head_timeout_s, self._abort)

    def on_headers_complete(self) -> None:
        """Stop counting the bytes of the head, because the body follows."""
        self._cancel_timer()
        self._in_head = False
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Accept a header before the body. Ignore a trailer, which follows a chunked body."""
        if self._in_head:
            super().on_header(name, value)

    def data_received(self, data: bytes) -> None:
        """Parse received data. Refuse a head or a request that is too large."""
        # `data` may contain the end of one request and the beginning of the next request's head,
        # and httptools does not say at which byte that head begins. So start counting the head's
        # bytes with the next data that is received.
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        self._request_bytes += len(data)
        if self.transport.is_closing():
            return
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES:
            self.send_400_response("The head of the request is too large.")
        elif self._request_bytes > MAX_REQUEST_BYTES:
            self._drop_requests()
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Send a 400 response, or disconnect if another response is already being sent."""
        if self._current and not self._current.response_complete:
            self._abort()
        else:
            super().send_400_response(msg)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._current = cycle
        super()._start_asgi_task(cycle, app)

    def _abort(self) -> None:
        self._drop_requests()
        self.transport.abort()

    def _drop_requests(self) -> None:
        self.pipeline.clear()
        if self._current:
            self._current.disconnected = True
            self._current.message_event.set()

    def _cancel_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
