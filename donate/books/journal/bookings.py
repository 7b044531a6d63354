"""What the journal is made from: totals of movements, Stripe transactions, and parts of bank lines.

Amounts are in minor units of `currency`. A positive amount is money that came in.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from donate.regions.modes import Mode

_BANK_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


class BookedMovement(StrEnum):
    """Why a gift's money moved: the same values as the kinds of recorded movements."""

    PAYMENT = "payment"
    TRANSFER = "transfer"
    TRANSFER_UNDONE = "transfer_undone"
    REFUND = "refund"
    REFUND_RETURNED = "refund_returned"
    DISPUTE = "dispute"
    DISPUTE_RETURNED = "dispute_returned"


@dataclass(frozen=True, slots=True)
class MovementBooking:
    """The movements of one day with the same currency, mode, fund and kind, and their sum.

    If several bookings have the same values, `journal_of` adds them up.
    """

    day: date
    currency: str
    mode: Mode
    fund: str
    kind: BookedMovement
    amount_minor: int
    count: int


@dataclass(frozen=True, slots=True)
class StripeBooking:
    """A transaction in Stripe's balance, as Stripe reports it, or the total of several.

    `amount_minor` is gross. `fee_minor` is positive if Stripe took the fee: the balance changes by
    the amount less the fee. `fee_tax_minor` is the part of the fee that is tax. `source_id`
    identifies the payout, or the fact that recorded the same money: a payment, refund or dispute.
    See https://docs.stripe.com/api/balance_transactions/object. If `count` is greater than one, the
    booking is the total of this many transactions of one day, type and category, whose amounts have
    the same signs.

    If Stripe converted the money of a gift, `original_minor` is its amount in the gift's currency,
    `original_currency`. Otherwise they are 0 and empty.
    """

    id: str
    day: date
    currency: str
    type: str
    category: str
    amount_minor: int
    fee_minor: int = 0
    fee_tax_minor: int = 0
    source_id: str = ""
    balance_type: str = "payments"
    count: int = 1
    original_minor: int = 0
    original_currency: str = ""

    @property
    def net_minor(self) -> int:
        """The amount by which the transaction changes Stripe's balance."""
        return self.amount_minor - self.fee_minor


class BankPartKind(StrEnum):
    """The kinds of parts of a bank line."""

    TRANSFER = "transfer"
    """An e-Transfer or another transfer for a gift, or such a transfer that the bank took back."""
    DEPOSIT = "deposit"
    """Cheques and cash that were brought to the bank."""
    RETURNED_ITEM = "returned_item"
    """A cheque that the bank returned."""
    STRIPE = "stripe"
    """A Stripe payout, Stripe's debit because of a negative balance, or a top-up of the balance."""
    OWN_TRANSFER = "own_transfer"
    """A transfer between two accounts of the charity."""
    FEE = "fee"
    INTEREST = "interest"
    OTHER_RECEIPT = "other_receipt"
    OTHER_PAYMENT = "other_payment"
    UNIDENTIFIED = "unidentified"


@dataclass(frozen=True, slots=True)
class BankBooking:
    """A part of a line in a bank statement, or the total of several parts.

    The parts of a line add up to the line's amount. `bank` is the charity's key for the bank
    account. `source_id` identifies the transfer or the payout to which the part is tied, if there
    is one. `explained_on` is the day on which the part was explained, if its month was closed
    before. Until then its money is booked as unidentified, so closed entries do not change. If
    `count` is greater than one, the booking is the total of this many parts of one day, account,
    kind and sign.
    """

    id: str
    day: date
    bank: str
    currency: str
    kind: BankPartKind
    amount_minor: int
    explained_on: date | None = None
    source_id: str = ""
    count: int = 1

    def __post_init__(self) -> None:
        """Check that `bank` is the key of a bank account. Raises ValueError."""
        if not _BANK_KEY.fullmatch(self.bank):
            raise ValueError(f"{self.bank!r} is no key of a bank account")


Booking = MovementBooking | StripeBooking | BankBooking
