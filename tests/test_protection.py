"""The limit on bodies, with an app that answers before it has read the body."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from donate.web.request_limits import MAX_BODY_BYTES, BodyLimit

PIECE = b"x" * (MAX_BODY_BYTES // 2 + 1)


def answers_of(method: str, *, late: bool = False) -> list[Message]:
    """Run an app that reads while it answers, as static files do, and return its messages."""
    sent: list[Message] = []
    pieces = [PIECE] * 3
    scope = {"type": "http", "method": method, "path": "/static/x", "headers": []}

    async def receive() -> Message:
        if late:
            await asyncio.sleep(0.2)
        body = pieces.pop() if pieces else b""
        return {"type": "http.request", "body": body, "more_body": bool(pieces)}

    async def send(message: Message) -> None:
        sent.append(message)

    async def app(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await receive()
        await send({"type": "http.response.body", "body": b"all of it"})

    asyncio.run(BodyLimit(app, timeout_s=0.1)(scope, receive, send))
    return sent


@pytest.mark.parametrize("late", [False, True])
def test_a_file_is_not_broken_off(late: bool) -> None:
    """A GET with a large or slow body still gets its whole answer."""
    sent = answers_of("GET", late=late)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert (sent[0]["status"], sent[1]["body"]) == (200, b"all of it")


@pytest.mark.parametrize(("late", "status"), [(False, 413), (True, 408)])
def test_a_body_is_measured(late: bool, status: int) -> None:
    """A body that is too large or too slow is refused before the app has read it."""
    assert answers_of("POST", late=late)[0]["status"] == status
