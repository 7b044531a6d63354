"""Commits a gift before the first request to Stripe, so that no gift is lost if Stripe fails."""

import logging
from typing import Final

from starlette.responses import RedirectResponse, Response

from donate.breaker.breaker import Breaker, Visitor
from donate.clock import Clock
from donate.donors.challenge_page import ChallengePage
from donate.errors import Conflict, NotCounted, StripeRefused, Unavailable
from donate.gifts.choosing.choice import Choice
from donate.gifts.links.gift_links import GiftLinks
from donate.gifts.models import Gift
from donate.gifts.opening import open_gift
from donate.gifts.status import STILL_PAYABLE, StatusName
from donate.modes import Modes, Redirect
from donate.storage.database import Database

log = logging.getLogger(__name__)


class FirstStep:
    """Opens a gift from a checked form, and redirects the donor to the gift's next page."""

    def __init__(
        self,
        database: Database,
        modes: Modes,
        clock: Clock,
        *,
        breaker: Breaker,
        challenge_page: ChallengePage,
        links: GiftLinks,
    ) -> None:
        self._database = database
        self._modes = modes
        self._clock = clock
        self._breaker = breaker
        self.challenge_page: Final = challenge_page
        self.links: Final = links

    def take(self, choice: Choice, form_key: str, visitor: Visitor) -> Response:
        """Open a gift, or find the one that this form key already opened, and redirect the donor.

        Raises DatabaseBusy, TooManyAttempts or ChallengeNeeded; then nothing was recorded. If a
        form is sent twice, the breaker counts it once, and both lead to the same session. Once that
        session has ended, the form leads to the gift's page, where `retry` counts the next one.
        """
        is_new = self._breaker.admit_once(
            choice.mode, choice.region.code, choice.email, visitor, form_key=form_key
        )
        with self._database.writing() as session:
            gift = open_gift(
                session, choice, form_key, now=self._clock.now(), address=visitor.address
            )
        if not is_new and gift.mode.through_stripe and gift.status != StatusName.AWAITED:
            return redirect_to(self._page(gift, choice.language))
        try:
            return self._begin_once(gift, choice, visitor, is_new=is_new)
        except Conflict:
            return redirect_to(self.links.path(gift))

    def _begin_once(
        self, gift: Gift, choice: Choice, visitor: Visitor, *, is_new: bool
    ) -> Response:
        try:
            return self.begin(gift, choice.language, is_counted=is_new)
        except NotCounted:
            return self.retry(gift, choice.email, choice.language, visitor)

    def retry(self, gift: Gift, email: str, language: str, visitor: Visitor) -> Response:
        """Redirect the donor to pay an earlier gift that is not paid yet.

        Each call may open a new checkout session, so the breaker counts it. Raises what `begin`
        raises, and TooManyAttempts, ChallengeNeeded or DatabaseBusy.
        """
        if gift.status in STILL_PAYABLE:
            self._breaker.admit(gift.mode, gift.code, email, visitor)
        return self.begin(gift, language)

    def begin(self, gift: Gift, language: str, *, is_counted: bool = True) -> Response:
        """Redirect the donor to pay the gift. Raises Conflict if there is nothing left to pay.

        Raises NotCounted if `is_counted` is false and the gift needs another session.
        """
        lang = f"&lang={language}" if language != gift.language else ""
        try:
            step = self._modes[gift.mode].begin(gift, language, is_counted=is_counted)
        except Unavailable as error:
            log.warning("could not open a payment page: %s", type(error).__name__)
            problem = "refused" if isinstance(error, StripeRefused) and error.is_final else "page"
            return redirect_to(f"{self.links.path(gift)}?problem={problem}{lang}")
        return redirect_to(step.url if isinstance(step, Redirect) else self._page(gift, language))

    def _page(self, gift: Gift, language: str) -> str:
        page = self.links.path(gift)
        return page if language == gift.language else f"{page}?lang={language}"


def redirect_to(address: str) -> Response:
    """Return a redirect. The browser follows it with a GET request, also after a POST."""
    return RedirectResponse(address, status_code=303)
