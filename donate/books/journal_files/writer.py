"""Writes journal entries into files for an accounting program.

The same entries always give the same bytes. Each currency has its own files. A program whose files
name no currency gets only the currency of the books. An entry is never split between two files,
because half an entry would not balance.

No cell can be run as a formula: texts begin with words from this code, names of accounts begin with
a letter or a digit, and only amounts have a sign.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from donate.books.chart import Chart
from donate.books.journal.entry import JournalEntry, JournalLine
from donate.books.journal_files.layout import Content, FileColumn, JournalLayout
from donate.books.journal_files.line_texts import LineTexts
from donate.books.journal_files.programs import JournalProgram
from donate.books.journal_files.texts import (
    one_line,
    short_number,
    shorten,
    to_ascii,
    write_cell,
)
from donate.errors import N_, Conflict


class JournalFile(NamedTuple):
    """A file: its name and its content."""

    name: str
    content: bytes


def write_journal(
    entries: Iterable[JournalEntry],
    program: JournalProgram,
    chart: Chart,
    *,
    period: str,
    translate: Callable[[str], str] = str,
) -> list[JournalFile]:
    """Return the files with these entries, sorted by file name.

    `period` is a part of each name, as in `xero-2026-10-CAD-1.csv`. `translate` translates msgids.
    Raises Conflict, with a sentence for staff, if the program would not accept an entry.
    """
    writer = _Writer(program.layout, chart, translate)
    files = []
    ordered = sorted(entries, key=lambda entry: (entry.currency, entry.day, entry.number))
    writer.check_numbers(ordered)
    for currency in journal_currencies(ordered):
        writer.check_currency(currency)
        blocks = [writer.block(entry) for entry in ordered if entry.currency == currency]
        parts = list(_parts(blocks, program.layout.most_lines))
        for place, lines in enumerate(parts, start=1):
            part = f"-{place:0{len(str(len(parts)))}d}" if len(parts) > 1 else ""
            name = f"{program}-{period}-{currency}{part}.{program.layout.extension}"
            files.append(JournalFile(name, writer.content(lines)))
    return files


def journal_currencies(entries: Iterable[JournalEntry]) -> list[str]:
    """Return the currencies of the entries, sorted."""
    return sorted({entry.currency for entry in entries})


def _parts(blocks: Iterable[list[str]], most: int | None) -> Iterator[list[str]]:
    """Yield the lines for each file. A file gets as many whole blocks as fit."""
    lines: list[str] = []
    for block in blocks:
        if most is not None and lines and len(lines) + len(block) > most:
            yield lines
            lines = []
        lines.extend(block)
    if lines:
        yield lines


class _Writer:
    """Writes journal entries in one file format."""

    def __init__(
        self, layout: JournalLayout, chart: Chart, translate: Callable[[str], str]
    ) -> None:
        self._layout = layout
        self._chart = chart
        self._translate = translate

    def check_currency(self, currency: str) -> None:
        """Raise Conflict if the program would import this currency as the currency of the books."""
        base = self._chart.currency
        if currency != base and not self._layout.names_currency:
            message = N_(
                "Files for %(program)s name no currency, so it would import %(currency)s as "
                "%(base)s. Please enter the entries in %(currency)s by hand, at the exchange rate "
                "of your books."
            )
            values = {"program": self._layout.name, "currency": currency, "base": base}
            raise Conflict(message, values)

    def check_numbers(self, entries: Iterable[JournalEntry]) -> None:
        """Raise Conflict if two entries would have the same shortened number."""
        columns = (*self._layout.entry_columns, *self._layout.columns)
        most = min(
            (c.most for c in columns if c.content is Content.NUMBER and c.most), default=None
        )
        numbers: dict[str, str] = {}
        for entry in entries:
            number = short_number(entry.number, most)
            if number in numbers:
                message = N_(
                    "%(program)s could not tell the entries %(one)s and %(other)s apart. "
                    "Please enter one of them by hand."
                )
                values = {
                    "program": self._layout.name,
                    "one": numbers[number],
                    "other": entry.number,
                }
                raise Conflict(message, values)
            numbers[number] = entry.number

    def content(self, lines: list[str]) -> bytes:
        """Return the bytes of a file with these lines."""
        header = [",".join(write_cell(column.header) for column in self._layout.columns)]
        lines = [*(header if self._layout.has_header else []), *lines]
        encoding = "ascii" if self._layout.is_ascii else "utf-8"
        return "".join(f"{line}\r\n" for line in lines).encode(encoding)

    def block(self, entry: JournalEntry) -> list[str]:
        """Return the lines of an entry.

        Raises Conflict if the entry has more lines than a file may have.
        """
        block = [self._row(self._layout.columns, entry, line) for line in entry.lines]
        if self._layout.entry_columns:
            block.insert(0, self._row(self._layout.entry_columns, entry, entry.lines[0]))
        most = self._layout.most_lines
        if most is not None and len(block) > most:
            message = N_(
                "%(program)s takes at most %(most)s lines in a file, but the entry %(number)s has "
                "%(lines)s. Please enter it by hand."
            )
            values = {"program": self._layout.name, "most": str(most), "number": entry.number}
            raise Conflict(message, values | {"lines": str(len(block))})
        return block

    def _row(self, columns: Iterable[FileColumn], entry: JournalEntry, line: JournalLine) -> str:
        cell = LineTexts(self._layout, self._chart, self._translate, entry, line)
        cells = []
        for column in columns:
            text = one_line(cell.text(column))
            text = to_ascii(text) if self._layout.is_ascii else text
            cells.append(write_cell(shorten(text, column.most), is_quoted=column.is_quoted))
        return ",".join(cells)
