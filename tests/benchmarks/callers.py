"""Calls the doorway over raw keep-alive connections, so cheaply that the service is what counts.

`pour` is a closed loop: each connection sends its next request when it has its answer. `offer` is
an open one: a request is due at its time whether or not the service keeps up, and its latency
counts from then.
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
# A call that takes longer than this is as good as lost; the service itself gives up at 8 s.
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Answers:
    """What came back: seconds from first request to last answer, latencies, and who got no 200."""

    seconds: float
    latencies_s: list[float]
    refused: int

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies_s) / self.seconds

    def percentile_ms(self, share: float) -> float:
        """The latency in milliseconds that this share of the answers stayed within."""
        ordered = sorted(self.latencies_s)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Line(asyncio.Protocol):
    """One connection: a request out, its answer in, and then whoever is interested is told."""

    def __init__(self, answered: Callable[["Line", bool], None]) -> None:
        self._answered = answered
        self._said = b""
        self.transport: Any = None
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._said += data
        end = self._said.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._said[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r", 1)[0]) if at >= 0 else 0
        if len(self._said) < end + 4 + length:
            return
        self._said = b""
        self._answered(self, head.startswith(b"http/1.1 200"))

    def send(self, request: bytes, due: float) -> None:
        self.due = due
        self.transport.write(request)


class Caller:
    """Some connections to one port, and what came back over them."""

    def __init__(self, port: int, requests: Sequence[bytes]) -> None:
        self._port = port
        self._requests = deque(requests)
        self._wanted = len(requests)
        self._latencies: list[float] = []
        self._refused = 0
        self._done = asyncio.Event()

    async def pour(self, lines: int) -> Answers:
        """Send everything as fast as it is answered over so many connections."""

        def answered(line: Line, taken: bool) -> None:
            self._count(line, taken)
            if self._requests:
                line.send(self._requests.popleft(), time.perf_counter())

        opened = await self._connect(lines, answered)
        start = time.perf_counter()
        for line in opened:
            if self._requests:
                line.send(self._requests.popleft(), time.perf_counter())
        return await self._all_answered(opened, start)

    async def offer(self, lines: int, rate: float, dice: Random) -> Answers:
        """Send at random moments, so many a second on average, whatever the service does."""
        free: list[Line] = []
        late: deque[tuple[bytes, float]] = deque()

        def answered(line: Line, taken: bool) -> None:
            self._count(line, taken)
            if late:
                line.send(*late.popleft())
            else:
                free.append(line)

        opened = await self._connect(lines, answered)
        free += opened
        start = due = time.perf_counter()
        while self._requests:
            now = time.perf_counter()
            while self._requests and due <= now:
                late.append((self._requests.popleft(), due))
                due += dice.expovariate(rate)
            while late and free:
                line = free.pop()
                # One that was idle for long, the service has hung up on.
                if not line.transport.is_closing():
                    line.send(*late.popleft())
            await asyncio.sleep(TICK_S)
        return await self._all_answered(opened, start)

    async def _connect(self, lines: int, answered: Callable[[Line, bool], None]) -> list[Line]:
        loop = asyncio.get_running_loop()
        made = [
            await loop.create_connection(lambda: Line(answered), "127.0.0.1", self._port)
            for _ in range(lines)
        ]
        return [line for _, line in made]

    def _count(self, line: Line, taken: bool) -> None:
        self._latencies.append(time.perf_counter() - line.due)
        self._refused += not taken
        if len(self._latencies) == self._wanted:
            self._done.set()

    async def _all_answered(self, opened: list[Line], start: float) -> Answers:
        async with asyncio.timeout(PATIENCE_S):
            await self._done.wait()
        seconds = time.perf_counter() - start
        for line in opened:
            line.transport.close()
        return Answers(seconds, self._latencies, self._refused)


def pour(port: int, requests: Sequence[bytes], *, lines: int = 32) -> Answers:
    """Send requests as fast as they are answered; see Caller."""

    async def go() -> Answers:
        return await Caller(port, requests).pour(lines)

    return _run(go)


def offer(port: int, requests: Sequence[bytes], rate: float, *, lines: int = 64) -> Answers:
    """Send requests at this rate; see Caller."""

    async def go() -> Answers:
        return await Caller(port, requests).offer(lines, rate, Random(1))

    return _run(go)


def _run(go: Callable[[], Awaitable[Answers]]) -> Answers:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_awaited(go))


async def _awaited(go: Callable[[], Awaitable[Answers]]) -> Answers:
    return await go()
