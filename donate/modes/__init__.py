"""One file for each way to give. `begin(gift)` returns a redirect or instructions.

What else a new one needs stands in `docs/tour.md`.
"""

from collections.abc import Mapping
from typing import Protocol

from donate.gifts.models import Gift
from donate.modes.bank_debit import BankDebit
from donate.modes.card import Card
from donate.modes.giving_code import GivingCode
from donate.modes.interac import Interac
from donate.modes.next_step import Instructions, NextStep, Redirect
from donate.regions.modes import Mode
from donate.regions.regions import Regions
from donate.stripe_gateway.requests.checkout import Checkouts

__all__ = ["Instructions", "ModeOfPayment", "Modes", "NextStep", "Redirect", "build_modes"]


class ModeOfPayment(Protocol):
    """A way to give."""

    def begin(self, gift: Gift, language: str = "") -> NextStep:
        """Return the donor's next step. Calling it again for the same gift opens no second gift.

        Stripe's page is in `language`; without one, in that of the session that is open, if any.

        Raises StripeUnavailable where Stripe gives no usable answer: the gift stays recorded.
        """
        ...


Modes = Mapping[Mode, ModeOfPayment]


def build_modes(regions: Regions, checkouts: Checkouts) -> Modes:
    """Create every mode. `regions.offers` decides which of them a region offers."""
    return {
        Mode.CARD: Card(checkouts),
        Mode.BANK_DEBIT: BankDebit(checkouts),
        Mode.INTERAC: Interac(regions),
        Mode.GIVING_CODE: GivingCode(regions),
    }
