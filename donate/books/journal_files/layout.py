"""The file format of an accounting program, as data: its columns and its limits."""

from dataclasses import dataclass
from enum import StrEnum


class Content(StrEnum):
    """The kinds of content that a column can have."""

    NOTHING = "nothing"
    NUMBER = "number"
    """The entry's number, shortened if it is too long for the column."""
    DATE = "date"
    DESCRIPTION = "description"
    NARRATION = "narration"
    """The entry's full number, and its description."""
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
    """The name of the tracking category, if the line's fund has an option in this category."""
    TRACKING_OPTION = "tracking option"
    """The option of the line's fund, if there is a tracking category."""


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column: its header and content, and the most characters that the program accepts."""

    header: str
    content: Content
    most: int | None = None
    is_quoted: bool = False


@dataclass(frozen=True, slots=True)
class JournalLayout:
    """The file format that an accounting program accepts. Lines end with CR and LF.

    `columns` are the columns of each line of an entry. Some programs want one more line before the
    lines of an entry; `entry_columns` are its columns. `date_form` is a format for `strftime`.
    `decimals` is the number of decimals of each amount; None means as many as the currency has.
    `most_lines` is the maximum number of lines in a file, without its header.
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

    @property
    def names_currency(self) -> bool:
        """Whether the file says in which currency an amount is."""
        columns = (*self.entry_columns, *self.columns)
        return any(column.content is Content.CURRENCY for column in columns)
