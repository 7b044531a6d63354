"""The limit on the size of request bodies and on the time that they take to arrive."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from donate.web.limits.body_limits import MAX_BODY_BYTES, MAX_UPLOAD_BYTES, BodyLimit

PIECE = b"x" * (MAX_BODY_BYTES // 2 + 1)


def answers_of(method: str, *, late: bool = False) -> list[Message]:
    """Send a large body to an app with `BodyLimit`, and return the messages of the response.

    The app still receives messages while it responds, as Starlette's static files do.
    """
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


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/finance/transfer-mails/added", "Together, the files can be at most 20 MB."),
        ("/finance/statements/uploaded", "A statement can be at most 20 MB."),
        ("/finance/gifts", ""),
    ],
)
@pytest.mark.parametrize("declared", [False, True])
def test_files_that_are_too_large_get_a_sentence_of_their_own(
    path: str, sentence: str, declared: bool
) -> None:
    """Whoever uploads too much is told how much may be sent, also before it is sent."""
    details: list[str] = []
    length = [(b"content-length", str(MAX_UPLOAD_BYTES + 1).encode())] if declared else []
    scope = {"type": "http", "method": "POST", "path": path, "headers": length}

    def answer(_request: Request, status: int, detail: str) -> Response:
        details.append(detail)
        return PlainTextResponse(detail, status)

    async def receive() -> Message:
        body = b"x" * (MAX_UPLOAD_BYTES // 2 + 1)
        return {"type": "http.request", "body": body, "more_body": True}

    async def send(message: Message) -> None:
        pass

    async def app(_: Scope, receive: Receive, _send: Send) -> None:
        while True:
            await receive()

    asyncio.run(BodyLimit(app, answer=answer)(scope, receive, send))
    (detail,) = details
    assert detail.startswith(sentence)
    assert bool(detail) == bool(sentence)


@pytest.mark.parametrize("late", [False, True])
def test_a_get_request_is_not_limited(late: bool) -> None:
    """A GET request with a large or slow body still gets its whole response."""
    sent = answers_of("GET", late=late)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert (sent[0]["status"], sent[1]["body"]) == (200, b"all of it")


@pytest.mark.parametrize(("late", "status"), [(False, 413), (True, 408)])
def test_a_post_request_is_limited(late: bool, status: int) -> None:
    """A POST request gets 413 if its body is too large, and 408 if its body takes too long."""
    assert answers_of("POST", late=late)[0]["status"] == status
