"""Card, through a Stripe Checkout session. Card data never touches this service."""

from donate.gifts.models import Gift
from donate.modes.next_step import Redirect
from donate.stripe_gateway.requests.checkout import Checkouts


class Card:
    """Sends the donor to Stripe's page for this gift."""

    def __init__(self, checkouts: Checkouts) -> None:
        self._checkouts = checkouts

    def begin(self, gift: Gift, language: str = "") -> Redirect:
        """Return the URL of the gift's checkout session, and open one if there is none."""
        return Redirect(self._checkouts.open_for(gift, language))
