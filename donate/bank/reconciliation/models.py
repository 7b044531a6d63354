"""The tables for parts of bank lines, and for payers' names with the donors that staff chose."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from donate.gifts.donor_profiles.models import DonorProfile
from donate.storage.bulk_writes import table_of
from donate.storage.column_types import EnumText, RowNumber, UtcDateTime

_TRANSFER_IN_FORCE = text("undone_at IS NULL AND source_id <> ''")
_PAYOUT_IN_FORCE = text("undone_at IS NULL AND payout_id IS NOT NULL")
_TOP_UP_IN_FORCE = text("undone_at IS NULL AND top_up_id IS NOT NULL")


class PartKind(StrEnum):
    """The kinds of parts of a bank line."""

    GIFT = "gift"  # Money for a gift.
    PAYOUT = "payout"  # A Stripe payout, or a debit by Stripe.
    TOP_UP = "top_up"  # The charity's own money, sent to Stripe or returned by Stripe.
    NO_GIFT = "no_gift"  # Anything else: see `reason`.


class NoGiftReason(StrEnum):
    """What a part of a bank line is if it is neither for a gift nor moved by Stripe."""

    BANK_FEE = "bank_fee"
    INTEREST = "interest"
    OWN_TRANSFER = "own_transfer"  # Between two of the charity's accounts.
    RETURNED_ITEM = "returned_item"  # A cheque or debit that the bank returned.
    MONEY_RETURNED = "money_returned"  # A donor's money that the charity sent back.
    DEPOSIT = "deposit"  # Cheques and cash that are already recorded as gifts.
    EXPENSE = "expense"
    OTHER_INCOME = "other_income"
    OTHER = "other"


class LinePart(SQLModel, table=True):
    """A part of a bank line, and what it is. The amount has the same sign as the line.

    `is_return` is true if the bank took a failed payout back, or if the charity sent a transfer
    back to its donor. So a payout may have two parts, its arrival and its return. `top_up_id` is
    the top-up's transaction in Stripe's balance.

    If the part is for a gift, `source_id` is the source of the fact `transfer_received`; for a
    return, of the fact `refund_succeeded`. `made_transfer` says whether this part recorded the
    transfer; if not, staff had marked it before.
    """

    __tablename__ = "bank_line_part"
    __table_args__ = (
        CheckConstraint("amount_minor <> 0", name="bank_line_part_is_money"),
        CheckConstraint(
            "(kind = 'gift') = (gift_id IS NOT NULL) AND (kind = 'gift') = (source_id <> '') "
            "AND (kind = 'payout') = (payout_id IS NOT NULL) "
            "AND (kind = 'top_up') = (top_up_id IS NOT NULL) "
            "AND (kind = 'no_gift') = (reason IS NOT NULL)",
            name="bank_line_part_fits_kind",
        ),
        CheckConstraint(
            "(kind <> 'gift' OR is_return = (amount_minor < 0)) "
            "AND (kind IN ('gift', 'payout') OR NOT is_return)",
            name="bank_line_part_return_fits_kind",
        ),
        CheckConstraint(
            "(undone_at IS NULL) = (undone_by = '')", name="bank_line_part_undone_by_somebody"
        ),
        Index("bank_line_part_by_line", "line_id", "id"),
        Index("bank_line_part_by_gift", "gift_id"),
        Index(
            "bank_line_part_of_transfer",
            "source_id",
            unique=True,
            sqlite_where=_TRANSFER_IN_FORCE,
            postgresql_where=_TRANSFER_IN_FORCE,
        ),
        Index(
            "bank_line_part_of_payout",
            *("payout_id", "is_return"),
            unique=True,
            sqlite_where=_PAYOUT_IN_FORCE,
            postgresql_where=_PAYOUT_IN_FORCE,
        ),
        Index(
            "bank_line_part_of_top_up",
            "top_up_id",
            unique=True,
            sqlite_where=_TOP_UP_IN_FORCE,
            postgresql_where=_TOP_UP_IN_FORCE,
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    line_id: int = Field(foreign_key="bank_line.id", sa_type=BigInteger)
    kind: PartKind = Field(sa_type=EnumText(PartKind, 16, "bank_line_part.kind"))
    amount_minor: int = Field(sa_type=BigInteger)
    gift_id: uuid.UUID | None = Field(default=None, foreign_key="gift.id")
    source_id: str = Field(default="", max_length=255)
    made_transfer: bool = False
    payout_id: int | None = Field(default=None, foreign_key="stripe_payout.id", sa_type=BigInteger)
    is_return: bool = False
    top_up_id: int | None = Field(
        default=None, foreign_key="balance_transaction.id", sa_type=BigInteger
    )
    reason: NoGiftReason | None = Field(
        default=None, sa_type=EnumText(NoGiftReason, 32, "bank_line_part.reason")
    )
    note: str = Field(default="", max_length=500)
    # Whether staff accepted the part together with all certain suggestions, not by itself.
    was_certain: bool = False
    decided_by: str = Field(max_length=64)
    decided_at: datetime = Field(sa_type=UtcDateTime)
    undone_by: str = Field(default="", max_length=64)
    undone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    undo_reason: str = Field(default="", max_length=500)


class TaughtPayer(SQLModel, table=True):
    """A payer's name in normalized form, and the donor whom staff chose for this payer."""

    __tablename__ = "taught_payer"
    __table_args__ = (UniqueConstraint("name", "profile_id", name="taught_payer_once"),)

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    name: str = Field(max_length=200)
    profile_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey(table_of(DonorProfile).c.id), nullable=False)
    )
    taught_by: str = Field(max_length=64)
    taught_at: datetime = Field(sa_type=UtcDateTime)


class MatchingRun(SQLModel, table=True):
    """The last run of the matcher over all open lines. Before the first run, the table is empty.

    `seen` is a short summary of the data that the run compared. If the data has another summary
    now, the suggestions may be outdated. `is_settled` says whether another run, a minute later, has
    found the same summary. Before that, a transaction that was open during the first run may still
    commit rows with smaller ids, which the summary does not show.
    """

    __tablename__ = "matching_run"
    __table_args__ = (CheckConstraint("id = 1", name="matching_run_is_one_row"),)

    id: int = Field(default=1, primary_key=True)
    seen: str = Field(max_length=500)
    ran_at: datetime = Field(sa_type=UtcDateTime)
    is_settled: bool = False
