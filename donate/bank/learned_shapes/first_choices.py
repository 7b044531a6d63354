"""The values with which the form for mapping columns opens.

They come from the file, or from an earlier mapping of files like it.
"""

from collections.abc import Sequence
from dataclasses import replace

from donate.bank.learned_shapes.mapping import (
    DELIMITER_CHOICES,
    FIELDS,
    MINUS,
    PLUS,
    TEXT_FIELDS,
    WORDS,
)
from donate.bank.shapes.csv_cells import CsvRow
from donate.bank.shapes.csv_shapes import Column, CsvShape, fold_header
from donate.bank.shapes.dates import YEAR_FIRST, looks_like_date, settle_date_form
from donate.bank.shapes.recognition import FilePreview


def with_form_of_dates(shape: CsvShape, rows: Sequence[CsvRow]) -> CsvShape:
    """Return the shape with the order of day and month in this file, unless a person chose one.

    The order is stored with the shape, because the next file may not show it, for example if it has
    no day above 12. Raises BadInput if this file does not show it either.
    """
    if shape.date_form:
        return shape
    place = shape.place(shape.date)
    cells = [row.cells[place] for row in rows if row.cells and len(row.cells) > place]
    form, said = settle_date_form(cells)
    return replace(shape, date_form=form) if said or form == YEAR_FIRST else shape


def first_choices(shown: FilePreview) -> dict[str, str]:
    """Return the values with which the form opens for a new format, as guessed from the file."""
    typed = dict.fromkeys(FIELDS, "")
    names = {mark: name for name, mark in DELIMITER_CHOICES.items()}
    typed["delimiter"] = names[shown.delimiter]
    first = 0
    if shown.header is not None:
        typed["header"] = str(shown.numbers[shown.header])
        first = shown.header + 1
    data = [cells for cells in shown.rows[first:] if cells]
    dates = [
        place + 1
        for place in range(shown.width)
        if any(place < len(cells) and looks_like_date(cells[place]) for cells in data)
    ]
    if len(dates) == 1:
        typed["date"] = str(dates[0])
    return typed


def choices_of(shape: CsvShape, shown: FilePreview) -> dict[str, str]:
    """Return the values with which the form opens for a shape that was mapped earlier."""
    typed = first_choices(shown) | {"header": ""}
    for number, cells in shown.numbered:
        if shape.header and [*map(fold_header, cells)] == [*map(fold_header, shape.header)]:
            typed["header"] = str(number)
            break
    for field in ("date", "amount", "direction", "debit", "credit", "balance", "currency"):
        typed[field] = _typed_column(getattr(shape, field))
    for field, columns in (("bank_reference", shape.bank_reference), ("account", shape.account)):
        typed[field] = _typed_column(columns[0]) if columns else ""
    typed |= dict.fromkeys(TEXT_FIELDS, "")
    typed |= dict(zip(TEXT_FIELDS, map(_typed_column, shape.text), strict=False))
    if shape.amount is not None:
        typed["sign"] = WORDS if shape.direction else MINUS if shape.minus_is_in else PLUS
    typed["debit_words"] = ", ".join(shape.debit_words)
    typed["credit_words"] = ", ".join(shape.credit_words)
    typed["debits_are_negative"] = "yes" if shape.debits_are_negative else ""
    typed["date_form"], typed["decimal_mark"] = shape.date_form, shape.decimal_mark
    return typed


def _typed_column(column: Column | None) -> str:
    return str(column) if isinstance(column, int) else ""
