"""The tables of offline gifts: batches, their expected totals, and entries typed by staff.

An entry is a draft while its batch is open. Once it is recorded, its gift has the facts, and the
entry keeps what only staff know, such as the number of a cheque.
"""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from donate.money import Money
from donate.regions.modes import Mode
from donate.storage.column_types import EnumText, RowNumber, UtcDateTime


class EntryState(StrEnum):
    """The state of an entry."""

    DRAFT = "draft"  # The entry waits for its batch to close. It is no gift yet.
    RECORDED = "recorded"  # The entry has become a gift.
    UNDONE = "undone"  # Staff undid the gift, or the bank returned the cheque.
    REMOVED = "removed"  # Staff removed the draft. It never became a gift.


class OfflineBatch(SQLModel, table=True):
    """Entries that are counted together, such as the plate of one Sunday."""

    __tablename__ = "offline_batch"
    __table_args__ = (
        # A foreign key of offline_batch_total refers to both columns.
        UniqueConstraint("id", "is_closed", name="offline_batch_id_and_state"),
        CheckConstraint("is_closed = (closed_at IS NOT NULL)", name="offline_batch_closed_at"),
        Index(
            "offline_batch_open",
            "id",
            sqlite_where=text("NOT is_closed"),
            postgresql_where=text("NOT is_closed"),
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    form_key: str = Field(max_length=128, unique=True)
    name: str = Field(max_length=100)
    day: date
    # Increases with each change of the batch or its entries, so that a form with an older version
    # is refused.
    version: int = 1
    is_closed: bool = False
    started_by: str = Field(max_length=64)
    started_at: datetime = Field(sa_type=UtcDateTime)
    closed_by: str = Field(default="", max_length=64)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class OfflineBatchTotal(SQLModel, table=True):
    """The expected and the entered count and sum of a batch, in one currency.

    The database copies the batch's `is_closed` into `batch_is_closed`. A constraint can then refuse
    to close a batch whose numbers do not agree.
    """

    __tablename__ = "offline_batch_total"
    __table_args__ = (
        ForeignKeyConstraint(
            ["batch_id", "batch_is_closed"],
            ["offline_batch.id", "offline_batch.is_closed"],
            name="offline_batch_total_of_batch",
            onupdate="CASCADE",
        ),
        CheckConstraint(
            "expected_count >= 0 AND expected_minor >= 0 "
            "AND entered_count >= 0 AND entered_minor >= 0",
            name="offline_batch_total_is_not_negative",
        ),
        CheckConstraint(
            "NOT batch_is_closed "
            "OR (expected_count = entered_count AND expected_minor = entered_minor)",
            name="offline_batch_total_agrees",
        ),
    )

    batch_id: int = Field(primary_key=True, sa_type=BigInteger)
    currency: str = Field(primary_key=True, max_length=3)
    batch_is_closed: bool = False
    expected_count: int
    expected_minor: int = Field(sa_type=BigInteger)
    entered_count: int = 0
    entered_minor: int = Field(default=0, sa_type=BigInteger)

    @property
    def expected(self) -> Money:
        """The expected sum."""
        return Money(self.expected_minor, self.currency)

    @property
    def entered(self) -> Money:
        """The sum of the entries."""
        return Money(self.entered_minor, self.currency)

    @property
    def agrees(self) -> bool:
        """Whether count and sum are exactly what is expected."""
        return (self.expected_count, self.expected_minor) == (
            self.entered_count,
            self.entered_minor,
        )


class OfflineEntry(SQLModel, table=True):
    """A cheque or an amount of cash, as staff entered it.

    The donor has given before (`profile_id` is set), is new, or is unknown (`donor_name` is empty).
    A removed entry has no texts about the donor any more.
    """

    __tablename__ = "offline_entry"
    __table_args__ = (
        ForeignKeyConstraint(
            ["batch_id", "currency"],
            ["offline_batch_total.batch_id", "offline_batch_total.currency"],
            name="offline_entry_of_batch_total",
        ),
        CheckConstraint("amount_minor > 0", name="offline_entry_amount_is_positive"),
        CheckConstraint("mode IN ('cheque', 'cash')", name="offline_entry_mode_is_offline"),
        CheckConstraint(
            "(state IN ('recorded', 'undone')) = (gift_id IS NOT NULL)",
            name="offline_entry_recorded_has_a_gift",
        ),
        CheckConstraint(
            "batch_id IS NOT NULL OR state IN ('recorded', 'undone')",
            name="offline_entry_draft_is_in_a_batch",
        ),
        Index("offline_entry_by_batch", "batch_id", "state", "id"),
        Index("offline_entry_by_cheque", "cheque_key", "amount_minor"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    form_key: str = Field(max_length=128, unique=True)
    batch_id: int | None = Field(default=None, sa_type=BigInteger)
    gift_id: uuid.UUID | None = Field(default=None, foreign_key="gift.id", unique=True)
    # The undone entry that this entry replaces.
    corrects_id: int | None = Field(
        default=None, foreign_key="offline_entry.id", sa_type=BigInteger, unique=True
    )
    state: EntryState = Field(sa_type=EnumText(EntryState, 16, "offline_entry.state"))
    code: str = Field(max_length=16)
    mode: Mode = Field(sa_type=EnumText(Mode, 32, "offline_entry.mode"))
    fund: str = Field(default="", max_length=32)
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)
    received_on: date
    profile_id: int | None = Field(default=None, foreign_key="donor_profile.id", sa_type=BigInteger)
    donor_name: str = Field(default="", max_length=200)
    donor_email: str = Field(default="", max_length=254)
    donor_address: str = Field(default="", max_length=500)
    language: str = Field(max_length=16)
    sends_thanks: bool = False
    cheque_number: str = Field(default="", max_length=40)
    # The letters and digits of the cheque's number, to find another entry of the same cheque.
    cheque_key: str = Field(default="", max_length=40)
    cheque_day: date | None = None
    bank_name: str = Field(default="", max_length=100)
    note: str = Field(default="", max_length=500)
    entered_by: str = Field(max_length=64)
    entered_at: datetime = Field(sa_type=UtcDateTime)

    @property
    def amount(self) -> Money:
        """The amount with its currency."""
        return Money(self.amount_minor, self.currency)

    @property
    def source_id(self) -> str:
        """The source of the fact that records this entry's money."""
        return f"offline:{self.gift_id}"

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody knows who gave."""
        return not self.donor_name
