"""Lets the Give dialog on named web pages open a gift, and nothing else on any other page."""

from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

GIFTS: Final = "/api/v1/gifts"


class CrossOriginGifts:
    """Answers browsers that ask whether a page of one of `origins` may post a gift.

    Without cookies: what a page sends is what its visitor typed, and it reads only that gift.
    """

    def __init__(self, app: ASGIApp, *, origins: tuple[str, ...]) -> None:
        self._app = app
        self._open = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=["POST"],
            allow_headers=["Content-Type", "Accept-Language", "Idempotency-Key"],
            max_age=600,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on but a request about that one address."""
        about_gifts = scope["type"] == "http" and scope["path"] == GIFTS
        await (self._open if about_gifts else self._app)(scope, receive, send)
