"""Writes a table as CSV (RFC 4180) in UTF-8. No cell can be run as a formula by a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final, NamedTuple

from donate.books.pack.formulas import guard_formula
from donate.money import Money

BYTE_ORDER_MARK: Final = "\ufeff".encode()
"""Excel reads a CSV as UTF-8 only if the file begins with this."""
TableCell = str | int | date | Money | None
"""A cell: an amount is written as a decimal number, and None as an empty cell."""


class CsvTable(NamedTuple):
    """A table: the name of its file without the extension, its columns, and its rows."""

    name: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[TableCell]]


def write_csv(columns: Iterable[str], rows: Iterable[Iterable[TableCell]]) -> bytes:
    """Return a table as bytes. Raises ValueError if a row does not have a cell for each column."""
    columns = list(columns)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        cells = [_text(cell) for cell in row]
        if len(cells) != len(columns):
            raise ValueError(f"{len(cells)} cells for {len(columns)} columns")
        writer.writerow(cells)
    return BYTE_ORDER_MARK + text.getvalue().encode()


def _text(cell: TableCell) -> str:
    match cell:
        case None:
            return ""
        case Money():
            return f"{cell.decimal:f}"
        case date():
            return cell.isoformat()
        case int():
            return str(cell)
        case _:
            return guard_formula(cell)
