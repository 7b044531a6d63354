"""Recognises the format of a CSV file.

Prepares a file of unknown format for mapping its columns.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from donate.bank.shapes.amounts import read_written_amount
from donate.bank.shapes.csv_cells import DELIMITERS, CsvRow, likely_delimiters, split_rows
from donate.bank.shapes.csv_shapes import CsvShape, fold_header
from donate.bank.shapes.dates import has_year_first, looks_like_date
from donate.bank.shapes.decoding import bad_file, decode_file
from donate.bank.shapes.statement import MAX_TEXT, UnreadableRow
from donate.errors import N_
from donate.gifts.choosing.card_numbers import mask_card_numbers

_HEADER_IS_WITHIN: Final = 50
_KIND_ROWS: Final = 50
_PREVIEW_ROWS: Final = 20
_MASKED_CARD: Final = re.compile(r"[0-9*xX• -]{8,}")
_ACCOUNT: Final = re.compile(r"[0-9*xX][0-9*xX -]{2,}")


@dataclass(frozen=True, slots=True)
class RecognisedFile:
    """A file's rows, with the format and the delimiter that fit them."""

    shape: CsvShape
    delimiter: str
    rows: list[CsvRow]


@dataclass(frozen=True, slots=True)
class FilePreview:
    """The first rows of a file, with card numbers masked.

    `header` is the index of the header row, from 0, or None. `numbers` are the row numbers of
    `rows` in the file. `fingerprint` is the same for all files of the same format, so that a stored
    mapping can be found.
    """

    encoding: str
    delimiter: str
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...]
    header: int | None
    fingerprint: str

    @property
    def numbered(self) -> list[tuple[int, tuple[str, ...]]]:
        """The rows, each with its row number in the file."""
        return list(zip(self.numbers, self.rows, strict=True))

    @property
    def width(self) -> int:
        """How many columns the longest of these rows has."""
        return max(map(len, self.rows), default=0)


def recognise(text: str, shapes: Iterable[CsvShape]) -> RecognisedFile | None:
    """Find the format of a CSV file by its header row, or by the contents of its columns.

    Returns None if no format fits. Raises BadInput if several formats fit equally well.
    """
    shapes = tuple(shapes)
    for delimiter in likely_delimiters(text):
        rows = split_rows(text, delimiter)
        fitting = [each for each in shapes if each.delimiter in ("", delimiter)]
        found = [each for each in fitting if each.header and header_place(rows, each) is not None]
        if not found and guess_header(rows) is None:
            found = _by_kinds(rows, fitting)
        mapped = [each for each in fitting if each.fingerprint and not each.header]
        if mapped:
            columns = columns_fingerprint(rows)
            found += [each for each in mapped if each.fingerprint == columns]
        if len(found) > 1:
            titles = ", ".join(each.title for each in found)
            message = N_("The file can be of several shapes: %(titles)s. Please choose one.")
            raise bad_file(message, {"titles": titles})
        if found:
            return RecognisedFile(found[0], delimiter, rows)
    return None


def rows_for(text: str, shape: CsvShape) -> RecognisedFile:
    """Split the text into rows of the format that a person chose.

    Raises BadInput if the text does not have the header row of this format.
    """
    for delimiter in [shape.delimiter] if shape.delimiter else likely_delimiters(text):
        rows = split_rows(text, delimiter)
        if not shape.header or header_place(rows, shape) is not None:
            return RecognisedFile(shape, delimiter, rows)
    message = N_("The file does not have the header row of %(title)s. Please map its columns.")
    raise bad_file(message, {"title": shape.title})


def header_place(rows: Sequence[CsvRow], shape: CsvShape) -> int | None:
    """Return the index of the first header row of this format, from 0, or None if there is none."""
    for place, row in enumerate(islice(rows, _HEADER_IS_WITHIN)):
        if is_header(row, shape):
            return place
    return None


def is_header(row: CsvRow, shape: CsvShape) -> bool:
    """Whether the row is the header row of this format."""
    cells = row.cells or ()
    if not shape.header or len(cells) != len(shape.header):
        return False
    return all(
        fold_header(cell) == fold_header(name)
        for cell, name in zip(cells, shape.header, strict=True)
    )


def guess_header(rows: Sequence[CsvRow]) -> int | None:
    """Return the index of the row that looks like a header: names above the first date."""
    start = list(islice(rows, _HEADER_IS_WITHIN))
    first_dated = next(
        (place for place, row in enumerate(start) if any(map(looks_like_date, row.cells or ()))),
        len(start),
    )
    for place in reversed(range(first_dated)):
        cells = start[place].cells or ()
        if len(cells) > 1 and not any(kind != "text" for kind in map(_kind, cells) if kind):
            return place
    return None


def preview(content: bytes, delimiter: str = "") -> FilePreview:
    """Return the first 20 rows of a file, for the page on which its columns are mapped.

    `delimiter` is the delimiter that a person chose; without it, the most likely one is used.
    Raises BadInput for files that cannot be read at all.
    """
    file = decode_file(content)
    if delimiter not in DELIMITERS:
        delimiter = likely_delimiters(file.text)[0]
    rows = split_rows(file.text, delimiter)
    first = rows[:_PREVIEW_ROWS]
    header = guess_header(first)
    return FilePreview(
        encoding=file.encoding,
        delimiter=delimiter,
        rows=tuple(
            tuple(map(_shown, (row.raw.strip(),) if row.cells is None else row.cells))
            for row in first
        ),
        numbers=tuple(row.number for row in first),
        header=header,
        fingerprint=columns_fingerprint(rows)
        if header is None
        else header_fingerprint(rows[header].cells or ()),
    )


def _shown(cell: str) -> str:
    return mask_card_numbers(cell[:MAX_TEXT])


def fingerprint(content: bytes) -> str:
    """Return a text that is the same for all files of one format: the header, or the column kinds.

    Raises BadInput if the file cannot be read at all.
    """
    return preview(content).fingerprint


def header_fingerprint(cells: Sequence[str]) -> str:
    """Return a fingerprint for files with this header row. It is the same for all of them."""
    return _short(mask_card_numbers("header:" + "|".join(map(fold_header, cells))))


def columns_fingerprint(rows: Sequence[CsvRow]) -> str:
    """Return a fingerprint for files without a header row, made from the kinds of their columns.

    Only rows with a date count, so that a file is recognised even if it has a footer.
    """
    filled = [row.cells for row in islice(rows, _KIND_ROWS) if row.cells]
    filled = [cells for cells in filled if any(map(looks_like_date, cells))] or filled
    width = max(map(len, filled), default=0)
    kinds = []
    for column in range(width):
        cells = {each[column] for each in filled if column < len(each)}
        found = {_kind(mask_card_numbers(cell)) for cell in cells} - {""}
        # A column of amounts may be empty in one file and filled in another.
        kinds.append("number" if found <= {"number"} else "date" if found == {"date"} else "text")
    return _short(f"columns:{width}:" + ",".join(kinds))


def _short(fingerprint: str) -> str:
    return hashlib.sha256(fingerprint.encode()).hexdigest()


def _by_kinds(rows: Sequence[CsvRow], shapes: Iterable[CsvShape]) -> list[CsvShape]:
    """Return the formats without a header row whose column kinds fit the most rows."""
    filled = [row.cells for row in islice(rows, _KIND_ROWS) if row.cells]
    fits = {
        shape.name: sum(_has_kinds(cells, shape.kinds) for cells in filled)
        for shape in (each for each in shapes if each.kinds)
    }
    best = max(fits.values(), default=0)
    if 2 * best <= len(filled):
        return []
    return [shape for shape in shapes if fits.get(shape.name) == best]


def _has_kinds(cells: tuple[str, ...], kinds: tuple[str, ...]) -> bool:
    padded = (*cells, *[""] * (len(kinds) - len(cells)))
    return len(padded) == len(kinds) and all(map(_is_of_kind, padded, kinds))


def _is_of_kind(cell: str, kind: str) -> bool:
    """Whether a cell is of a kind. Amounts and cards may be empty, and `any` fits every cell.

    A kind in capital letters is a list of allowed words, separated by `|`.
    """
    match kind:
        case "any":
            return True
        case "date" | "number":
            return _kind(cell) == kind
        case "year-first":
            return has_year_first(cell)
        case "amount":
            return _kind(cell) in ("", "number")
        case "text":
            return bool(cell) and _kind(cell) != "date"
        case "account":
            return bool(_ACCOUNT.fullmatch(cell))
        case "card":
            return not cell or bool(_MASKED_CARD.fullmatch(cell))
        case "dash":
            return cell == "-"
        case _:
            return cell in kind.split("|")


def _kind(cell: str) -> str:
    """Return the kind of a cell: "date", "number", "text", or "" if the cell is empty."""
    if not cell:
        return ""
    if looks_like_date(cell):
        return "date"
    try:
        read_written_amount(cell, "CAD")
    except UnreadableRow:
        # An amount that can be read in two ways is still a number.
        return "number" if re.fullmatch("[0-9.,]+", cell) else "text"
    return "number"
