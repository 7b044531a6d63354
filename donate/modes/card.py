"""Payment by card, on Stripe's page. This service never receives card data."""

from donate.gifts.models import Gift
from donate.modes.next_step import Redirect
from donate.stripe_gateway.requests.checkout import Checkouts


class Card:
    """Sends the donor to Stripe's page, to pay by card."""

    def __init__(self, checkouts: Checkouts) -> None:
        self._checkouts = checkouts

    def begin(self, gift: Gift, language: str = "", *, is_counted: bool = True) -> Redirect:
        """Return the URL of the gift's checkout session. Open a session if the gift has none."""
        return Redirect(self._checkouts.open_for(gift, language, is_counted=is_counted))
