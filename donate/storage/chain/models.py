"""The tables of the hash chain: its links, their amendments, and the seals of its end."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from donate.storage.column_types import EnumText, RowNumber, UtcDateTime


class ChainLink(SQLModel, table=True):
    """A link. Its hash covers a range of rows of one table, and the hash of the link before it.

    A database trigger refuses to update or delete a link.
    """

    __tablename__ = "chain_link"
    __table_args__ = (
        CheckConstraint("last_id >= first_id", name="chain_link_has_a_range"),
        Index("chain_link_by_table", "table_name", "position"),
    )

    # The links are numbered 1, 2, 3 and so on. The primary key lets only one process add a link.
    position: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    table_name: str = Field(max_length=32)
    # The link covers all rows with ids from `first_id` to `last_id`, both included.
    first_id: int = Field(sa_type=BigInteger)
    last_id: int = Field(sa_type=BigInteger)
    row_count: int
    # Every row of the table that was committed before this time is covered by this link or by an
    # earlier one. If this link is full, a later link may cover the row instead.
    as_of: datetime = Field(sa_type=UtcDateTime)
    # The id of each row and the first bytes of its hash. They show which row was changed.
    fingerprints: bytes
    hash: bytes


class AmendmentReason(StrEnum):
    """Why rows that the chain covers were removed or redacted."""

    NEVER_PAID = "never_paid"  # Nobody paid the gift, and it was opened long ago.
    ERASED = "erased"  # The donor's data was erased.
    OUTDATED = "outdated"  # The refused request is so old that nobody needs to know of it.


class ChainAmendment(SQLModel, table=True):
    """A record that the service itself removed or redacted rows that a link covers.

    Amendments are chained like facts, so they can't be changed later. A database trigger refuses
    to update or delete one.
    """

    __tablename__ = "chain_amendment"
    __table_args__ = (
        UniqueConstraint("position", "number", name="chain_amendment_once"),
        CheckConstraint("number > 0", name="chain_amendment_number_counts"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    position: int = Field(foreign_key="chain_link.position", sa_type=BigInteger)
    # The amendments of a link are numbered 1, 2, 3 and so on.
    number: int
    # The ids of the removed rows, such as "5-8,11".
    removed: str = Field(sa_type=Text)
    # For each redacted row: its id, its hash before, and its hash after.
    redacted: list[tuple[int, str, str]] = Field(default_factory=list, sa_type=JSON)
    # The digest of all rows of the link, before and after.
    rows_before: str = Field(max_length=64)
    rows_after: str = Field(max_length=64)
    why: AmendmentReason = Field(sa_type=EnumText(AmendmentReason, 16, "chain_amendment.why"))
    about: str = Field(max_length=255)
    actor: str = Field(max_length=64)
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class ChainPermit(SQLModel, table=True):
    """Permits the present transaction to remove or redact one row. No permit is ever committed.

    Triggers refuse to change a chained row without a permit, and to take back a permit before the
    amendment is recorded.
    """

    __tablename__ = "chain_permit"
    __table_args__ = (
        ForeignKeyConstraint(
            ["position", "number"],
            ["chain_amendment.position", "chain_amendment.number"],
            name="chain_permit_has_its_amendment",
            deferrable=True,
            initially="DEFERRED",
        ),
    )

    table_name: str = Field(primary_key=True, max_length=32)
    row_id: int = Field(
        sa_column=Column(BigInteger, primary_key=True, autoincrement=False, nullable=False)
    )
    position: int = Field(sa_type=BigInteger)
    number: int


class ChainSeal(SQLModel, table=True):
    """A seal: the hash of the chain's last link when the seal was made.

    It is sent by e-mail, and later proves what the chain contained. `day` is set if it is the daily
    seal. `mail_due_at` is set until the e-mail is sent.
    """

    __tablename__ = "chain_seal"
    __table_args__ = (Index("chain_seal_to_mail", "mail_due_at"),)

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    day: date | None = Field(default=None, unique=True)
    sealed_at: datetime = Field(sa_type=UtcDateTime)
    position: int = Field(sa_type=BigInteger)
    row_count: int = Field(sa_type=BigInteger)
    hash: bytes
    mail_due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    mail_tries: int = 0
    mailed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
