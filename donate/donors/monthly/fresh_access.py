"""Says whether a browser may change a monthly gift, or only read its page.

The link to the page never expires, and others may have seen it: it may have been forwarded,
printed, or opened on a shared computer. So it allows changes only for the first 24 hours. Later, a
change needs the session of a one-time link, which is sent only to the donor's mailbox
(`donors/own_page/links.py`).
"""

from datetime import timedelta
from typing import Final

from fastapi import Request

from donate.clock import Clock
from donate.donors.own_page.links import SESSION_COOKIE, profile_of_session
from donate.gifts.models import Donor, Gift
from donate.storage.database import Database
from donate.web.secret_tokens import TokenCookies

FRESH_FOR: Final = timedelta(hours=24)
"""How long after the start of a monthly gift its link alone allows changes."""


class FreshAccess:
    """Decides which requests may change a monthly gift."""

    def __init__(self, database: Database, clock: Clock, cookies: TokenCookies) -> None:
        self._database = database
        self._clock = clock
        self._cookie: Final = cookies.name(SESSION_COOKIE)

    def may_change(self, request: Request, first: Gift, donor: Donor) -> bool:
        """Return whether this request may change the monthly gift that `first` began."""
        now = self._clock.now()
        if now - first.opened_at < FRESH_FOR:
            return True
        token = request.cookies.get(self._cookie, "")
        if not token or not donor.email:
            return False
        with self._database.reading() as session:
            profile_id = profile_of_session(session, token, now=now)
        return profile_id is not None and profile_id == first.profile_id
