"""Reads the rows of a CSV file of a known format.

Each row is either a line, refused, skipped, or a heading.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from donate.bank.shapes.csv_cells import CsvRow
from donate.bank.shapes.csv_shapes import CsvShape
from donate.bank.shapes.dates import contradicts, settle_date_form
from donate.bank.shapes.recognition import RecognisedFile, header_place, is_header
from donate.bank.shapes.row_reader import RowReader
from donate.bank.shapes.statement import (
    MAX_TEXT,
    RefusedRow,
    Sentence,
    SkippedRow,
    StatementLine,
    UnreadableRow,
)
from donate.errors import N_, BadInput

ZERO_AMOUNT: Final = N_("The amount is zero.")
_SUMMARY: Final = N_("“%(text)s” sums up other rows, so this is no transaction.")
_BELOW: Final = N_("The row is below the last transaction and has neither a date nor an amount.")


@dataclass(slots=True)
class SortedRows:
    """The rows of a file, divided into four lists, and warnings about the file."""

    lines: list[StatementLine] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    skipped: list[SkippedRow] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    warnings: list[Sentence] = field(default_factory=list)


def read_rows(
    file: RecognisedFile,
    currency: str,
    date_form: str,
    *,
    is_forced: bool,
    summary_words: Collection[str] = (),
) -> SortedRows:
    """Read all rows. `date_form` is the form of dates that a person chose; empty if nobody chose.

    `is_forced` says that a person chose the format of the file. `summary_words` are texts of rows
    that only sum up other rows, in addition to those in the format. Raises BadInput for the field
    `date_form` if the file does not show whether the day or the month comes first.
    """
    result = SortedRows()
    header = header_place(file.rows, file.shape)
    reader = RowReader(file.shape, currency, summary_words)
    data = []
    for place, row in enumerate(file.rows):
        if row.is_blank or is_header(row, file.shape):
            result.headings.append(row.number)
        elif header is not None and place < header:
            _sort_preamble(row, reader, result)
        else:
            data.append(row)
    cells = [row.cells[reader.date] for row in data if row.cells and len(row.cells) > reader.date]
    form, warning = _date_form(file.shape, cells, date_form, is_forced=is_forced)
    if warning:
        result.warnings.append(warning)
    for row in data:
        _sort(row, reader, form, result)
    _leave_out_footer(data, reader, result)
    return result


def _date_form(
    shape: CsvShape, cells: Sequence[str], chosen: str, *, is_forced: bool
) -> tuple[str, Sentence | None]:
    if chosen:
        return chosen, None
    if not shape.date_form:
        return settle_date_form(cells)
    if not shape.header and not is_forced and contradicts(cells, shape.date_form):
        # The file has no header, so the kinds of its columns are the only sign of the bank. They
        # may be wrong.
        message = N_(
            "The dates do not have the form of %(title)s. "
            "Please choose the shape, or map the columns by hand."
        )
        raise BadInput("date_form", message, {"title": shape.title})
    return shape.date_form, None


def _sort_preamble(row: CsvRow, reader: "RowReader", result: SortedRows) -> None:
    """Count a row above the header as a heading. Refuse it if it looks like a transaction."""
    if row.cells is not None:
        try:
            reader.day(row.cells, "mdy" if reader.shape.date_form == "mdy" else "dmy")
        except UnreadableRow:
            result.headings.append(row.number)
            return
    reason = Sentence(N_("The row is above the header row, but looks like a transaction."))
    result.refused.append(RefusedRow(row.number, reason, shown(row)))


def _sort(row: CsvRow, reader: "RowReader", form: str, result: SortedRows) -> None:
    try:
        if row.cells is None:
            raise UnreadableRow(N_("The quotation marks in the row do not match."))
        if reason := reader.skip_reason(row.cells):
            result.skipped.append(SkippedRow(row.number, reason, shown(row)))
            return
        if summary := reader.summary(row.cells):
            reason = Sentence(_SUMMARY, {"text": summary})
            result.skipped.append(SkippedRow(row.number, reason, shown(row)))
            return
        line = reader.line(row.number, row.cells, form)
    except UnreadableRow as problem:
        result.refused.append(RefusedRow(row.number, problem.reason, shown(row)))
    else:
        if line.amount.amount_minor:
            result.lines.append(line)
        else:
            result.skipped.append(SkippedRow(row.number, Sentence(ZERO_AMOUNT), shown(row)))


def _leave_out_footer(data: Sequence[CsvRow], reader: RowReader, result: SortedRows) -> None:
    """Skip refused rows after the last transaction if they cannot be money, such as a notice."""
    last = max((line.row for line in result.lines), default=None)
    if last is None:
        return
    footer = {
        row.number for row in data if row.number > last and row.cells and reader.is_note(row.cells)
    }
    notes = [row for row in result.refused if row.row in footer]
    result.refused[:] = [row for row in result.refused if row.row not in footer]
    for note in notes:
        result.skipped.append(SkippedRow(note.row, Sentence(_BELOW), note.text))


def shown(row: CsvRow) -> str:
    """Return a row's text for staff: masked, and no longer than the text of a line."""
    return row.masked_raw.strip()[:MAX_TEXT]
