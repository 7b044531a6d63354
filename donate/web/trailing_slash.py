"""Redirects a page's URL that ends with a slash to the URL without it."""

from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

# Redirect only these pages. Each of these paths begins with a word, because a redirect to a path
# such as `//example.org` would lead to another site.
_PAGES: Final = ("/give/", "/gifts/", "/pledges/", "/finance/", "/demo/")


class TrailingSlashRedirect:
    """Redirects a page's URL that ends with a slash to the URL without it, and keeps the query.

    Only pages are redirected, because programs such as Stripe's webhooks follow no redirects.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a redirect, or call the app."""
        if (
            scope["type"] == "http"
            and scope["method"] in ("GET", "HEAD")
            and scope["path"].endswith("/")
            and scope["path"].startswith(_PAGES)
        ):
            query = scope["query_string"].decode("latin-1")
            path = scope["raw_path"].decode("latin-1").partition("?")[0].rstrip("/")
            location = f"{path}?{query}" if query else path
            answer = Response(status_code=308, headers={"Location": location})
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)
