"""A line on loopback between us and a server, which can be made to fail while calls are under way.

Bytes that go from us to the server go `there`, what it answers comes `back`.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

_PIECE: Final = 65_536
_LOOK_EVERY_S: Final = 0.01

Target = str | tuple[str, int]
"""The path of a Unix socket, or host and port."""


@dataclass(frozen=True)
class Fault:
    """How the line fails. As it stands, it does not.

    `refuses`: nobody is let in; connections that are open go on. `hangs`: who is let in is never
    answered; the server hears nothing. `silent`: nothing passes either way, on any connection; what
    was said meanwhile arrives when the silence ends. `delay_s`: every piece is late. `drip_s`: the
    answer comes a byte at a time. `cut_there`, `cut_back`: the connection ends after so many bytes
    that way, counted on each connection. `reset`: it ends with RST at the first byte.
    `lose_answer_to`: what contains these bytes reaches the server in full; where its answer should
    come, there is RST. `lose_request`: RST instead of passing what contains these bytes.
    """

    refuses: bool = False
    hangs: bool = False
    silent: bool = False
    delay_s: float = 0.0
    drip_s: float = 0.0
    cut_there: int | None = None
    cut_back: int | None = None
    reset: bool = False
    lose_answer_to: bytes | None = None
    lose_request: bytes | None = None


NONE: Final = Fault()


class Cut(Exception):
    """The connection ends here; with RST if `reset`."""

    def __init__(self, *, reset: bool) -> None:
        self.reset = reset
        super().__init__()


@dataclass(eq=False)
class Call:
    """One connection through the line, and the two halves of it."""

    ours: asyncio.StreamWriter
    theirs: asyncio.StreamWriter | None = None
    bytes_there: int = 0
    bytes_back: int = 0
    loses_answer: bool = False

    def end(self, *, reset: bool) -> None:
        for writer in (self.ours, self.theirs):
            if writer is None:
                continue
            if reset:
                found = writer.get_extra_info("socket")
                with suppress(OSError):
                    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            else:
                writer.close()


class Proxy:
    """The line. `fault` may be set at any moment, and holds at once for every connection."""

    def __init__(self, target: Target) -> None:
        self.fault = NONE
        self.faults_met = 0
        self._target = target
        self._calls: set[Call] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._door: asyncio.Server | None = None
        self.port = 0

    def fail(self, **how: Any) -> None:
        """Fail in this way from now on."""
        self.fault = Fault(**how)
        self._run(self._open_door() if not self.fault.refuses else self._close_door())

    def heal(self) -> None:
        """Pass everything again."""
        self.fail()

    def end_calls(self) -> None:
        """End every connection that is open with RST, whatever passes on it."""

        async def end() -> None:
            for call in list(self._calls):
                self.faults_met += 1
                call.end(reset=True)

        self._run(end())

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _open_door(self) -> None:
        if self._door is None:
            self._door = await asyncio.start_server(self._take, "127.0.0.1", self.port)
            self.port = self._door.sockets[0].getsockname()[1]

    async def _close_door(self) -> None:
        if self._door is not None:
            self._door.close()
            self._door = None

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        call = Call(writer)
        self._calls.add(call)
        try:
            while self.fault.hangs:
                self.faults_met += 1
                await asyncio.sleep(_LOOK_EVERY_S)
            await self._connect(call, reader)
        except Cut as cut:
            self.faults_met += 1
            call.end(reset=cut.reset)
        except (OSError, asyncio.CancelledError):  # cancelled when the line is taken down
            call.end(reset=True)
        finally:
            call.end(reset=False)
            self._calls.discard(call)
            self._tasks.discard(task)

    async def _connect(self, call: Call, ours: asyncio.StreamReader) -> None:
        if isinstance(self._target, str):
            theirs, call.theirs = await asyncio.open_unix_connection(self._target)
        else:
            theirs, call.theirs = await asyncio.open_connection(*self._target)
        pumps = [
            asyncio.ensure_future(self._pump_there(call, ours)),
            asyncio.ensure_future(self._pump_back(call, theirs)),
        ]
        done, rest = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in rest:
            pump.cancel()
        await asyncio.wait(pumps)
        for pump in done:
            pump.result()

    async def _pump_there(self, call: Call, ours: asyncio.StreamReader) -> None:
        assert call.theirs
        while piece := await ours.read(_PIECE):
            await self._wait_out()
            fault = self.fault
            if fault.reset or (fault.lose_request is not None and fault.lose_request in piece):
                raise Cut(reset=True)
            if fault.lose_answer_to is not None and fault.lose_answer_to in piece:
                call.loses_answer = True
            left = _left(fault.cut_there, call.bytes_there)
            call.theirs.write(piece[:left])
            await call.theirs.drain()
            call.bytes_there += len(piece)
            if left is not None and left < len(piece):
                raise Cut(reset=False)

    async def _pump_back(self, call: Call, theirs: asyncio.StreamReader) -> None:
        while piece := await theirs.read(_PIECE):
            await self._wait_out()
            fault = self.fault
            if fault.reset or call.loses_answer:
                raise Cut(reset=True)
            left = _left(fault.cut_back, call.bytes_back)
            await self._hand_back(call.ours, piece[:left])
            call.bytes_back += len(piece)
            if left is not None and left < len(piece):
                raise Cut(reset=False)

    async def _hand_back(self, ours: asyncio.StreamWriter, piece: bytes) -> None:
        at = 0
        while at < len(piece) and self.fault.drip_s:
            self.faults_met += 1
            ours.write(piece[at : at + 1])
            at += 1
            await asyncio.sleep(self.fault.drip_s)
        ours.write(piece[at:])
        await ours.drain()

    async def _wait_out(self) -> None:
        if self.fault.delay_s:
            self.faults_met += 1
            await asyncio.sleep(self.fault.delay_s)
        while self.fault.silent:
            self.faults_met += 1
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _close(self) -> None:
        await self._close_door()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _left(most: int | None, passed: int) -> int | None:
    return None if most is None else max(0, most - passed)


@contextmanager
def proxy_to(target: Target) -> Iterator[Proxy]:
    """Open a line to a server; it passes everything until it is told to fail."""
    proxy = Proxy(target)
    thread = threading.Thread(target=proxy._loop.run_forever, name="proxy")
    thread.start()
    try:
        proxy.heal()
        yield proxy
    finally:
        proxy._run(proxy._close())
        proxy._loop.call_soon_threadsafe(proxy._loop.stop)
        thread.join(10)
        proxy._loop.close()
