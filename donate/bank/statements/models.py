"""The tables for bank statements: accounts, files, and lines."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from donate.bank.matching.inputs import Band, LineClass
from donate.money import Money
from donate.storage.column_types import EnumText, RowNumber, UtcDateTime

_HAS_LABEL = text("label <> ''")
_IS_OPEN = text("explained_minor <> amount_minor")


class BankAccount(SQLModel, table=True):
    """One of the charity's bank accounts, in one currency.

    `label` is the name of the account in the bank's files, with all but its last four characters
    masked. It is empty if the files do not name the account.
    """

    __tablename__ = "bank_account"
    __table_args__ = (
        # A foreign key of bank_line refers to both columns. So each line has the currency of its
        # account.
        UniqueConstraint("id", "currency", name="bank_account_id_and_currency"),
        Index(
            "bank_account_by_label",
            *("label", "currency"),
            unique=True,
            sqlite_where=_HAS_LABEL,
            postgresql_where=_HAS_LABEL,
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    name: str = Field(max_length=100, unique=True)
    label: str = Field(default="", max_length=100)
    currency: str = Field(max_length=3)
    added_by: str = Field(max_length=64)
    added_at: datetime = Field(sa_type=UtcDateTime)


class StatementUpload(SQLModel, table=True):
    """A file that staff uploaded but have not imported yet, with all card numbers masked.

    `shape` and `date_form` are what staff chose. They are empty if they were detected from the
    file.
    """

    __tablename__ = "statement_upload"

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    sha256: str = Field(max_length=64)
    name: str = Field(max_length=200)
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    shape: str = Field(default="", max_length=64)
    date_form: str = Field(default="", max_length=16)
    uploaded_by: str = Field(max_length=64)
    uploaded_at: datetime = Field(sa_type=UtcDateTime)


class StatementFile(SQLModel, table=True):
    """An imported file, kept as evidence, with all card numbers masked.

    `sha256` is the hash of the file as the bank wrote it. `new_count` plus `known_count` is the
    number of lines in the file.
    """

    __tablename__ = "statement_file"
    __table_args__ = (
        CheckConstraint("new_count >= 0 AND known_count >= 0", name="statement_file_counts"),
        CheckConstraint("first_day <= last_day", name="statement_file_days"),
        Index("statement_file_by_hash", "sha256"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    sha256: str = Field(max_length=64)
    name: str = Field(max_length=200)
    shape: str = Field(max_length=64)
    encoding: str = Field(max_length=32)
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    first_day: date
    last_day: date
    new_count: int
    known_count: int
    imported_by: str = Field(max_length=64)
    imported_at: datetime = Field(sa_type=UtcDateTime)


class AccountFile(SQLModel, table=True):
    """The days that a file covers for an account, from its first line to its last line."""

    __tablename__ = "account_file"
    __table_args__ = (Index("account_file_by_account", "account_id", "last_day"),)

    file_id: int = Field(primary_key=True, foreign_key="statement_file.id", sa_type=BigInteger)
    account_id: int = Field(primary_key=True, foreign_key="bank_account.id", sa_type=BigInteger)
    first_day: date
    last_day: date


class QuietDays(SQLModel, table=True):
    """Days of an account that no file covers, because there were no transactions.

    A person has confirmed that.
    """

    __tablename__ = "bank_quiet_days"
    __table_args__ = (
        CheckConstraint("first_day <= last_day", name="bank_quiet_days_in_order"),
        UniqueConstraint("account_id", "first_day", name="bank_quiet_days_once"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    account_id: int = Field(foreign_key="bank_account.id", sa_type=BigInteger)
    first_day: date
    last_day: date
    confirmed_by: str = Field(max_length=64)
    confirmed_at: datetime = Field(sa_type=UtcDateTime)


class RecordedLine(SQLModel, table=True):
    """A line of a bank statement. A positive amount is money in, a negative amount is money out.

    A line is identified by its day, amount, text and `nth`, which counts lines that are equal
    otherwise. `explained_minor` is the sum of the line's parts, which people or certain suggestions
    have explained. It is never more than the amount.
    """

    __tablename__ = "bank_line"
    __table_args__ = (
        UniqueConstraint(
            *("account_id", "day", "amount_minor", "text_key", "nth"), name="bank_line_once"
        ),
        ForeignKeyConstraint(
            ["account_id", "currency"],
            ["bank_account.id", "bank_account.currency"],
            name="bank_line_in_currency",
        ),
        CheckConstraint("amount_minor <> 0 AND nth >= 1", name="bank_line_is_money"),
        CheckConstraint(
            "(amount_minor > 0 AND explained_minor >= 0 AND explained_minor <= amount_minor) OR "
            "(amount_minor < 0 AND explained_minor <= 0 AND explained_minor >= amount_minor)",
            name="bank_line_explained_at_most_whole",
        ),
        Index(
            "bank_line_open",
            *("band", "day", "id"),
            sqlite_where=_IS_OPEN,
            postgresql_where=_IS_OPEN,
        ),
        Index("bank_line_by_day", "day", "id"),
        Index("bank_line_by_file", "file_id", "id"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    account_id: int = Field(sa_type=BigInteger)
    day: date
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)
    text: str = Field(max_length=500)
    # The SHA-256 of the text, ignoring case and extra spaces.
    text_key: str = Field(max_length=64)
    nth: int
    bank_reference: str = Field(default="", max_length=100)
    # The account's balance after this line, if the file states it.
    balance_minor: int | None = Field(default=None, sa_type=BigInteger)
    # The first file with this line, and the number of its row in that file.
    file_id: int = Field(foreign_key="statement_file.id", sa_type=BigInteger)
    row: int
    explained_minor: int = Field(default=0, sa_type=BigInteger)
    # The matcher's suggestions as JSON, and how sure the best one is. Empty until the matcher has
    # run.
    line_class: LineClass | None = Field(
        default=None, sa_type=EnumText(LineClass, 32, "bank_line.line_class")
    )
    band: Band | None = Field(default=None, sa_type=EnumText(Band, 16, "bank_line.band"))
    suggestions: str = Field(default="[]")
    # Increased by each decision about the line, so that forms of older pages are refused.
    version: int = 1

    @property
    def amount(self) -> Money:
        """The amount: positive for money in, negative for money out."""
        return Money(self.amount_minor, self.currency)

    @property
    def open_amount(self) -> Money:
        """What is left to explain, with the sign of the amount."""
        return Money(self.amount_minor - self.explained_minor, self.currency)
