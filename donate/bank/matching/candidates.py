"""What the matcher compares: bank lines, Interac's e-mails, open gifts and known payers."""

import uuid
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from donate.money import Money


@dataclass(frozen=True, slots=True)
class BankLine:
    """A line of a bank statement that is not fully explained. `open` is what is left to explain.

    A positive amount is money in, a negative one money out. `account` is the number of the bank
    account. `was_undone` says whether a person has undone what the line was.
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
    """Interac's signed e-mail about a transfer that the bank deposited. It confirms nothing."""

    id: int
    day: date
    amount: Money
    interac_reference: str
    sender_name: str
    sender_email: str
    message: str


@dataclass(frozen=True, slots=True)
class OpenGift:
    """A gift that a bank transfer may pay. `missing` is its amount less what was received.

    `missing` may be zero or negative: donors pay twice, or more than they said.
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


@dataclass(frozen=True, slots=True)
class MarkedTransfer:
    """A transfer that staff marked as received by hand, and that no bank line explains yet."""

    gift_id: uuid.UUID
    source_id: str
    bank_reference: str
    day: date
    amount: Money


@dataclass(frozen=True, slots=True)
class KnownPayer:
    """A payer's folded name as the bank writes it, and the donor whom staff chose for it."""

    name: str
    profile_id: int


@dataclass(frozen=True, slots=True)
class ExpectedPayout:
    """A payout of Stripe that should arrive; negative if Stripe debits the bank account."""

    id: int
    payout_id: str
    arrives_on: date
    amount: Money
    trace_id: str = ""


class Band(StrEnum):
    """How sure a suggestion is. Only a person, or `certain`, ties a line."""

    CERTAIN = "certain"
    LIKELY = "likely"
    AMBIGUOUS = "ambiguous"
    NONE = "none"


class LineClass(StrEnum):
    """What kind of line this is, as far as its sign and text say."""

    INCOMING_TRANSFER = "incoming_transfer"
    STRIPE_PAYOUT = "stripe_payout"
    OTHER_CREDIT = "other_credit"
    RETURNED_ITEM = "returned_item"
    BANK_FEE = "bank_fee"
    STRIPE_DEBIT = "stripe_debit"
    OWN_TRANSFER = "own_transfer"
    OTHER_DEBIT = "other_debit"
