"""What stands before every room, where a room answers before it has read what comes."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from donate.web.request_limits import MAX_BODY_BYTES, BodyLimit

PIECE = b"x" * (MAX_BODY_BYTES // 2 + 1)


def answers_of(method: str, *, late: bool = False) -> list[Message]:
    """Run a room that reads while it answers, as files do, and return what was sent."""
    sent: list[Message] = []
    left = [PIECE] * 3
    scope = {"type": "http", "method": method, "path": "/static/x", "headers": []}

    async def receive() -> Message:
        if late:
            await asyncio.sleep(0.2)
        body = left.pop() if left else b""
        return {"type": "http.request", "body": body, "more_body": bool(left)}

    async def send(message: Message) -> None:
        sent.append(message)

    async def room(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await receive()
        await send({"type": "http.response.body", "body": b"all of it"})

    asyncio.run(BodyLimit(room, timeout_s=0.1)(scope, receive, send))
    return sent


@pytest.mark.parametrize("late", [False, True])
def test_a_file_is_not_broken_off(late: bool) -> None:
    """What comes with a GET is nobody's to keep, however much or late: the answer is finished."""
    sent = answers_of("GET", late=late)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert (sent[0]["status"], sent[1]["body"]) == (200, b"all of it")


@pytest.mark.parametrize(("late", "status"), [(False, 413), (True, 408)])
def test_a_body_is_measured(late: bool, status: int) -> None:
    """A room that reads is spared what is too large or too slow."""
    assert answers_of("POST", late=late)[0]["status"] == status
