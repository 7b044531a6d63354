"""The donor's next step: a redirect to a page, or instructions to follow."""

from dataclasses import dataclass

from donate.money import Money
from donate.regions.modes import Mode
from donate.regions.regions import Text, Way


@dataclass(frozen=True, slots=True)
class Redirect:
    """The donor is redirected to Stripe's page at this URL."""

    url: str


@dataclass(frozen=True, slots=True)
class Instructions:
    """The donor pays this exact amount and quotes this reference.

    Each mode sets only the further fields that it needs.
    """

    mode: Mode
    amount: Money
    reference: str
    code: str
    send_to: str | None = None
    """Interac: the e-mail address to which the donor sends the e-Transfer."""
    recipient_name: str | None = None
    """Interac: the name that the donor enters, or that the donor's bank shows."""
    autodeposit: bool | None = None
    """Interac: whether transfers are deposited without a security question; None if unknown."""
    parts: tuple[Money, ...] = ()
    """Interac: the amounts of several transfers; empty if one transfer is enough."""
    ways: tuple[Way, ...] = ()
    """Giving code: the ways to pay with it (cheque, bank transfer), each with instructions."""
    text: Text | None = None
    """Giving code: the region's own text about paying with it."""
    contact: str | None = None
    """The e-mail address for questions."""


NextStep = Redirect | Instructions
