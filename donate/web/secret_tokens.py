"""Random tokens of sessions and links: their cookies, the hashes that are stored, how to compare.

The database stores only hashes. So whoever reads a copy of it cannot use a session or a link.
"""

import hashlib
import hmac
from typing import Final

from starlette.responses import Response

FORGET_PAGES: Final = {"Clear-Site-Data": '"cache"'}
"""The header of the answer that ends a session: the browser forgets the pages that it has shown."""


def hash_of(token: str) -> str:
    """Return the hash under which a token is stored. Tokens are random, so a fast hash is safe."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def same_secret(one: str, other: str) -> bool:
    """Compare two secrets in constant time. Return whether they are equal; empty ones never are."""
    return bool(one) and hmac.compare_digest(
        one.encode("utf-8", "replace"), other.encode("utf-8", "replace")
    )


class TokenCookies:
    """Sets cookies that scripts cannot read and that other sites' forms do not send.

    `https` says whether browsers reach this service only over https.
    """

    def __init__(self, *, https: bool) -> None:
        self._https = https

    def name(self, name: str) -> str:
        """Return the full name of a cookie.

        Browsers accept a `__Host-` cookie only over https, and send it only to this host, for every
        path. Over plain http they reject such a cookie, so the name has no prefix there.
        """
        return f"__Host-{name}" if self._https else name

    def set(self, response: Response, name: str, value: str, max_age_s: int | None = None) -> None:
        """Set a cookie with this full name. By default it ends with the browser session.

        Raises ValueError if the name is not a result of `name`.
        """
        if not name.startswith(self.name("")):
            raise ValueError(f"the cookie {name} lacks its prefix")
        response.set_cookie(
            name,
            value,
            max_age=max_age_s,
            httponly=True,
            secure=self._https,
            samesite="lax",
            path="/",
        )

    def drop(self, response: Response, name: str) -> None:
        """Delete a cookie in the browser."""
        response.delete_cookie(name, httponly=True, secure=self._https, samesite="lax", path="/")
