"""Makes and checks the secret links to the pages of gifts.

A link is computed from two things: the gift's `link_name`, which is random and in the database, and
a key, which is not. So whoever reads the database, or a copy of it, cannot make a link; and whoever
reads the key alone cannot either.
"""

import base64
import hashlib
import hmac
import re
from typing import Final, Literal

from sqlmodel import Session, select

from donate.gifts.models import Gift

Purpose = Literal["gift", "reminders"]
"""What a link opens: the pages of the gift, or only the page about reminders."""

_NAME_LENGTH: Final = 22
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{44}")
# The form of tokens from before there was a key. They were random.
_OLD_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,43}")


class GiftLinks:
    """The links to the pages of gifts on the service at `public_url`.

    Links are made with the first of `keys`, and opened with any of them. Without a key, a link has
    "…" in place of its token, for texts that are shown to staff.
    """

    def __init__(self, public_url: str, keys: tuple[str, ...]) -> None:
        self.public_url: Final = public_url
        self._keys: Final = tuple(key.encode() for key in keys)

    def token(self, gift: Gift, purpose: Purpose = "gift") -> str:
        """Return the secret part of a gift's link."""
        return _signed(gift.link_name, purpose, self._keys[0]) if self._keys else "…"

    def path(self, gift: Gift) -> str:
        """Return the path of the donor's page for a gift."""
        return f"/gifts/{self.token(gift)}"

    def page(self, gift: Gift) -> str:
        """Return the URL of the donor's page for a gift."""
        return f"{self.public_url}{self.path(gift)}"

    def pledge_path(self, first: Gift) -> str:
        """Return the path of the donor's page for the monthly gift that `first` began."""
        return f"/pledges/{self.token(first)}"

    def pledge_page(self, first: Gift) -> str:
        """Return the URL of the donor's page for the monthly gift that `first` began."""
        return f"{self.public_url}{self.pledge_path(first)}"

    def stop_page(self, gift: Gift) -> str:
        """Return the URL of the page on which the donor stops reminders."""
        return f"{self.public_url}/unsubscribe/{self.token(gift, 'reminders')}"

    def find_gift(self, session: Session, token: str, purpose: Purpose = "gift") -> Gift | None:
        """Return the gift that a link with this token opens; None if the token is wrong."""
        name = self._name_in(token, purpose)
        if name is None:
            return None
        return session.exec(select(Gift).where(Gift.link_name == name)).one_or_none()

    def opens(self, token: str, gift: Gift | None) -> bool:
        """Return whether a link with this token opens this gift; False if there is no gift.

        It takes the same time in any case, so the time does not tell whether the gift exists.
        """
        name = self._name_in(token, "gift") or ""
        return hmac.compare_digest(name, gift.link_name if gift else "") and gift is not None

    def _name_in(self, token: str, purpose: Purpose) -> str | None:
        """Return the `link_name` that a token stands for; None if the token is not ours."""
        if _TOKEN.fullmatch(token):
            name = token[:_NAME_LENGTH]
            # Always compare with all keys, so that the time does not tell which one fits.
            fits = [hmac.compare_digest(_signed(name, purpose, key), token) for key in self._keys]
            return name if any(fits) else None
        if purpose == "gift" and _OLD_TOKEN.fullmatch(token):
            return old_link_name(token)
        return None


HIDDEN_LINKS: Final = GiftLinks("", ())
"""Links with "…" in place of the token."""


def old_link_name(token: str) -> str:
    """Return the `link_name` of a gift whose link was random: a hash of the token.

    Nobody can compute the token from it. The migration 0040 has the same rule.
    """
    return _text(hashlib.sha256(token.encode()).digest())[:_NAME_LENGTH]


def _signed(name: str, purpose: Purpose, key: bytes) -> str:
    digest = hmac.digest(key, f"{purpose}:{name}".encode(), hashlib.sha256)
    return name + _text(digest)[:_NAME_LENGTH]


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode()
