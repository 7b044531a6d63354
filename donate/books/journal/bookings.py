"""What the journal books: totals of movements, transactions of Stripe, and parts of bank lines.

Amounts are whole minor units of `currency`. A positive amount is money that came in.
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
    """The movements of one day that share a currency, mode, fund and kind, and their sum.

    Several totals with the same values are parts of one total.
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
    """A transaction of Stripe's balance, as Stripe reports it.

    `amount_minor` is gross, and `fee_minor` is positive if Stripe took it: the balance changes by
    the amount less the fee. `fee_tax_minor` is the part of the fee that is tax. `source_id` names
    the payout, or the fact that recorded the same money: the payment, the refund or the dispute.
    See https://docs.stripe.com/api/balance_transactions/object. A booking may be the total of
    `count` transactions of one day, type and category whose amounts have the same signs.
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

    @property
    def net_minor(self) -> int:
        """What the balance changes by."""
        return self.amount_minor - self.fee_minor


class BankPartKind(StrEnum):
    """What a part of a bank line is."""

    TRANSFER = "transfer"
    """An e-Transfer or another transfer for a gift, or one that the bank took back."""
    DEPOSIT = "deposit"
    """Cheques and cash that were brought to the bank."""
    RETURNED_ITEM = "returned_item"
    """A cheque that the bank returned."""
    STRIPE = "stripe"
    """A payout of Stripe, its debit for a negative balance, or a top-up."""
    OWN_TRANSFER = "own_transfer"
    """A transfer between two accounts of the charity."""
    FEE = "fee"
    INTEREST = "interest"
    OTHER_RECEIPT = "other_receipt"
    OTHER_PAYMENT = "other_payment"
    UNIDENTIFIED = "unidentified"


@dataclass(frozen=True, slots=True)
class BankBooking:
    """A part of a line of a bank statement. The parts of a line add up to its amount.

    `bank` is the charity's key of the bank account. `source_id` names the transfer or the payout to
    which the part is tied, if there is one. If the part was explained on a later day,
    `explained_on`, its money is unidentified until then, and entries of earlier days do not change.
    A booking may be the total of `count` parts of one day, account, kind and sign.
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
        """Check the key of the bank account. Raises ValueError."""
        if not _BANK_KEY.fullmatch(self.bank):
            raise ValueError(f"{self.bank!r} is no key of a bank account")


Booking = MovementBooking | StripeBooking | BankBooking
