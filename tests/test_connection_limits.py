"""Limits of an HTTP connection: the size and time of a request's head, and pipelining."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from donate.web.limits.body_limits import MAX_UPLOAD_BYTES
from donate.web.limits.connection_limits import (
    MAX_HEAD_BYTES,
    MAX_PIPELINED,
    MAX_REQUEST_BYTES,
    LimitedHttpProtocol,
)
from tests.real_parts import served

LONG = b"x" * 50_000_000


async def pieces() -> AsyncIterator[bytes]:
    for _ in range(50):
        yield LONG[:1_000_000]


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond with the length of the request's body after a pause, as if reading a database.

    The path /long gets a response that fits into no buffer, /pieces the same in pieces, and /early
    one that does not wait for the request's body.
    """
    if scope["path"] == "/pieces":
        await StreamingResponse(pieces())(scope, receive, send)
        return
    if scope["path"] in ("/long", "/early"):
        await PlainTextResponse(LONG if scope["path"] == "/long" else b"")(scope, receive, send)
        return
    try:
        body = await Request(scope, receive).body()
    except ClientDisconnect:
        return
    await asyncio.sleep(0.01)
    await PlainTextResponse(str(len(body)))(scope, receive, send)


class Impatient(LimitedHttpProtocol):
    """The service's HTTP protocol with a shorter timeout, so that the tests are quick."""

    head_timeout_s = 0.3
    reader_timeout_s = 0.3


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Serve `echo` with the short timeout."""
    with served(echo, http=Impatient, lifespan="off") as url:
        yield url


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port or 80), timeout=5)


@pytest.mark.parametrize("start", [b"GET /?", b"GET / HTTP/1.1\r\nX: ", b"GET / HTTP/1.1\r\n"])
def test_a_head_that_never_ends_is_cut_off(url: str, start: bytes) -> None:
    """The server closes a connection whose URL, header or number of headers never ends."""
    more = b"X: y\r\n" * 2_000 if start.endswith(b"1.1\r\n") else b"a" * 12_000
    with connect(url) as caller, pytest.raises(ConnectionError):
        caller.sendall(start + more * (10_000_000 // len(more)))


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\n"])
def test_a_head_that_does_not_arrive_times_out(url: str, start: bytes) -> None:
    """The server closes a connection that sends nothing, or only half of a request's head."""
    with connect(url) as caller:
        caller.sendall(start)
        assert caller.recv(100) == b""


def is_closed(caller: socket.socket, after_s: float) -> bool:
    """Return whether the server has closed the connection after this time, at the latest."""
    caller.settimeout(0.1)
    until = time.monotonic() + after_s
    while time.monotonic() < until:
        try:
            if not caller.recv(100):
                return True
        except TimeoutError:
            continue
        except ConnectionError:
            return True
    return False


@pytest.mark.alone
@pytest.mark.parametrize(
    ("request_", "drip"),
    [
        (b"GET /early HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\r\n"),
        (b"POST /early HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n", b"a"),
    ],
    ids=["empty lines", "the body of an answered request"],
)
def test_what_follows_an_answer_drop_by_drop_times_out(
    url: str, request_: bytes, drip: bytes
) -> None:
    """After an answer, bytes that begin no new request do not keep the connection open."""
    with connect(url) as caller:
        caller.sendall(request_)
        start = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < start + 3:
                caller.sendall(drip)
                time.sleep(0.05)
        assert time.monotonic() - start < 2


@pytest.mark.parametrize("path", ["/long", "/pieces"])
def test_a_client_that_does_not_read_times_out(url: str, path: str) -> None:
    """The server closes a connection whose client takes nothing of the answer."""
    with connect(url) as caller:
        caller.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        time.sleep(1)
        received = 0
        with contextlib.suppress(ConnectionError):
            while piece := caller.recv(1_000_000):
                received += len(piece)
        assert received < len(LONG)


def test_a_client_that_reads_slowly_gets_all(url: str) -> None:
    """A client that takes a little of the answer again and again is not cut off."""
    with connect(url) as caller:
        caller.sendall(b"GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = 0
        while received < len(LONG) and (piece := caller.recv(4_000_000)):
            received += len(piece)
            time.sleep(0.04)
        assert received > len(LONG)


class Narrow(LimitedHttpProtocol):
    """The service's HTTP protocol with room for three connections, two for each network."""

    max_connections = 3
    max_per_network = 2


@pytest.mark.parametrize(("is_proxy", "most"), [(False, 2), (True, 3)])
def test_a_new_connection_closes_the_oldest(is_proxy: bool, most: int) -> None:
    """A network's new connections close its oldest ones, and a proxy's only those of all."""
    server = served(
        echo,
        http=Narrow,
        lifespan="off",
        proxy_headers=is_proxy,
        forwarded_allow_ips=["127.0.0.0/8"] if is_proxy else [],
    )
    with server as url, contextlib.ExitStack() as stack:
        callers = [stack.enter_context(connect(url)) for _ in range(5)]
        closed = [is_closed(caller, 0.5) for caller in callers]
        assert closed == [True] * (5 - most) + [False] * most
        callers[-1].sendall(REQUEST)
        callers[-1].settimeout(5)
        assert answers_to(callers[-1], 1) == 1


@pytest.mark.parametrize("trailers", [b"a:b\r\n" * 2_000, b"a:" + b"b" * 12_000])
def test_headers_after_the_body_are_limited(url: str, trailers: bytes) -> None:
    """The server closes a connection that sends endless headers after a chunked body."""
    start = b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    with connect(url) as caller, pytest.raises(ConnectionError):
        caller.sendall(start + trailers * (2 * MAX_REQUEST_BYTES // len(trailers)))


def test_a_long_head_and_a_longer_body_pass(url: str) -> None:
    """The limit on a request's head does not count the body, or the connection's other requests."""
    headers = {"X": "y" * (MAX_HEAD_BYTES // 2)}
    with httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
        for _ in range(4):
            assert client.post("/", content=b"b" * 300_000).text == "300000"


def test_a_request_as_large_as_an_upload_passes(url: str) -> None:
    """The limit on a whole request lets through the largest file that staff may upload."""
    with httpx.Client(base_url=url, trust_env=False) as client:
        answer = client.post("/", content=b"b" * MAX_UPLOAD_BYTES)
    assert answer.text == str(MAX_UPLOAD_BYTES)


REQUEST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"


def answers_to(caller: socket.socket, at_most: int) -> int:
    """Count the responses until there are `at_most`, or the connection ends."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while received.count(b"200 OK") < at_most and (more := caller.recv(65_536)):
            received += more
    return received.count(b"200 OK")


def test_a_few_pipelined_requests_are_answered(url: str) -> None:
    """A client may send a few requests before it has the response to the first."""
    with connect(url) as caller:
        caller.sendall(REQUEST * MAX_PIPELINED)
        assert answers_to(caller, MAX_PIPELINED) == MAX_PIPELINED


@pytest.mark.parametrize(
    "more",
    [REQUEST * 5_000, b"\0\0 no request\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 50_000],
    ids=["many requests", "no request", "a head without end"],
)
def test_too_many_pipelined_requests_are_cut_off(
    url: str, more: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """The server closes a connection with too many pipelined requests, and logs no error."""
    with connect(url) as caller, contextlib.suppress(ConnectionError):
        caller.sendall(REQUEST * 2 + more)
        assert answers_to(caller, 5_000) <= MAX_PIPELINED
    time.sleep(0.1)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    assert httpx.post(url, content=b"abc", trust_env=False).text == "3"
