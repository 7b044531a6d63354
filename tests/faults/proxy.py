"""A TCP proxy on loopback that can be made to fail while connections are open.

In names, `there` means towards the server, and `back` means towards the client.
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
_POLL_S: Final = 0.01

Target = str | tuple[str, int]
"""The server behind the proxy: the path of a Unix socket, or host and port."""


@dataclass(frozen=True)
class Fault:
    """How the proxy fails. By default it does not fail.

    `refuses`: new connections are refused; open connections continue. `hangs`: new connections are
    accepted and get no answer, and the server gets nothing. `silent`: bytes on any connection are
    held back in both directions until the fault ends. `delay_s`: bytes arrive this much later.
    `drip_s`: the answer comes one byte at a time. `cut_there`, `cut_back`: each connection ends
    after so many bytes in that direction. `reset`: each connection ends with RST at the first byte.
    `lose_answer_to`: a request with these bytes reaches the server, and the client gets RST instead
    of the answer. `lose_request`: a request with these bytes never arrives; the client gets RST.
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
    """Raised to end one connection, with RST if `reset`."""

    def __init__(self, *, reset: bool) -> None:
        self.reset = reset
        super().__init__()


@dataclass(eq=False)
class Call:
    """One client's connection: the sockets to the client and to the server, and byte counts."""

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
                connection = writer.get_extra_info("socket")
                with suppress(OSError):
                    connection.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
                writer.transport.abort()
            else:
                writer.close()


class Proxy:
    """Forwards connections to a server, and applies the current `fault` to all of them."""

    def __init__(self, target: Target) -> None:
        self.fault = NONE
        self.faults_met = 0
        self._target = target
        self._calls: set[Call] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._listener: asyncio.Server | None = None
        self.port = 0

    def fail(self, **fault: Any) -> None:
        """Apply a fault with these fields from now on."""
        self.fault = Fault(**fault)
        self._run(self._listen() if not self.fault.refuses else self._stop_listening())

    def heal(self) -> None:
        """End the current fault, so that all bytes pass again."""
        self.fail()

    def end_calls(self) -> None:
        """End every open connection with RST, whatever the fault is."""

        async def end() -> None:
            for call in list(self._calls):
                self.faults_met += 1
                call.end(reset=True)

        self._run(end())

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._listener.sockets[0].getsockname()[1]

    async def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        call = Call(writer)
        self._calls.add(call)
        try:
            while self.fault.hangs:
                self.faults_met += 1
                await asyncio.sleep(_POLL_S)
            await self._connect(call, reader)
        except Cut as cut:
            self.faults_met += 1
            call.end(reset=cut.reset)
        except (OSError, asyncio.CancelledError):  # closing the proxy cancels the task
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
            await self._wait_for_fault()
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
            await self._wait_for_fault()
            fault = self.fault
            if fault.reset or call.loses_answer:
                raise Cut(reset=True)
            left = _left(fault.cut_back, call.bytes_back)
            await self._pass_back(call.ours, piece[:left])
            call.bytes_back += len(piece)
            if left is not None and left < len(piece):
                raise Cut(reset=False)

    async def _pass_back(self, ours: asyncio.StreamWriter, piece: bytes) -> None:
        position = 0
        while position < len(piece) and self.fault.drip_s:
            self.faults_met += 1
            ours.write(piece[position : position + 1])
            position += 1
            await asyncio.sleep(self.fault.drip_s)
        ours.write(piece[position:])
        await ours.drain()

    async def _wait_for_fault(self) -> None:
        if self.fault.delay_s:
            self.faults_met += 1
            await asyncio.sleep(self.fault.delay_s)
        while self.fault.silent:
            self.faults_met += 1
            await asyncio.sleep(_POLL_S)

    async def _close(self) -> None:
        await self._stop_listening()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _left(limit: int | None, passed: int) -> int | None:
    return None if limit is None else max(0, limit - passed)


@contextmanager
def proxy_to(target: Target) -> Iterator[Proxy]:
    """Run a proxy to a server, at first without a fault."""
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
