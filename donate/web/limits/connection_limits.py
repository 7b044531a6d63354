"""Limits on a connection, applied before `body_limits` and the routes see a request.

httptools limits neither the size of request headers nor the time they take. uvicorn queues any
number of pipelined requests, and while some are queued, the handler of the current request does not
learn that the client has disconnected. It also waits forever for a client that does not read, and
accepts connections until the process has no files left.

Problem: a request that never ends could fill the memory or occupy a connection forever.
Shown by: `tests/test_connection_limits.py`, which sends endless heads, trailers and pipelines, and
`tests/test_slow_callers.py`, which opens more slow connections than there may be.
Delete it when: uvicorn itself limits the size and the time of a head, pipelined requests, the time
of a client that does not read, and connections.
"""

import asyncio
from typing import Any, ClassVar, Final
from weakref import WeakKeyDictionary

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from donate.web.limits.body_limits import MAX_UPLOAD_BYTES
from donate.web.limits.file_limit import connections_for, file_limit
from donate.web.limits.open_connections import MAX_PER_NETWORK, OpenConnections, Phase

# Limits for the head of a request, which is its request line and headers: its size, and how long it
# may take to arrive. A browser sends a few kilobytes, all at the same moment.
MAX_HEAD_BYTES: Final = 64 * 1024
HEAD_TIMEOUT_S: Final = 10.0
# A connection is closed if its client reads nothing of an answer for this long. Even the slowest
# phone reads some bytes every few seconds.
READER_TIMEOUT_S: Final = 30.0
# The limit for a whole request. No route accepts this much: `body_limits` refuses the body of
# most routes much earlier.
MAX_REQUEST_BYTES: Final = MAX_UPLOAD_BYTES + 1024 * 1024
# Maximum number of pipelined requests per connection. Stripe, proxies and browsers do not pipeline.
MAX_PIPELINED: Final = 8
# The address that whoever connects to our Unix socket has: it is on this machine.
SOCKET_PEER: Final = "127.0.0.1"

_SERVERS: Final[WeakKeyDictionary[ServerState, OpenConnections]] = WeakKeyDictionary()


class LimitedHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with limits on time, size, pipelined requests and connections."""

    head_timeout_s: ClassVar[float] = HEAD_TIMEOUT_S
    reader_timeout_s: ClassVar[float] = READER_TIMEOUT_S
    max_connections: ClassVar[int | None] = None
    """The limit of connections; None means as many as the limit of open files allows."""
    max_per_network: ClassVar[int] = MAX_PER_NETWORK
    _in_head = False
    _in_body = False
    _head_bytes = 0
    _request_bytes = 0
    _unsent_bytes = 0
    _timer: asyncio.TimerHandle | None = None
    _current: RequestResponseCycle | None = None
    _open: OpenConnections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timeout for the head of the connection's first request."""
        super().connection_made(transport)
        if self.config.uds:
            self.client = (SOCKET_PEER, 0)
        self._open = self._connections_of_server()
        self._watch()
        self._open.open(self, self.client[0] if self.client else "")

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timeout and drop the queued requests."""
        self._open.close(self)
        self._cancel_timer()
        self._drop_requests()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Start the counters and the timeout of a new request.

        Raises ConnectionAbortedError if too many requests are pipelined. This stops the parser.
        """
        super().on_message_begin()
        if len(self.pipeline) >= MAX_PIPELINED:
            self._cancel_timer()
            raise ConnectionAbortedError("too many requests at once")
        self._in_head = True
        self._head_bytes = self._request_bytes = 0
        self._watch()

    def on_headers_complete(self) -> None:
        """Stop counting the bytes of the head, because the body follows."""
        self._in_head, self._in_body = False, True
        super().on_headers_complete()
        self._watch()

    def on_message_complete(self) -> None:
        """Note that the request is complete."""
        self._in_body = False
        super().on_message_complete()
        # If the answer was complete first, the timeout for the next request is already running.
        if self._is_answering:
            self._watch()

    def on_response_complete(self) -> None:
        """Start the timeout for the rest of this request, if any, and for the next one's head."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """Start the timeout for reading, because the client does not read the answer."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """Stop the timeout for reading, because the client reads the answer again."""
        super().resume_writing()
        self._watch()

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
            self.cut()
        else:
            super().send_400_response(msg)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._current = cycle
        super()._start_asgi_task(cycle, app)

    @property
    def _is_answering(self) -> bool:
        return self._current is not None and not self._current.response_complete

    def _watch(self) -> None:
        """Record what the connection waits for, and start the timeout for it."""
        self._cancel_timer()
        phase = self._phase()
        self._open.move(self, phase)
        if self._in_head or phase is Phase.HEAD:
            self._start_timer(self.head_timeout_s)
        elif phase is Phase.READER:
            self._start_timer(self.reader_timeout_s)

    def _phase(self) -> Phase:
        if not self._is_answering:
            return Phase.HEAD
        if self.flow.write_paused:
            return Phase.READER
        return Phase.BODY if self._in_body else Phase.ANSWER

    def _start_timer(self, seconds: float) -> None:
        self._unsent_bytes = self.transport.get_write_buffer_size()
        self._timer = self.loop.call_later(seconds, self._time_is_up, seconds)

    def _time_is_up(self, seconds: float) -> None:
        # Wait on if the client is slow but still reads: the answer may be complete on our side
        # while its end is in the write buffer.
        if 0 < self.transport.get_write_buffer_size() < self._unsent_bytes:
            self._start_timer(seconds)
        else:
            self.cut()

    def cut(self) -> None:
        """Close the connection at once."""
        self._drop_requests()
        self.transport.abort()

    def _connections_of_server(self) -> OpenConnections:
        if self.server_state not in _SERVERS:
            in_all = self.max_connections or connections_for(file_limit())
            _SERVERS[self.server_state] = OpenConnections(
                in_all, per_network=self.max_per_network, proxies=_proxies_of(self.config)
            )
        return _SERVERS[self.server_state]

    def _drop_requests(self) -> None:
        self.pipeline.clear()
        if self._current:
            self._current.disconnected = True
            self._current.message_event.set()

    def _cancel_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


def _proxies_of(config: Config) -> list[str]:
    if not config.proxy_headers:
        return []
    trusted = config.forwarded_allow_ips
    return trusted.split(",") if isinstance(trusted, str) else list(trusted or ())
