"""The modes: the ways to pay, one in each file. `begin(gift)` returns the donor's next step.

`docs/tour.md` says what else a new mode needs.
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
    """A way to pay."""

    def begin(self, gift: Gift, language: str = "", *, is_counted: bool = True) -> NextStep:
        """Return the donor's next step. Calling this again opens no second gift.

        `language` is the language for Stripe's page. If it is empty and the gift has an open
        checkout session, that session's language is kept. `is_counted` says whether the breaker
        counted this attempt; if not, an open session is used again, and NotCounted is raised where
        another one is needed. Raises StripeUnavailable if Stripe gives no usable answer. The gift
        stays recorded.
        """
        ...


Modes = Mapping[Mode, ModeOfPayment]


def build_modes(regions: Regions, checkouts: Checkouts) -> Modes:
    """Create all modes. `regions.offers` decides which of them a region offers."""
    return {
        Mode.CARD: Card(checkouts),
        Mode.BANK_DEBIT: BankDebit(checkouts),
        Mode.INTERAC: Interac(regions),
        Mode.GIVING_CODE: GivingCode(regions),
    }
