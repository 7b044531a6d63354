"""What stands before every room: a limit on size and time of what comes in, and strict headers.

Plain ASGI, so that a body is measured while it arrives and never held whole beyond its limit.
"""

import asyncio
import re
import time
from collections.abc import Callable
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES: Final = 64 * 1024
# Stripe's events are a few kilobytes; the largest seen in the wild stay far below this.
MAX_EVENT_BYTES: Final = 512 * 1024
BODY_TIMEOUT_S: Final = 10.0
WEBHOOK_PATH: Final = "/webhooks/stripe"
# Each begins with a word, so that what is led to is a path of ours.
_PAGES: Final = ("/give/", "/gifts/", "/pledges/", "/finance/", "/demo/")
_UTF8: Final = re.compile(r';\s*charset="?utf-?8"?\s*(;|$)')


class _TooLarge(Exception):
    pass


class _TooSlow(Exception):
    pass


def _in_plain_words(_request: Request, status: int) -> Response:
    slow = "The request took too long to arrive."
    return PlainTextResponse(slow if status == 408 else "The request is too large.", status)


class BodyLimit:
    """Answers 413 to a body over the limit and 408 to one that drips, and hangs up.

    `answer` says so in kind, given the request and the status.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        timeout_s: float = BODY_TIMEOUT_S,
        answer: Callable[[Request, int], Response] = _in_plain_words,
    ) -> None:
        self._app = app
        self._timeout_s = timeout_s
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a `receive` that counts bytes and seconds."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = MAX_EVENT_BYTES if scope["path"] == WEBHOOK_PATH else MAX_BODY_BYTES
        left = most
        until = time.monotonic() + self._timeout_s
        # No room keeps the body of one of these; a file looks at it only to see who hangs up, and
        # would be broken off in the middle.
        passes = scope["method"] in ("GET", "HEAD")
        complete = False
        answered = False

        async def measured() -> Message:
            nonlocal left, complete
            if complete or passes:
                return await receive()
            try:
                async with asyncio.timeout(max(0.0, until - time.monotonic())):
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
            if _declared_length(scope) > most:
                raise _TooLarge
            await self._app(scope, measured, watched)
        except ClientDisconnect:
            return  # hung up in the middle of a body: nobody is left to answer
        except (_TooLarge, _TooSlow) as stopped:
            if answered:
                raise
            status = 408 if isinstance(stopped, _TooSlow) else 413
            answer = self._answer(Request(scope), status)
            answer.headers["Connection"] = "close"
            await answer(scope, receive, send)


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) < 19 else MAX_EVENT_BYTES + 1
    return 0


def is_in_utf8(request: Request) -> bool:
    """Whether a form is in UTF-8, as every browser sends ours.

    Python reads a hundred other charsets, and some of them in quadratic time.
    """
    kind = request.headers.get("content-type", "").lower()
    named = kind.count("charset")
    return named == 0 or (named == 1 and bool(_UTF8.search(kind)))


class TrailingSlashRedirect:
    """Leads from a page's address with a slash at its end to the page, the query kept.

    Only from pages that people open: a program, Stripe first of all, gets no redirect.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer where its page is."""
        if (
            scope["type"] == "http"
            and scope["method"] in ("GET", "HEAD")
            and scope["path"].endswith("/")
            and scope["path"].startswith(_PAGES)
        ):
            query = scope["query_string"].decode("latin-1")
            path = scope["raw_path"].decode("latin-1").partition("?")[0].rstrip("/")
            to = f"{path}?{query}" if query else path
            answer = Response(status_code=308, headers={"Location": to})
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


class SecurityHeaders:
    """Adds the headers that keep pages to themselves. `checkout_origins` may take our forms."""

    def __init__(self, app: ASGIApp, *, checkout_origins: tuple[str, ...], https: bool) -> None:
        self._app = app
        policy = (
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
            "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
            # A form's redirect counts as its action, so Stripe's page has to be named here.
            "form-action 'self' " + " ".join(checkout_origins)
        )
        headers = {
            "Content-Security-Policy": policy,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
        }
        if https:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        self._headers = [(k.lower().encode(), v.encode()) for k, v in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add headers and, unless the room chose otherwise, no caching."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                given = {name for name, _ in headers}
                headers.extend(h for h in self._headers if h[0] not in given)
                if b"cache-control" not in given:
                    # Our files say by their ETag whether they changed; pages are one person's.
                    ours = scope["path"].startswith("/static/")
                    headers.append((b"cache-control", b"no-cache" if ours else b"no-store"))
            await send(message)

        await self._app(scope, receive, with_headers)
