"""A request whose length can be read in two ways hides no second request."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from donate.web.limits.connection_limits import LimitedHttpProtocol
from tests.real_parts import served

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
AMBIGUOUS = {
    "both lengths": b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 64\r\n\r\n",
    "a list of lengths": b"Content-Length: 0, 64\r\n\r\n",
    "a signed length": b"Content-Length: +0\r\n\r\n",
    "a length in hex": b"Content-Length: 0x0\r\n\r\n",
    "a space before the colon": b"Content-Length : 0\r\n\r\n",
    "an unknown encoding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked is not last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a chunk of no size": b"Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n",
    "a negative chunk": b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
}
seen: list[str] = []


async def note(scope: Scope, receive: Receive, send: Send) -> None:
    """Note the path of each request, and read its body."""
    seen.append(scope["path"])
    with suppress(ClientDisconnect):
        await Request(scope, receive).body()
        await PlainTextResponse("")(scope, receive, send)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(note, http=LimitedHttpProtocol, lifespan="off") as url:
        yield url


def answer_to(url: str, head: bytes) -> bytes:
    """Send a POST with this head, and a second request after it. Return all that is answered."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), 10) as connection:
        connection.sendall(b"POST /shown HTTP/1.1\r\nHost: localhost\r\n" + head + HIDDEN)
        connection.settimeout(2)
        answer = b""
        with suppress(ConnectionError, TimeoutError):
            while piece := connection.recv(65_536):
                answer += piece
    return answer


@pytest.mark.parametrize("head", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_a_request_of_unclear_length_hides_none(url: str, head: bytes) -> None:
    """An ambiguous length is refused, and what follows is not taken for a request."""
    seen.clear()
    answer = answer_to(url, head)
    assert "/hidden" not in seen
    assert b" 200 " not in answer


def test_two_clear_requests_are_two(url: str) -> None:
    """The test itself would notice a hidden request: after a clear length it is answered."""
    seen.clear()
    assert answer_to(url, b"Content-Length: 0\r\n\r\n").count(b" 200 ") == 2
    assert seen == ["/shown", "/hidden"]
