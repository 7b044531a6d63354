"""Carries deliveries: the little of HTTP/1.1 that it takes, over connections that are kept open.

A payment makes four to twelve events, and a full client takes milliseconds for each.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

# An answer's headers end within this, and its body is read no further.
LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 1024 * 1024


class NotDelivered(Exception):
    """There was no answer: nobody listened, the connection broke, or it was no HTTP."""


@dataclass(frozen=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def is_usable(self) -> bool:
        return not (self.reader.at_eof() or self.writer.is_closing())


@dataclass(frozen=True)
class _Answer:
    status: int
    can_stay_open: bool


class WebhookClient:
    def __init__(self) -> None:
        self._idle: dict[str, list[_Connection]] = {}

    async def post(self, url: str, body: bytes, headers: dict[str, str], timeout_s: float) -> int:
        """The status of the answer; a redirect is an answer like any other.

        Raise NotDelivered when there is none, after `timeout_s` at the latest.
        """
        parts = urlsplit(url)
        request = _written(parts, body, headers)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._post(parts, request)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as problem:
            raise NotDelivered(f"{type(problem).__name__}: {problem}") from problem

    async def close(self) -> None:
        kept = [connection for idle in self._idle.values() for connection in idle]
        self._idle.clear()
        for connection in kept:
            connection.writer.close()
            with suppress(OSError):
                await connection.writer.wait_closed()

    async def _post(self, parts: SplitResult, request: bytes) -> int:
        idle = self._idle.setdefault(f"{parts.scheme}://{parts.netloc}", [])
        while idle:
            kept = idle.pop()
            if not kept.is_usable:
                kept.writer.close()
                continue
            try:
                return await self._ask(kept, request, idle)
            except (ConnectionError, EOFError):
                # The receiver had hung up while nothing was said: that was no try.
                continue
        return await self._ask(await _connect(parts), request, idle)

    async def _ask(self, connection: _Connection, request: bytes, idle: list[_Connection]) -> int:
        stays_open = False
        try:
            connection.writer.write(request)
            await connection.writer.drain()
            answer = await _read_answer(connection.reader)
            stays_open = answer.can_stay_open
            return answer.status
        finally:
            if stays_open:
                idle.append(connection)
            else:
                connection.writer.close()


async def _connect(parts: SplitResult) -> _Connection:
    is_secret = parts.scheme == "https"
    port = parts.port or (443 if is_secret else 80)
    reader, writer = await asyncio.open_connection(
        parts.hostname, port, ssl=is_secret or None, limit=LARGEST_HEAD
    )
    return _Connection(reader, writer)


def _written(parts: SplitResult, body: bytes, headers: dict[str, str]) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    everything = {"host": parts.netloc, "content-length": str(len(body)), **headers}
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in everything.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def _read_answer(reader: asyncio.StreamReader) -> _Answer:
    """Raise ValueError for what is no HTTP."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    protocol, _, rest = first.partition(" ")
    if not protocol.startswith("HTTP/1."):
        raise ValueError(f"not an answer: {first[:80]}")
    status = int(rest[:3])
    if status < 200:
        return await _read_answer(reader)
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    length = headers.get("content-length", "")
    # Where the body has no plain length, nobody reads it: the connection ends instead.
    can_stay_open = (
        protocol == "HTTP/1.1"
        and headers.get("connection", "").lower() != "close"
        and length.isdecimal()
        and int(length) <= LARGEST_BODY
    )
    if can_stay_open:
        await reader.readexactly(int(length))
    return _Answer(status, can_stay_open)
