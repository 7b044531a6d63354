"""What the matcher compares: bank lines, Interac's e-mails, gifts, payers and Stripe's moves."""

import uuid
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from donate.money import Money


@dataclass(frozen=True, slots=True)
class BankLine:
    """A line of a bank statement that is not fully explained. `open` is what is left to explain.

    A positive amount is money in, a negative one money out. `account` is the id of the bank
    account. `was_undone` says whether a person has undone an earlier decision about the line.
    """

    id: int
    day: date
    amount: Money
    open: Money
    text: str
    bank_reference: str = ""
    account: int = 0
    was_undone: bool = False


@dataclass(frozen=True, slots=True)
class TransferMail:
    """Interac's signed e-mail about a transfer that was deposited.

    It is evidence, but it does not confirm a gift.
    """

    id: int
    day: date
    amount: Money
    interac_reference: str
    sender_name: str
    sender_email: str
    message: str


@dataclass(frozen=True, slots=True)
class OpenGift:
    """A gift that a bank transfer may pay. `missing` is its amount less the money received.

    `missing` may be zero or negative, because donors sometimes pay twice, or more than they chose.
    `said_sent_on` is the day on which the donor said that the transfer was sent.
    """

    id: uuid.UUID
    reference: str
    code: str
    chosen_on: date
    amount: Money
    missing: Money
    donor_name: str
    donor_email: str
    profile_id: int
    said_sent_on: date | None = None


@dataclass(frozen=True, slots=True)
class MarkedTransfer:
    """A transfer that staff marked as received, and that no bank line explains yet."""

    gift_id: uuid.UUID
    source_id: str
    bank_reference: str
    day: date
    amount: Money


@dataclass(frozen=True, slots=True)
class KnownPayer:
    """A payer's name in normalized form, and the donor whom staff chose for this payer."""

    name: str
    profile_id: int


class MoveKind(StrEnum):
    """Why Stripe moves money to the bank account or takes money from it."""

    PAYOUT = "payout"
    RETURN = "return"  # A payout that failed after it arrived, so the bank takes it back.
    TOP_UP = "top_up"  # The charity's own money that it sends to Stripe, or that Stripe returns.


@dataclass(frozen=True, slots=True)
class StripeMove:
    """Money that should be on a bank line, because Stripe moved it.

    `day` is when Stripe expects it there, or when Stripe's balance changed. `amount` has the sign
    of the line: it is negative if the money leaves the bank account. `id` is that of the payout,
    or of a top-up's balance transaction.
    """

    id: int
    day: date
    amount: Money
    kind: MoveKind = MoveKind.PAYOUT
    trace_id: str = ""


class Band(StrEnum):
    """How sure a suggestion is.

    Staff can accept all suggestions that are `certain` together, and all others only one by one.
    """

    CERTAIN = "certain"
    LIKELY = "likely"
    AMBIGUOUS = "ambiguous"
    NONE = "none"


class LineClass(StrEnum):
    """The kind of a bank line, as far as its sign and its text show it."""

    INCOMING_TRANSFER = "incoming_transfer"
    STRIPE_PAYOUT = "stripe_payout"
    OTHER_CREDIT = "other_credit"
    RETURNED_ITEM = "returned_item"
    BANK_FEE = "bank_fee"
    STRIPE_DEBIT = "stripe_debit"
    OWN_TRANSFER = "own_transfer"
    OTHER_DEBIT = "other_debit"
