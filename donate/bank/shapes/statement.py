"""The contents of a bank statement, whatever its format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from donate.money import Money

MAX_TEXT = 500
"""Maximum number of characters that are stored of a line's text."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence for staff: a msgid, and the values of its %(name)s placeholders."""

    message: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One booked line of a bank statement. A positive amount is money in, a negative one money out.

    The amount is never zero. `row` counts from 1: lines of a CSV file, or transactions of an OFX or
    CAMT file. `account` is the file's name for the account, with all but its last four characters
    masked; it is empty if the file names none.
    """

    row: int
    day: date
    amount: Money
    text: str
    bank_reference: str = ""
    balance_minor: int | None = None
    account: str = ""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that cannot be read, and the reason. One such row refuses the whole file."""

    row: int
    reason: Sentence
    text: str


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """A row that is not a booked line, such as a pending one, and the reason."""

    row: int
    reason: Sentence
    text: str


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything that was read from one file. `first_day` and `last_day` are the days it covers.

    `masked` is the file's content with every card number masked, to be stored as evidence.
    `heading_rows` are the numbers of the rows that are blank, headers, or above the header. Each
    row of the file is exactly one of: a heading, a line, a refused row, a skipped row.
    """

    shape: str
    encoding: str
    lines: tuple[StatementLine, ...]
    refused: tuple[RefusedRow, ...]
    skipped: tuple[SkippedRow, ...]
    warnings: tuple[Sentence, ...]
    first_day: date | None
    last_day: date | None
    masked: bytes
    heading_rows: tuple[int, ...] = ()


class UnreadableRow(Exception):
    """Raised when a row cannot be read. The row becomes a RefusedRow with this reason."""

    def __init__(self, message: str, values: Mapping[str, str] | None = None) -> None:
        self.reason = Sentence(message, dict(values or {}))
        super().__init__(message)
