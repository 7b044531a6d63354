"""Splits the text of a CSV file into numbered rows of cells, without losing any."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from donate.bank.shapes.decoding import bad_file
from donate.errors import N_
from donate.gifts.choosing.card_numbers import mask_card_numbers

MAX_ROWS: Final = 50_000
MAX_CELLS: Final = 200
DELIMITERS: Final = (",", ";", "\t")
_SAMPLE_ROWS: Final = 50
# Sample lines are cut to this length. Together they are shorter than the csv module's longest cell.
_SAMPLE_LENGTH: Final = 2_000
# Matches each cell and each delimiter. Joining all matches gives the row again.
_CELLS: Final = re.compile(r'[^,;\t"\r\n]+|[,;\t"\r\n]')


@dataclass(frozen=True, slots=True)
class CsvRow:
    """A row of a CSV file. `number` is the line on which it begins, from 1; `raw` is its text.

    `cells` does not include empty cells at the end. It is None if the row's quotes are not
    balanced.
    """

    number: int
    cells: tuple[str, ...] | None
    raw: str

    @property
    def is_blank(self) -> bool:
        """Whether all cells of the row are empty."""
        return self.cells == ()

    @property
    def masked_raw(self) -> str:
        """The text of the row, with every card number masked."""
        masked = self.raw
        for cell in self.cells or ():
            hidden = mask_card_numbers(cell)
            if hidden is not cell and hidden != cell:
                masked = masked.replace(cell, hidden)
                masked = masked.replace(cell.replace('"', '""'), hidden.replace('"', '""'))
        if self.cells is not None and masked is self.raw:
            return masked
        return "".join(map(mask_card_numbers, _CELLS.findall(masked)))


def split_rows(text: str, delimiter: str) -> list[CsvRow]:
    """Split a text into rows.

    Raises BadInput if the text has more than MAX_ROWS lines, or a row more than MAX_CELLS cells.
    """
    lines = list(io.StringIO(text, newline=""))
    if len(lines) > MAX_ROWS:
        raise bad_file(N_("The file has more than 50,000 lines. Please export a shorter period."))
    if any(line.count(delimiter) >= MAX_CELLS for line in lines):
        raise bad_file(N_("The file has more than 200 columns, so it is no bank statement."))
    try:
        return list(_rows(lines, delimiter))
    except csv.Error:
        # A row is damaged. Read line by line, so that only the damaged row is refused.
        return [_row_of(number, line, delimiter) for number, line in enumerate(lines, 1)]


def likely_delimiters(text: str) -> list[str]:
    """Return the delimiters, most likely first.

    The most likely one splits most rows into the same number of cells.
    """
    lines = [line[:_SAMPLE_LENGTH] for line in islice(io.StringIO(text, newline=""), _SAMPLE_ROWS)]

    def fit(delimiter: str) -> int:
        widths = Counter(
            len(cells) for cells in csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        )
        return max((times * (width - 1) for width, times in widths.items()), default=0)

    return sorted(DELIMITERS, key=fit, reverse=True)


def _rows(lines: list[str], delimiter: str) -> Iterator[CsvRow]:
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        start = reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return
        raw = (
            lines[start]
            if reader.line_num == start + 1
            else "".join(lines[start : reader.line_num])
        )
        yield CsvRow(start + 1, _trimmed(cells), raw)


def _row_of(number: int, line: str, delimiter: str) -> CsvRow:
    try:
        row = next(_rows([line], delimiter))
    except csv.Error:
        return CsvRow(number, None, line)
    return CsvRow(number, row.cells, line)


def _trimmed(cells: Iterable[str]) -> tuple[str, ...]:
    """Return the cells without outer spaces and quotes, and without empty cells at the end."""
    trimmed = [cell.strip() for cell in cells]
    for place, cell in enumerate(trimmed):
        if len(cell) > 1 and cell[0] == cell[-1] == "'":
            trimmed[place] = cell[1:-1].strip()
    while trimmed and not trimmed[-1]:
        trimmed.pop()
    return tuple(trimmed)
