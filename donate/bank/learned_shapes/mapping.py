"""Reads the form in which a person says what each column of a CSV file contains. Pure functions."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from donate.bank.shapes.amounts import quoted, read_written_amount
from donate.bank.shapes.csv_cells import CsvRow
from donate.bank.shapes.csv_shapes import (
    Column,
    CsvShape,
    shape_from_json,
    shape_to_json,
)
from donate.bank.shapes.dates import looks_like_date
from donate.bank.shapes.recognition import (
    columns_fingerprint,
    header_fingerprint,
)
from donate.bank.shapes.statement import UnreadableRow
from donate.errors import N_, BadInput
from donate.money import is_currency

PLUS: Final = "plus"
MINUS: Final = "minus"
WORDS: Final = "words"
SIGNS: Final[Mapping[str, str]] = {
    PLUS: N_("No minus: money in; a minus: money out"),
    MINUS: N_("No minus: money out; a minus: money in"),
    WORDS: N_("Another column says it in words"),
}
"""How the amounts in a single column show whether money came in or went out."""

DELIMITER_CHOICES: Final[Mapping[str, str]] = {"comma": ",", "semicolon": ";", "tab": "\t"}
"""The name of each delimiter in the form. A browser cannot show a tab."""

TEXT_FIELDS: Final = ("text_1", "text_2", "text_3")
_COLUMNS: Final = (
    *("date", *TEXT_FIELDS, "amount", "direction", "debit", "credit"),
    *("balance", "bank_reference", "account", "currency"),
)
FIELDS: Final = (
    *("header", "delimiter", *_COLUMNS, "sign", "credit_words", "debit_words"),
    *("debits_are_negative", "date_form", "decimal_mark"),
)
_NAME_UNTIL_SAVED: Final = "preview"
_CELLS_CHECKED: Final = 2_000
_MAX_WORDS: Final = 10

_NO_DATE: Final = N_("Please choose the column with the date.")
_NO_TEXT: Final = N_("Please choose the column with the description.")
_NO_AMOUNT: Final = N_(
    "Please choose the column with the amount, or the two columns for money out and money in."
)
_TWO_WAYS: Final = N_(
    "Please choose either one column with the amount or the two others, not both."
)
_BOTH: Final = N_("Please choose a column for money out and one for money in.")
_NO_SUCH_COLUMN: Final = N_("The file has no such column. Please choose another.")
_TWICE: Final = N_("Column %(column)s is chosen for something else already. Please choose another.")
_NO_DATES: Final = N_("Column %(column)s has no dates, but “%(cell)s”. Please choose another.")
_NO_AMOUNTS: Final = N_("Column %(column)s has no amounts, but “%(cell)s”. Please choose another.")
_NO_CURRENCIES: Final = N_(
    "Column %(column)s has no currencies, but “%(cell)s”. Please choose another."
)
_EMPTY: Final = N_("Column %(column)s is empty. Please choose another.")
_NO_DIRECTION: Final = N_("Please choose the column that says whether money came in or went out.")
_NO_WORDS: Final = N_("Please enter the words as they stand in that column, such as “%(cell)s”.")
_SAME_WORDS: Final = N_("The words for money out have to differ from those for money in.")
_NO_SIGN: Final = N_("Please choose how the amounts say whether money came in or went out.")
_NOT_WITH_SIGN: Final = N_(
    "Please choose “Another column says it in words” as well, or leave this column out."
)
_NO_HEADER: Final = N_("The file has no such row. Please choose another.")


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """What a person chose, as typed, with a problem for each field that is wrong.

    `shape` is None if there is a problem.
    """

    typed: Mapping[str, str]
    problems: Mapping[str, BadInput]
    shape: CsvShape | None


def read_mapping(typed: Mapping[str, str], rows: Sequence[CsvRow], delimiter: str) -> ColumnMapping:
    """Read the form. `rows` are all rows of the file, split at the delimiter."""
    values = {name: " ".join(typed.get(name, "").split()) for name in FIELDS}
    reader = _MappingReader(values, rows)
    problems = reader.problems()
    shape = None
    if not problems:
        try:
            shape = shape_from_json(shape_to_json(reader.shape(delimiter)))
        except BadInput as problem:
            problems[problem.field if problem.field in FIELDS else "header"] = problem
    return ColumnMapping(values, problems, shape)


class _MappingReader:
    def __init__(self, typed: Mapping[str, str], rows: Sequence[CsvRow]) -> None:
        self._typed = typed
        self._rows = rows
        self._width = max((len(row.cells or ()) for row in rows), default=0)
        numbers = {str(row.number): place for place, row in enumerate(rows)}
        self._header = numbers.get(typed["header"])
        first = 0 if self._header is None else self._header + 1
        self._data = [row.cells for row in islice(rows, first, first + _CELLS_CHECKED) if row.cells]

    def problems(self) -> dict[str, BadInput]:
        """Return the problem of each wrong field.

        If a field has several problems, return the first.
        """
        found: dict[str, BadInput] = {}
        for field, message, values in (*self._choices(), *self._contents()):
            found.setdefault(field, BadInput(field, message, values))
        return found

    def _number(self, field: str) -> int | None:
        text = self._typed[field]
        is_number = re.fullmatch("[0-9]{1,3}", text, re.ASCII)
        return int(text) if is_number and 1 <= int(text) <= self._width else None

    def _choices(self) -> Iterator[tuple[str, str, dict[str, str]]]:
        typed = self._typed
        if typed["header"] and self._header is None:
            yield "header", _NO_HEADER, {}
        taken: set[int] = set()
        for field in _COLUMNS:
            number = self._number(field)
            if typed[field] and number is None:
                yield field, _NO_SUCH_COLUMN, {}
            elif number in taken:
                yield field, _TWICE, {"column": str(number)}
            elif number:
                taken.add(number)
        if not typed["date"]:
            yield "date", _NO_DATE, {}
        if not any(typed[field] for field in TEXT_FIELDS):
            yield "text_1", _NO_TEXT, {}
        yield from self._amount_choices()

    def _amount_choices(self) -> Iterator[tuple[str, str, dict[str, str]]]:
        typed = self._typed
        in_two = bool(typed["debit"] or typed["credit"])
        if typed["amount"] and in_two:
            yield "amount", _TWO_WAYS, {}
        elif not typed["amount"] and not in_two:
            yield "amount", _NO_AMOUNT, {}
        elif in_two:
            for field in ("debit", "credit"):
                if not typed[field]:
                    yield field, _BOTH, {}
        if typed["amount"] and typed["sign"] not in SIGNS:
            yield "sign", _NO_SIGN, {}
        if typed["sign"] == WORDS and typed["amount"]:
            if not typed["direction"]:
                yield "direction", _NO_DIRECTION, {}
            for field in ("credit_words", "debit_words"):
                if not _words(typed[field]):
                    yield field, _NO_WORDS, {"cell": self._example("direction")}
            if set(_words(typed["credit_words"])) & set(_words(typed["debit_words"])):
                yield "debit_words", _SAME_WORDS, {}
        elif typed["direction"]:
            yield "direction", _NOT_WITH_SIGN, {}

    def _contents(self) -> Iterator[tuple[str, str, dict[str, str]]]:
        """Yield a problem for each column whose cells do not fit its field, such as no date at all.

        A problem is the form's field, a msgid, and the values of the msgid's placeholders.
        """
        checks: tuple[tuple[str, Callable[[str], bool], str], ...] = (
            ("date", looks_like_date, _NO_DATES),
            *((field, self._is_amount, _NO_AMOUNTS) for field in ("amount", "debit", "credit")),
            ("balance", self._is_amount, _NO_AMOUNTS),
            ("currency", lambda cell: is_currency(cell.upper()), _NO_CURRENCIES),
        )
        for field, is_right, message in checks:
            number = self._number(field)
            cells = [] if number is None else self._cells(number)
            if number is None or any(map(is_right, cells)):
                continue
            column = {"column": str(number)}
            if cells:
                yield field, message, column | {"cell": quoted(cells[0])}
            elif field in ("date", "amount"):
                yield field, _EMPTY, column

    def _cells(self, number: int) -> list[str]:
        found = (cells[number - 1] for cells in self._data if len(cells) >= number)
        return [cell for cell in found if cell]

    def _example(self, field: str) -> str:
        number = self._number(field)
        cells = self._cells(number) if number else []
        return quoted(cells[0]) if cells else "CREDIT"

    def _is_amount(self, cell: str) -> bool:
        try:
            read_written_amount(cell, "CAD", self._typed["decimal_mark"])
        except UnreadableRow:
            # An amount that can be read in two ways counts as an amount. Its row will be refused
            # later.
            return bool(re.fullmatch("[0-9.,]+", cell))
        return True

    def shape(self, delimiter: str) -> CsvShape:
        """Return the shape that was chosen. Raises BadInput.

        Call it only if there are no problems.
        """
        typed = self._typed
        columns: dict[str, Any] = {
            field: self._number(field) for field in ("amount", "debit", "credit", "balance")
        }
        header: tuple[str, ...] = ()
        if self._header is not None:
            header = self._rows[self._header].cells or ()
        date = self._number("date")
        assert date
        if typed["amount"] and typed["sign"] == WORDS:
            columns["direction"] = self._number("direction")
            columns["debit_words"] = _words(typed["debit_words"])
            columns["credit_words"] = _words(typed["credit_words"])
        return CsvShape(
            name=_NAME_UNTIL_SAVED,
            title=_NAME_UNTIL_SAVED,
            date=date,
            text=tuple(number for field in TEXT_FIELDS if (number := self._number(field))),
            header=header,
            date_form=typed["date_form"],
            currency=self._number("currency"),
            minus_is_in=bool(typed["amount"]) and typed["sign"] == MINUS,
            debits_are_negative=bool(typed["debit"] and typed["debits_are_negative"]),
            bank_reference=self._one("bank_reference"),
            account=self._one("account"),
            delimiter=delimiter,
            decimal_mark=typed["decimal_mark"],
            fingerprint=header_fingerprint(header) if header else columns_fingerprint(self._rows),
            **columns,
        )

    def _one(self, field: str) -> tuple[Column, ...]:
        number = self._number(field)
        return () if number is None else (number,)


def _words(typed: str) -> tuple[str, ...]:
    """Return the words that were typed, separated by commas."""
    words = (" ".join(word.split()) for word in typed.split(","))
    return tuple(dict.fromkeys(word for word in words if word))[:_MAX_WORDS]
