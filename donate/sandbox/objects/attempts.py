"""An attempt to pay, with the data that the donor entered, and its outcome."""

from dataclasses import dataclass
from typing import Any, Literal

from donate.sandbox.objects.cards import (
    BANK_REFUSED,
    GENERIC_DECLINE,
    Decline,
    KnownCard,
    bank_debit_details,
    card_details,
)

Outcome = Literal["paid", "declined", "processing"]


@dataclass(frozen=True)
class Attempt:
    """One valid submission of the payment page, and how the payment will end."""

    email: str | None
    name: str | None
    method_details: dict[str, Any]
    outcome: Outcome
    decline: Decline = GENERIC_DECLINE
    method: str | None = None
    """The id of the payment method, if it was saved before."""


def card_attempt(card: KnownCard, email: str | None, name: str | None) -> Attempt:
    details = card_details(card.number, card.brand, card.country)
    if card.decline:
        return Attempt(email, name, details, "declined", card.decline)
    return Attempt(email, name, details, "paid")


def bank_debit_attempt(
    institution: str, transit: str, account: str, email: str | None, name: str | None
) -> Attempt:
    details = bank_debit_details(institution, transit, account)
    return Attempt(email, name, details, "processing", BANK_REFUSED)
