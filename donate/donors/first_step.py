"""Commits a gift before the first request to Stripe, so that no gift is lost if Stripe fails."""

import logging

from starlette.responses import RedirectResponse, Response

from donate.clock import Clock
from donate.errors import Conflict, StripeRefused, Unavailable
from donate.gifts.choosing.choice import Choice
from donate.gifts.models import Gift
from donate.gifts.opening import count_and_open
from donate.modes import Modes, Redirect
from donate.storage.database import Database
from donate.web.giving_limits import GivingLimits

log = logging.getLogger(__name__)


class FirstStep:
    """Opens a gift from a checked form, and redirects the donor to the gift's next page."""

    def __init__(
        self, database: Database, modes: Modes, clock: Clock, limits: GivingLimits
    ) -> None:
        self._database = database
        self._modes = modes
        self._clock = clock
        self._limits = limits

    def take(self, choice: Choice, form_key: str, address: str) -> Response:
        """Open a gift, or find the one that this form key already opened, and redirect the donor.

        `address` is the donor's network address, for rate limits. Raises DatabaseBusy or
        TooManyAttempts; in both cases nothing was recorded.
        """
        now, limits = self._clock.now(), self._limits
        with self._database.writing() as session:
            gift, _ = count_and_open(
                session, choice, form_key, limits=limits, address=address, now=now
            )
        try:
            return self.begin(gift, choice.language)
        except Conflict:
            return redirect_to(gift_path(gift))

    def begin(self, gift: Gift, language: str) -> Response:
        """Redirect the donor to pay the gift. Raises Conflict if there is nothing left to pay."""
        page, lang = gift_path(gift), ""
        if language != gift.language:
            page, lang = f"{page}?lang={language}", f"&lang={language}"
        try:
            step = self._modes[gift.mode].begin(gift, language)
        except Unavailable as error:
            log.warning("could not open a payment page: %s", type(error).__name__)
            problem = "refused" if isinstance(error, StripeRefused) and error.is_final else "page"
            return redirect_to(f"{gift_path(gift)}?problem={problem}{lang}")
        return redirect_to(step.url if isinstance(step, Redirect) else page)


def redirect_to(address: str) -> Response:
    """Return a redirect. The browser follows it with a GET request, also after a POST."""
    return RedirectResponse(address, status_code=303)


def gift_path(gift: Gift) -> str:
    """Return the path of the donor's page for a gift."""
    return f"/gifts/{gift.token}"
