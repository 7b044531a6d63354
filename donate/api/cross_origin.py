"""CORS for the Give dialog: web pages of the configured origins may open a gift."""

from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

GIFTS: Final = "/api/v1/gifts"


class CrossOriginGifts:
    """Answers CORS preflights for `POST /gifts` from web pages of `origins`.

    Cookies are not allowed. A page sends only what its visitor typed, and reads only the gift that
    it opened.
    """

    def __init__(self, app: ASGIApp, *, origins: tuple[str, ...]) -> None:
        self._app = app
        self._open = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=["POST"],
            allow_headers=["Content-Type", "Accept-Language", "Idempotency-Key", "Donate-Proof"],
            max_age=600,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Apply CORS to requests for `/api/v1/gifts` only."""
        is_gifts = scope["type"] == "http" and scope["path"] == GIFTS
        await (self._open if is_gifts else self._app)(scope, receive, send)
