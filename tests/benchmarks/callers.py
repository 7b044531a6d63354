"""Sends requests to the webhook endpoint over keep-alive connections, with little overhead.

`pour` is a closed loop: each connection sends its next request once the last one is answered.
`offer` is an open loop: requests are due at random times, whether or not the service keeps up, and
a latency counts from the time at which the request was due.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import uvloop

TICK_S = 0.001
# An answer that takes longer counts as lost; the service gives up on a request after 8 s.
TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Answers:
    """How long all requests took together, each latency, and how many answers were not 200."""

    seconds: float
    latencies_s: list[float]
    refused: int

    @property
    def rate(self) -> float:
        """Return the answers per second."""
        return len(self.latencies_s) / self.seconds

    def percentile_ms(self, share: float) -> float:
        """Return the percentile of the latencies in milliseconds, such as the p99 for 0.99."""
        ordered = sorted(self.latencies_s)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Line(asyncio.Protocol):
    """A connection that sends one request at a time, and calls `answered` after each answer."""

    def __init__(self, answered: Callable[["Line", bool], None]) -> None:
        self._answered = answered
        self._received = b""
        self.transport: Any = None
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._received[:end].lower()
        position = head.find(b"content-length:")
        length = int(head[position + 15 :].split(b"\r", 1)[0]) if position >= 0 else 0
        if len(self._received) < end + 4 + length:
            return
        self._received = b""
        self._answered(self, head.startswith(b"http/1.1 200"))

    def send(self, request: bytes, due: float) -> None:
        self.due = due
        self.transport.write(request)


class Caller:
    """Sends requests to one port over several connections, and measures the answers."""

    def __init__(self, port: int, requests: Sequence[bytes]) -> None:
        self._port = port
        self._requests = deque(requests)
        self._expected = len(requests)
        self._latencies: list[float] = []
        self._refused = 0
        self._done = asyncio.Event()

    async def pour(self, lines: int) -> Answers:
        """Send all requests over this many connections; each sends again once it is answered."""

        def answered(line: Line, accepted: bool) -> None:
            self._count(line, accepted)
            if self._requests:
                line.send(self._requests.popleft(), time.perf_counter())

        open_lines = await self._connect(lines, answered)
        start = time.perf_counter()
        for line in open_lines:
            if self._requests:
                line.send(self._requests.popleft(), time.perf_counter())
        return await self._all_answered(open_lines, start)

    async def offer(self, lines: int, rate: float, rng: Random) -> Answers:
        """Send the requests at random times with this average rate per second."""
        free: list[Line] = []
        late: deque[tuple[bytes, float]] = deque()

        def answered(line: Line, accepted: bool) -> None:
            self._count(line, accepted)
            if late:
                line.send(*late.popleft())
            else:
                free.append(line)

        open_lines = await self._connect(lines, answered)
        free += open_lines
        start = due = time.perf_counter()
        while self._requests:
            now = time.perf_counter()
            while self._requests and due <= now:
                late.append((self._requests.popleft(), due))
                due += rng.expovariate(rate)
            while late and free:
                line = free.pop()
                # The service may have closed a connection that was idle for long.
                if not line.transport.is_closing():
                    line.send(*late.popleft())
            await asyncio.sleep(TICK_S)
        return await self._all_answered(open_lines, start)

    async def _connect(self, lines: int, answered: Callable[[Line, bool], None]) -> list[Line]:
        loop = asyncio.get_running_loop()
        pairs = [
            await loop.create_connection(lambda: Line(answered), "127.0.0.1", self._port)
            for _ in range(lines)
        ]
        return [line for _, line in pairs]

    def _count(self, line: Line, accepted: bool) -> None:
        self._latencies.append(time.perf_counter() - line.due)
        self._refused += not accepted
        if len(self._latencies) == self._expected:
            self._done.set()

    async def _all_answered(self, open_lines: list[Line], start: float) -> Answers:
        async with asyncio.timeout(TIMEOUT_S):
            await self._done.wait()
        seconds = time.perf_counter() - start
        for line in open_lines:
            line.transport.close()
        return Answers(seconds, self._latencies, self._refused)


def pour(port: int, requests: Sequence[bytes], *, lines: int = 32) -> Answers:
    """Run `Caller.pour` from code that is not asynchronous."""

    async def call() -> Answers:
        return await Caller(port, requests).pour(lines)

    return _run(call)


def offer(port: int, requests: Sequence[bytes], rate: float, *, lines: int = 64) -> Answers:
    """Run `Caller.offer` from code that is not asynchronous."""

    async def call() -> Answers:
        return await Caller(port, requests).offer(lines, rate, Random(1))

    return _run(call)


def _run(call: Callable[[], Awaitable[Answers]]) -> Answers:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_awaited(call))


async def _awaited(call: Callable[[], Awaitable[Answers]]) -> Answers:
    return await call()
