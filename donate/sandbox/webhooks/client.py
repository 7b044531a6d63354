"""A small HTTP/1.1 client for deliveries, with connections that stay open.

Each payment causes four to twelve events, and an ordinary HTTP library would need milliseconds to
send each.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

# Limits for an answer: the size of its headers, and of the body that is read.
MAX_HEAD = 64 * 1024
MAX_BODY = 1024 * 1024


class NotDelivered(Exception):
    """The receiver gave no HTTP answer: no listener, a broken connection, or other data."""


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
        """Return the status of the answer. Redirects are not followed.

        Raises NotDelivered if no answer arrives within `timeout_s`.
        """
        parts = urlsplit(url)
        request = _encode_request(parts, body, headers)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._post(parts, request)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as problem:
            raise NotDelivered(f"{type(problem).__name__}: {problem}") from problem

    async def close(self) -> None:
        connections = [connection for idle in self._idle.values() for connection in idle]
        self._idle.clear()
        for connection in connections:
            connection.writer.close()
            with suppress(OSError):
                await connection.writer.wait_closed()

    async def _post(self, parts: SplitResult, request: bytes) -> int:
        idle = self._idle.setdefault(f"{parts.scheme}://{parts.netloc}", [])
        while idle:
            connection = idle.pop()
            if not connection.is_usable:
                connection.writer.close()
                continue
            try:
                return await self._send(connection, request, idle)
            except (ConnectionError, EOFError):
                # The receiver has closed this idle connection, so try another one.
                continue
        return await self._send(await _connect(parts), request, idle)

    async def _send(self, connection: _Connection, request: bytes, idle: list[_Connection]) -> int:
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
    is_tls = parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    reader, writer = await asyncio.open_connection(
        parts.hostname, port, ssl=is_tls or None, limit=MAX_HEAD
    )
    return _Connection(reader, writer)


def _encode_request(parts: SplitResult, body: bytes, headers: dict[str, str]) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    all_headers = {"host": parts.netloc, "content-length": str(len(body)), **headers}
    lines = [
        f"POST {target} HTTP/1.1",
        *(f"{name}: {value}" for name, value in all_headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def _read_answer(reader: asyncio.StreamReader) -> _Answer:
    """Read an answer. Raises ValueError for data that is not HTTP."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    protocol, _, rest = first.partition(" ")
    if not protocol.startswith("HTTP/1."):
        raise ValueError(f"not an HTTP answer: {first[:80]}")
    status = int(rest[:3])
    if status < 200:
        return await _read_answer(reader)
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    length = headers.get("content-length", "")
    # Close the connection instead of reading a body of unknown length.
    can_stay_open = (
        protocol == "HTTP/1.1"
        and headers.get("connection", "").lower() != "close"
        and length.isdecimal()
        and int(length) <= MAX_BODY
    )
    if can_stay_open:
        await reader.readexactly(int(length))
    return _Answer(status, can_stay_open)
