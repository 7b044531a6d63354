"""Compresses the pages of donors with gzip. Static files are compressed already."""

from typing import Final

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

_COMPRESSED: Final = ("/give/", "/gifts/", "/pledges/")
# Below this size, a compressed page needs as many packets as a plain one.
_MINIMUM_BYTES: Final = 1_000
_LEVEL: Final = 6


class CompressedPages:
    """Compresses pages that people read without signing in.

    The pages of staff are sent as they are: they hold a secret that stays the same during a
    session, next to texts that a link can choose. From the sizes of compressed answers, an attacker
    can guess such a secret (BREACH, CVE-2013-3587).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressing = GZipMiddleware(app, _MINIMUM_BYTES, _LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer through GZipMiddleware if the path is that of a donor's page."""
        is_page = scope["type"] == "http" and scope["path"].startswith(_COMPRESSED)
        await (self._compressing if is_page else self._app)(scope, receive, send)
