"""The list of modes (ways to pay), with their properties and names. Add a new mode here first.

Names are message ids; they are translated when a page shows them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from donate.errors import N_


class Mode(StrEnum):
    """A way to pay."""

    CARD = "card"
    BANK_DEBIT = "bank_debit"
    INTERAC = "interac"
    GIVING_CODE = "giving_code"
    CHEQUE = "cheque"
    CASH = "cash"

    @property
    def facts(self) -> "ModeFacts":
        """The properties and names of this mode."""
        return MODES[self]

    @property
    def through_stripe(self) -> bool:
        """Whether Stripe takes the payment; if not, staff see the money on the bank's statement."""
        return bool(self.facts.stripe_method)


@dataclass(frozen=True, slots=True)
class ModeFacts:
    """The properties and names of one mode."""

    staff_name: str
    name: str
    help: str = ""
    """The text below the mode's name on the Give form."""
    wallets_help: str = ""
    """The same text if the region says that donors can use Apple Pay and Google Pay."""
    instead: str = ""
    """The label of the button that replaces another gift by a gift in this mode."""
    once_instead: str = ""
    """The button's label to replace a pledge's failed payment; if empty, `instead` is used."""
    proceed: str = ""
    """Modes through Stripe: the label of the button that leads to Stripe's page."""
    stripe_method: str = ""
    """Stripe's name for the payment method; empty if the payment does not go through Stripe."""
    awaiting: tuple[str, str] = ("", "")
    """Modes without Stripe: the headline while no money has come, and the sentence below it."""
    staff_awaits: str = ""
    """Modes without Stripe: what staff wait for, such as "a payment"."""
    canada_only: bool = False
    """Whether this mode moves only Canadian dollars between Canadian accounts."""
    staff_only: bool = False
    """Whether only staff record gifts in this mode, when they have the money in their hands."""
    monthly: bool = False
    """Whether a gift in this mode can be collected every month without action by the donor."""
    terms: frozenset[str] = frozenset()
    """The names of terms in `regions.toml` that apply only to this mode."""
    required_terms: Mapping[str, str] = field(default_factory=dict)
    """The terms that a region must set for this mode, each with a description."""


MODES: Final[Mapping[Mode, ModeFacts]] = {
    Mode.CARD: ModeFacts(
        staff_name=N_("Card"),
        name=N_("Card"),
        help=N_("Credit or debit card, on Stripe’s page"),
        wallets_help=N_("Credit, debit, Apple Pay or Google Pay"),
        instead=N_("Give by card instead"),
        once_instead=N_("Give by card just this once"),
        proceed=N_("Continue to payment"),
        stripe_method="card",
        monthly=True,
        terms=frozenset({"wallets"}),
    ),
    Mode.BANK_DEBIT: ModeFacts(
        staff_name=N_("Bank debit"),
        name=N_("Bank debit"),
        help=N_("From your Canadian bank account"),
        instead=N_("Give by bank debit instead"),
        once_instead=N_("Give by bank debit just this once"),
        proceed=N_("Continue to bank debit"),
        stripe_method="acss_debit",
        canada_only=True,
        monthly=True,
    ),
    Mode.INTERAC: ModeFacts(
        staff_name=N_("Interac e-Transfer"),
        name=N_("Interac e-Transfer"),
        help=N_("From your Canadian bank’s app"),
        instead=N_("Give by Interac e-Transfer instead"),
        awaiting=(
            N_("Waiting for your transfer"),
            N_("Thank you! We’ve saved your gift. Please send the transfer within %(days)s days."),
        ),
        staff_awaits=N_("an e-Transfer"),
        canada_only=True,
        terms=frozenset({"send_to", "recipient_name", "autodeposit", "split_above_minor"}),
        required_terms={"send_to": "the address that takes e-Transfers"},
    ),
    Mode.GIVING_CODE: ModeFacts(
        staff_name=N_("Giving code"),
        name=N_("Cheque, transfer or in person"),
        help=N_("We’ll give you a reference to include"),
        instead=N_("Give by cheque, by transfer or in person instead"),
        awaiting=(
            N_("Waiting for your gift"),
            N_("Thank you! Please include the reference below when you make your payment."),
        ),
        staff_awaits=N_("a payment"),
        terms=frozenset({"instructions", "ways"}),
    ),
    Mode.CHEQUE: ModeFacts(staff_name=N_("Cheque"), name=N_("Cheque"), staff_only=True),
    Mode.CASH: ModeFacts(staff_name=N_("Cash"), name=N_("Cash"), staff_only=True),
}
DONOR_MODES: Final = tuple(mode for mode in Mode if not mode.facts.staff_only)
"""The modes that a region can offer to donors."""
BY_HAND: Final = frozenset(mode for mode in DONOR_MODES if not mode.through_stripe)
"""The modes in which a donor sends the money and staff see it arrive."""
OFFLINE: Final = tuple(mode for mode in Mode if mode.facts.staff_only)
"""The modes in which only staff record gifts, when they have the money in their hands."""
