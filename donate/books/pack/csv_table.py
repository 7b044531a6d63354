"""Writes a table as CSV (RFC 4180) in UTF-8, with no cell that a spreadsheet runs as a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final, NamedTuple

from donate.money import Money

BYTE_ORDER_MARK: Final = "\ufeff".encode()
"""Excel reads a CSV as UTF-8 only if the file begins with this."""
# Spreadsheets run a text as a formula if it begins with one of these, some also after spaces. The
# last four are = + - @ in full width.
_FORMULA: Final = re.compile(r"'*\s*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")

TableCell = str | int | date | Money | None
"""An amount of money is written as a plain decimal, and None as an empty cell."""


class CsvTable(NamedTuple):
    """A table: the name of its file without the ending, its columns, and its rows."""

    name: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[TableCell]]


def guard_formula(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet could run as a formula.

    A text that already has an apostrophe before such a sign gets one more, so that removing one
    always gives the original.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def write_csv(columns: Iterable[str], rows: Iterable[Iterable[TableCell]]) -> bytes:
    """Return the bytes of a table. Raises ValueError if a row has not one cell for each column."""
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
