"""Limits on the size of a request's body, and on the time that it takes to arrive.

The middleware is plain ASGI, so that it can count a body's bytes while they arrive, before they
are stored.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from donate.errors import N_

MAX_BODY_BYTES: Final = 64 * 1024
# Stripe's events have a few kilobytes. The largest known ones are far smaller than this limit.
MAX_EVENT_BYTES: Final = 512 * 1024
# Staff may upload 20 MB of files at once. The rest is for the form's other fields and for the
# headers of each file.
MAX_UPLOAD_BYTES: Final = 21 * 1024 * 1024
UPLOAD_PATHS: Final[Mapping[str, str]] = {
    "/finance/statements/uploaded": N_(
        "A statement can be at most 20 MB. Nothing was saved. Please download fewer days at once."
    ),
    "/finance/transfer-mails/added": N_(
        "Together, the files can be at most 20 MB. Nothing was added. Please add fewer at a time."
    ),
}
"""The paths to which staff upload files, and what to say if they are too large."""
BODY_TIMEOUT_S: Final = 10.0
UPLOAD_TIMEOUT_S: Final = 120.0
WEBHOOK_PATH: Final = "/webhooks/stripe"


class _TooLarge(Exception):
    pass


class _TooSlow(Exception):
    pass


def _plain_text(_request: Request, status: int, _detail: str = "") -> Response:
    timeout = "The request took too long to arrive."
    return PlainTextResponse(timeout if status == 408 else "The request is too large.", status)


class BodyLimit:
    """Answers 413 to a body that is too large and 408 to one that is too slow, and disconnects.

    `answer` builds the response from the request, the status and a sentence, a msgid.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        timeout_s: float = BODY_TIMEOUT_S,
        answer: Callable[[Request, int, str], Response] = _plain_text,
    ) -> None:
        self._app = app
        self._timeout_s = timeout_s
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app with a `receive` that limits the bytes and the time of the body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit, timeout_s = self._limits(scope["path"])
        left = limit
        deadline = time.monotonic() + timeout_s
        # No route reads the body of a GET or HEAD request. A file response waits in `receive` to
        # notice that the client disconnects, and the timeout would abort the response.
        is_exempt = scope["method"] in ("GET", "HEAD")
        complete = False
        answered = False

        async def measured() -> Message:
            nonlocal left, complete
            if complete or is_exempt:
                return await receive()
            try:
                async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                    message = await receive()
            except TimeoutError as error:
                raise _TooSlow from error
            if message["type"] == "http.request":
                left -= len(message.get("body", b""))
                if left < 0:
                    raise _TooLarge
                complete = not message.get("more_body", False)
            return message

        async def watched(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            if _declared_length(scope) > limit:
                raise _TooLarge
            await self._app(scope, measured, watched)
        except ClientDisconnect:
            return  # the client has disconnected, so no response is needed
        except (_TooLarge, _TooSlow) as error:
            if answered:
                raise
            status = 408 if isinstance(error, _TooSlow) else 413
            detail = UPLOAD_PATHS.get(scope["path"], "") if status == 413 else ""
            answer = self._answer(Request(scope), status, detail)
            answer.headers["Connection"] = "close"
            await answer(scope, receive, send)

    def _limits(self, path: str) -> tuple[int, float]:
        if path in UPLOAD_PATHS:
            return MAX_UPLOAD_BYTES, UPLOAD_TIMEOUT_S
        return (MAX_EVENT_BYTES if path == WEBHOOK_PATH else MAX_BODY_BYTES), self._timeout_s


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) < 19 else MAX_UPLOAD_BYTES + 1
    return 0
