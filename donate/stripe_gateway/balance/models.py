"""The tables of payouts and balance transactions. Amounts are what Stripe states, never computed.

All amounts are in minor units of the row's currency, and money that leaves the Stripe balance is
negative. There are two exceptions: as at Stripe, a fee in `fee_minor` is positive, and the amount
of a payout is positive if the money goes to the bank.
"""

import uuid
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    text,
)
from sqlmodel import Field, SQLModel

from donate.storage.bulk_writes import table_of
from donate.storage.column_types import RowNumber, UtcDateTime
from donate.stripe_gateway.balance.parser import AUTOMATIC_METHOD

_NO_GIFT_YET = text("gift_id IS NULL AND payment <> ''")
_IS_CONVERTED = text("original_currency <> ''")
TOP_UP_TYPES: Final = ("topup", "topup_reversal")
"""The types of the charity's own money that it sent to Stripe, or that Stripe returned."""
ORDINARY_TYPES: Final = (
    *("charge", "payment", "payment_failure_refund", "refund", "payment_refund"),
    *("stripe_fee", "tax_fee", "adjustment", "payout"),
)
"""The types that most charities have every week. An index has the transactions of all others."""
_NOT_ORDINARY = text(" AND ".join(f"type <> '{each}'" for each in ORDINARY_TYPES))
_IS_TOP_UP = text(" OR ".join(f"type = '{each}'" for each in TOP_UP_TYPES))


class StripePayout(SQLModel, table=True):
    """A payout as Stripe last stated it. A negative one is taken from the charity's bank account.

    `read_at` is the time of the request that returned the stored state. `is_complete` says whether
    all balance transactions that Stripe lists for the payout are stored. It stays false for manual
    and instant payouts, because Stripe lists no transactions for them.
    """

    __tablename__ = "stripe_payout"
    __table_args__ = (
        CheckConstraint("length(currency) = 3", name="stripe_payout_currency_is_a_code"),
        Index("stripe_payout_by_arrival", "arrives_on", "id"),
        Index("stripe_payout_by_currency", "currency", "arrives_on", "id"),
        Index("stripe_payout_by_status", "status", "arrives_on", "id"),
        Index("stripe_payout_by_creation", "currency", "created_at", "id"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    payout_id: str = Field(max_length=255, unique=True)
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)
    status: str = Field(max_length=100)
    automatic: bool
    method: str = Field(max_length=100)
    reconciliation_status: str = Field(max_length=100)
    arrives_on: date
    trace_id: str = Field(default="", max_length=255)
    trace_status: str = Field(default="", max_length=100)
    failure_code: str = Field(default="", max_length=100)
    balance_transaction: str = Field(default="", max_length=255)
    failure_balance_transaction: str = Field(default="", max_length=255)
    original_payout: str = Field(default="", max_length=255)
    reversed_by: str = Field(default="", max_length=255)
    created_at: datetime = Field(sa_type=UtcDateTime)
    read_at: datetime = Field(sa_type=UtcDateTime)
    is_complete: bool = False

    @property
    def is_itemised(self) -> bool:
        """Whether Stripe can list the payout's transactions: only if the payout is automatic."""
        return self.automatic and self.method == AUTOMATIC_METHOD


class BalanceTransaction(SQLModel, table=True):
    """One change of the Stripe balance: gross, fee and net as Stripe states them.

    `tax_minor` is the part of the fee that Stripe calls tax. `payment` is the payment intent that
    the transaction is about. `gift_id` is the gift of that payment, or None until we have recorded
    the payment. `payout_row` is the payout that paid the transaction out.

    If Stripe converted the money, `original_minor` is the amount of the payment, refund or dispute
    in its own currency, `original_currency`, with the sign of the amount, and `exchange_rate` is
    Stripe's rate: the original amount times the rate is the amount. Otherwise they are 0 and empty.
    """

    __tablename__ = "balance_transaction"
    __table_args__ = (
        CheckConstraint(
            "net_minor = amount_minor - fee_minor", name="balance_transaction_net_is_without_fee"
        ),
        CheckConstraint("length(currency) = 3", name="balance_transaction_currency_is_a_code"),
        # Both amounts have the same sign, but a small one may be rounded to zero.
        CheckConstraint(
            "(original_currency = '' AND original_minor = 0) "
            "OR (length(original_currency) = 3 AND original_currency <> currency "
            "AND (original_minor >= 0 OR amount_minor <= 0) "
            "AND (original_minor <= 0 OR amount_minor >= 0))",
            name="balance_transaction_is_converted",
        ),
        Index("balance_transaction_of_payout", "payout_row", "type", "reporting_category"),
        Index("balance_transaction_in_payout", "payout_row", "id"),
        Index("balance_transaction_by_time", "currency", "created_at", "net_minor"),
        Index("balance_transaction_of_gift", "gift_id"),
        Index("balance_transaction_source", "source_id"),
        Index(
            "balance_transaction_without_gift",
            "payment",
            sqlite_where=_NO_GIFT_YET,
            postgresql_where=_NO_GIFT_YET,
        ),
        Index(
            "balance_transaction_converted",
            *("created_at", "original_currency"),
            sqlite_where=_IS_CONVERTED,
            postgresql_where=_IS_CONVERTED,
        ),
        Index(
            "balance_transaction_not_ordinary",
            *("created_at", "type", "reporting_category"),
            sqlite_where=_NOT_ORDINARY,
            postgresql_where=_NOT_ORDINARY,
        ),
        Index(
            "balance_transaction_top_up",
            *("currency", "amount_minor", "created_at"),
            sqlite_where=_IS_TOP_UP,
            postgresql_where=_IS_TOP_UP,
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    txn_id: str = Field(max_length=255, unique=True)
    type: str = Field(max_length=100)
    reporting_category: str = Field(max_length=100)
    balance_type: str = Field(max_length=100)
    amount_minor: int = Field(sa_type=BigInteger)
    fee_minor: int = Field(sa_type=BigInteger)
    tax_minor: int = Field(sa_type=BigInteger)
    net_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)
    created_at: datetime = Field(sa_type=UtcDateTime)
    available_at: datetime = Field(sa_type=UtcDateTime)
    source_id: str = Field(default="", max_length=255)
    payment: str = Field(default="", max_length=255)
    fee_details: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    description: str = Field(default="", max_length=500)
    exchange_rate: str = Field(default="", max_length=40)
    original_minor: int = Field(
        default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")}
    )
    original_currency: str = Field(
        default="", max_length=3, sa_column_kwargs={"server_default": text("''")}
    )
    payout_row: int | None = Field(
        default=None, sa_column=Column(BigInteger, ForeignKey(table_of(StripePayout).c.id))
    )
    gift_id: uuid.UUID | None = Field(default=None, foreign_key="gift.id")
    read_at: datetime = Field(sa_type=UtcDateTime)


class PayoutToRead(SQLModel, table=True):
    """When to read a payout from Stripe next, and why the last read failed.

    `ask_at` is the time of the next read, or None if nothing was reported about the payout since
    the last read. `trouble` is the reason for staff.
    """

    __tablename__ = "payout_to_read"
    __table_args__ = (Index("payout_to_read_due", "ask_at"),)

    payout_id: str = Field(primary_key=True, max_length=255)
    ask_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    tries: int = Field(default=0, sa_type=Integer)
    trouble: str = Field(default="", max_length=500)
