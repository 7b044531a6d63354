"""The tables of the hash chain: its links, and the seals of its end."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Index
from sqlmodel import Field, SQLModel

from donate.storage.column_types import RowNumber, UtcDateTime


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
