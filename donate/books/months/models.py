"""The tables for closed months. Database triggers prevent changing or deleting their rows."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    UniqueConstraint,
    false,
    text,
)
from sqlmodel import Field, SQLModel

from donate.books.journal.roles import AccountRole
from donate.storage.column_types import EnumText, RowNumber, UtcDateTime

_IS_FIRST = text("is_first")


class CloseRequest(SQLModel, table=True):
    """A request by one person to close a month. Another person has to confirm it.

    `content_hash` is a hash of what the person saw. If the month has changed when somebody confirms
    the request, a new request is needed. `reasons` has, for each kind of open item, why it may stay
    open.
    """

    __tablename__ = "close_request"
    __table_args__ = (Index("close_request_by_month", "month", "id"),)

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    # The number of a month: the year times twelve, plus 0 for January to 11 for December.
    month: int
    asked_by: str = Field(max_length=64)
    asked_at: datetime = Field(sa_type=UtcDateTime)
    content_hash: str = Field(max_length=64)
    reasons: dict[str, str] = Field(default_factory=dict, sa_type=JSON)


class ClosedMonth(SQLModel, table=True):
    """A closed month. `previous` is the month closed before it, so that months are closed in order.

    `confirmed_by` is the second person, or empty if one person was enough. `control_totals` and
    `open_items` are the ones in the month's pack. The hashes are the SHA-256 of all entries of the
    month and of its pack.

    If `closed_elsewhere` is true, the books start here after this month: it and all earlier ones
    were closed in another program. Then its entries are those of all these months, and it has no
    pack.
    """

    __tablename__ = "closed_month"
    __table_args__ = (
        CheckConstraint(
            "(is_first = (previous IS NULL)) AND (is_first OR previous = month - 1)",
            name="closed_month_follows_previous",
        ),
        CheckConstraint(
            "confirmed_by <> closed_by AND closed_by <> '' "
            "AND (confirmed_by <> '') = (request_id IS NOT NULL) "
            "AND (confirmed_by <> '' OR NOT needs_second)",
            name="closed_month_by_two_people",
        ),
        CheckConstraint("entry_count >= 0", name="closed_month_entry_count"),
        CheckConstraint(
            "(pack_hash = '') = closed_elsewhere AND (is_first OR NOT closed_elsewhere)",
            name="closed_month_elsewhere",
        ),
        Index(
            "closed_month_first",
            "is_first",
            unique=True,
            sqlite_where=_IS_FIRST,
            postgresql_where=_IS_FIRST,
        ),
    )

    month: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    previous: int | None = Field(default=None, foreign_key="closed_month.month")
    is_first: bool
    closed_by: str = Field(max_length=64)
    confirmed_by: str = Field(default="", max_length=64)
    needs_second: bool
    request_id: int | None = Field(
        default=None, foreign_key="close_request.id", sa_type=BigInteger, unique=True
    )
    closed_at: datetime = Field(sa_type=UtcDateTime)
    language: str = Field(max_length=16)
    control_totals: dict[str, Any] = Field(sa_type=JSON)
    open_items: list[dict[str, Any]] = Field(sa_type=JSON)
    entry_count: int
    entries_hash: str = Field(max_length=64)
    pack_hash: str = Field(max_length=64)
    closed_elsewhere: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class ClosedMonthPack(SQLModel, table=True):
    """The ZIP archive of a closed month.

    It has a table of its own, so that listing months does not load the archives.
    """

    __tablename__ = "closed_month_pack"

    month: int = Field(
        sa_column=Column(
            Integer, ForeignKey("closed_month.month"), primary_key=True, autoincrement=False
        )
    )
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class KeptEntry(SQLModel, table=True):
    """A stored entry of a closed month.

    Its number is unique among the entries of all months, including corrections.
    """

    __tablename__ = "kept_entry"
    __table_args__ = (
        # A foreign key of kept_line refers to both columns, so all lines have the entry's currency.
        UniqueConstraint("id", "currency", name="kept_entry_id_and_currency"),
        Index("kept_entry_by_month", "month", "id"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    month: int = Field(foreign_key="closed_month.month")
    number: str = Field(max_length=400, unique=True)
    day: date
    currency: str = Field(max_length=3)
    description: str = Field(max_length=500)
    # The values for the placeholders in the description.
    description_values: dict[str, str] = Field(default_factory=dict, sa_type=JSON)


class KeptLine(SQLModel, table=True):
    """A line of a stored entry. A positive amount is a debit, a negative amount is a credit.

    `place` is the line's position in the entry. `part` is the account's bank account or fund, if it
    has one.
    """

    __tablename__ = "kept_line"
    __table_args__ = (
        ForeignKeyConstraint(
            ["entry_id", "currency"],
            ["kept_entry.id", "kept_entry.currency"],
            name="kept_line_in_currency",
        ),
        CheckConstraint("amount_minor <> 0 AND times >= 1", name="kept_line_is_money"),
    )

    entry_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    place: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    role: AccountRole = Field(sa_type=EnumText(AccountRole, 32, "kept_line.role"))
    currency: str = Field(max_length=3)
    part: str = Field(max_length=32)
    amount_minor: int = Field(sa_type=BigInteger)
    memo: str = Field(max_length=500)
    memo_values: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    fund: str = Field(max_length=32)
    times: int = Field(sa_type=BigInteger)
