"""What a bank statement says, whatever its shape."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from donate.money import Money

MAX_TEXT = 500
"""The most characters of a line's text that are stored."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence for staff: a msgid, and the values of its %(name)s placeholders."""

    message: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One booked line of a bank statement. A positive amount is money in, a negative one money out.

    Zero is never a line. `row` counts from 1: the line of a CSV file, or the transaction of an OFX
    or CAMT file. `account` is what the file calls the account, with all but its last four
    characters masked; empty if the file names none.
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
    """A row that cannot be read, and why. One refused row refuses the whole file."""

    row: int
    reason: Sentence
    text: str


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """A row that is no booked line, such as a pending one, and why."""

    row: int
    reason: Sentence
    text: str


@dataclass(frozen=True, slots=True)
class Statement:
    """All that was read from one file. `first_day` and `last_day` are what the file covers.

    `masked` is the file's content with every card number masked, for storing as evidence.
    `heading_rows` are the numbers of the rows that are blank, a header or above it. They and the
    lines, refused and skipped rows are together all rows of the file.
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
    """Raised while a row is read, if it is no line: it becomes a RefusedRow with this reason."""

    def __init__(self, message: str, values: Mapping[str, str] | None = None) -> None:
        self.reason = Sentence(message, dict(values or {}))
        super().__init__(message)
