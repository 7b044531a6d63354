"""What a file for an accounting program looks like: its columns and its limits, as data."""

from dataclasses import dataclass
from enum import StrEnum


class Content(StrEnum):
    """What a column holds."""

    NOTHING = "nothing"
    NUMBER = "number"
    """The entry's number, shortened if the column is shorter."""
    DATE = "date"
    DESCRIPTION = "description"
    NARRATION = "narration"
    """The entry's whole number, and its description."""
    MEMO = "memo"
    ACCOUNT_NAME = "account name"
    ACCOUNT_PATH = "account path"
    ACCOUNT_NUMBER = "account number"
    XERO_CODE = "xero code"
    DEBIT = "debit"
    CREDIT = "credit"
    AMOUNT = "amount"
    """Positive for a debit, negative for a credit."""
    CURRENCY = "currency"
    TAX_RATE = "tax rate"
    FUND_CLASS = "fund class"
    TRACKING_NAME = "tracking name"
    """The name of the tracking category, if the line's fund has an option of it."""


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column: its header, what it holds, and the most characters that the program takes."""

    header: str
    content: Content
    most: int | None = None
    is_quoted: bool = False


@dataclass(frozen=True, slots=True)
class JournalLayout:
    """How a program wants its file. Lines end with CR and LF.

    `columns` are those of each line of an entry. `entry_columns` are those of a line before them,
    for programs that want one. `date_form` is a format of `strftime`. `decimals` is how many
    decimals each amount has; None means those of its currency. `most_lines` is how many lines of
    entries a file may have.
    """

    name: str
    extension: str
    columns: tuple[FileColumn, ...]
    date_form: str
    entry_columns: tuple[FileColumn, ...] = ()
    has_header: bool = True
    is_ascii: bool = False
    decimals: int | None = None
    most_lines: int | None = None
