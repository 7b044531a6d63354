"""The tables of movements and of totals for each day. Both are computed from facts."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.facts import FactKind
from donate.gifts.movements.rules import MovementKind
from donate.storage.bulk_writes import table_of
from donate.storage.column_types import EnumText, RowNumber, UtcDateTime

_IS_MERGED = text("is_merged")


class GiftMovement(SQLModel, table=True):
    """An amount that came in (positive) or went out (negative), with its own day."""

    __tablename__ = "gift_movement"
    __table_args__ = (
        UniqueConstraint("cause", "source_id", name="gift_movement_once"),
        ForeignKeyConstraint(
            ["cause", "source_id"],
            ["gift_fact.kind", "gift_fact.source_id"],
            name="gift_movement_has_a_fact",
        ),
        ForeignKeyConstraint(
            ["gift_id", "currency"], ["gift.id", "gift.currency"], name="gift_movement_in_currency"
        ),
        CheckConstraint(
            "amount_minor <> 0 AND (amount_minor > 0) = "
            "(kind IN ('payment', 'transfer', 'refund_returned', 'dispute_returned'))",
            name="gift_movement_sign_fits_kind",
        ),
        Index("gift_movement_by_gift", "gift_id"),
        Index("gift_movement_by_day", "day", "id"),
        # This index has all columns that the totals of a donor need, so that no table row is read.
        Index("gift_movement_by_profile", "profile_id", "currency", "fund", "day", "amount_minor"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    gift_id: uuid.UUID
    kind: MovementKind = Field(sa_type=EnumText(MovementKind, 32, "gift_movement.kind"))
    # The fact that moved the money.
    cause: FactKind = Field(sa_type=EnumText(FactKind, 32, "gift_movement.cause"))
    source_id: str = Field(max_length=255)
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)
    day: date
    happened_at: datetime = Field(sa_type=UtcDateTime)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    # `profile_id` and `fund` are copies from the gift, where they never change.
    profile_id: int | None = Field(
        default=None, sa_column=Column(BigInteger, ForeignKey(table_of(DonorProfile).c.id))
    )
    fund: str = Field(default="", max_length=32, sa_column_kwargs={"server_default": text("''")})


class Subject(StrEnum):
    """What a day total counts: gifts, movements, those of monthly gifts alone, or pledges."""

    GIFT = "gift"
    """Gifts, by the day they were chosen. `kind` is their status, the amount is the chosen one."""
    MOVEMENT = "movement"
    """Movements, each by its own day. `kind` is the kind of movement."""
    MONTHLY = "monthly"
    """Movements of monthly gifts, which are counted as MOVEMENT too."""
    PLEDGE = "pledge"
    """Pledges, by the first day of the month in which they were started. `kind` is their stage, the
    amount is the next monthly payment."""


TOTAL_KEY: Final = ("day", "subject", "kind", "currency", "code", "mode", "fund")


class PrunedTotal(SQLModel, table=True):
    """How many pruned gifts, or pledges, a day's total still counts, and their sum."""

    __tablename__ = "pruned_total"
    __table_args__ = (
        UniqueConstraint(*TOTAL_KEY, name="pruned_total_once"),
        CheckConstraint("subject IN ('gift', 'pledge')", name="pruned_total_has_no_money"),
        CheckConstraint("count > 0", name="pruned_total_counts"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    day: date
    subject: Subject = Field(sa_type=EnumText(Subject, 16, "pruned_total.subject"))
    kind: str = Field(max_length=32)
    currency: str = Field(max_length=3)
    code: str = Field(max_length=16)
    mode: str = Field(max_length=32)
    fund: str = Field(max_length=32)
    count: int = Field(sa_type=BigInteger)
    amount_minor: int = Field(sa_type=BigInteger)


class DayTotal(SQLModel, table=True):
    """A part of a day's total: the total is the sum of all rows with the same key.

    Each transaction adds its own row, because updating a shared row would make transactions wait
    for each other. `totals.merge_due` merges the rows later.
    """

    __tablename__ = "day_total"
    __table_args__ = (
        CheckConstraint(
            "subject IN ('gift', 'movement', 'monthly', 'pledge')",
            name="day_total_subject_is_known",
        ),
        Index(
            "day_total_merged",
            *TOTAL_KEY,
            unique=True,
            sqlite_where=_IS_MERGED,
            postgresql_where=_IS_MERGED,
        ),
        Index("day_total_by_day", "subject", "day"),
        Index(
            "day_total_to_merge",
            "id",
            sqlite_where=text("NOT is_merged"),
            postgresql_where=text("NOT is_merged"),
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    day: date
    subject: Subject = Field(sa_type=EnumText(Subject, 16, "day_total.subject"))
    kind: str = Field(max_length=32)
    currency: str = Field(max_length=3)
    code: str = Field(max_length=16)
    mode: str = Field(max_length=32)
    fund: str = Field(max_length=32)
    count: int = Field(sa_type=BigInteger)
    amount_minor: int = Field(sa_type=BigInteger)
    is_merged: bool
