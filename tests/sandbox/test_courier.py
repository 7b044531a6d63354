"""The HTTP client that delivers the sandbox's webhooks."""

import asyncio
from typing import Any

import pytest

from donate.sandbox.webhooks.client import NotDelivered, WebhookClient

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return head + await reader.readexactly(length)


class Listener:
    """A server that gives the answers in a list on each connection, and then closes it."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = answers
        self.requests: list[bytes] = []
        self.connections = 0
        self.talking: list[asyncio.Task[Any]] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.talking.append(task)
        for answer in self.answers:
            try:
                self.requests.append(await read_request(reader))
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            writer.write(answer)
            await writer.drain()
        writer.close()
        await writer.wait_closed()


def post(listener: Listener, times: int = 1, timeout_s: float = 5.0) -> list[int]:
    async def posting() -> list[int]:
        server = await asyncio.start_server(listener.talk, "127.0.0.1", 0)
        port, courier = server.sockets[0].getsockname()[1], WebhookClient()
        statuses = []
        try:
            for _ in range(times):
                url = f"http://127.0.0.1:{port}/hooks?of=us"
                statuses.append(await courier.post(url, b"{}", {"x-sign": "1"}, timeout_s))
                # The pause is long enough for the client to notice that the connection was closed.
                await asyncio.sleep(0.02)
        finally:
            await courier.close()
            server.close()
            await asyncio.gather(*listener.talking, return_exceptions=True)
        return statuses

    return asyncio.run(posting())


def test_what_arrives_is_what_was_sent() -> None:
    """A delivered webhook has the URL's path and query, the headers and the body."""
    listener = Listener(ANSWER)
    assert post(listener) == [200]
    head, _, body = listener.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hooks?of=us HTTP/1.1\r\nhost: 127.0.0.1:")
    assert b"x-sign: 1" in head
    assert body == b"{}"


def test_a_connection_is_kept() -> None:
    """Deliveries to one receiver share a connection."""
    listener = Listener(*[ANSWER] * 5)
    assert post(listener, times=5) == [200] * 5
    assert listener.connections == 1


def test_a_receiver_may_hang_up_between_deliveries() -> None:
    """If the receiver closes the connection after an answer, the next delivery opens another."""
    listener = Listener(ANSWER)
    assert post(listener, times=3) == [200] * 3
    assert listener.connections == 3


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200),
        (b"HTTP/1.1 302 Found\r\nlocation: http://elsewhere/\r\n\r\n", 302),
        (b"HTTP/1.1 500 Oh\r\nconnection: Close\r\ncontent-length: 2\r\n\r\nno", 500),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + ANSWER, 200),
    ],
    ids=str,
)
def test_every_answer_has_a_status(answer: bytes, status: int) -> None:
    """The client reads the status of an answer however its body ends."""
    listener = Listener(answer, answer)
    assert post(listener, times=2) == [status] * 2


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ncut", b"SSH-2.0\r\n\r\n"],
    ids=str,
)
def test_an_incomplete_answer_is_no_delivery(answer: bytes) -> None:
    """If the receiver sends no complete HTTP answer, the webhook counts as not delivered."""
    with pytest.raises(NotDelivered):
        post(Listener(answer))


def test_a_delivery_times_out() -> None:
    """If the receiver does not answer in time, the webhook counts as not delivered."""
    silent = Listener(b"HTTP/1.1 100 Continue\r\n\r\n", ANSWER)
    with pytest.raises(NotDelivered, match="TimeoutError"):
        post(silent, timeout_s=0.1)
