"""Describes how a bank writes its CSV files, as data. Such a description is called a shape.

The built-in shapes and the ones for which staff map the columns use the same class.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from donate.bank.shapes.csv_cells import DELIMITERS
from donate.bank.shapes.dates import DATE_FORMS
from donate.errors import N_, BadInput
from donate.money import is_currency

PENDING: Final = N_("The bank has not booked this row yet.")
LOAN: Final = N_("This row belongs to a loan or a line of credit.")
"""The reasons in shapes.toml, repeated here so that they are translated."""

Column = str | int
"""A column: its name in the header row, or its number, counted from 1."""

_NAME: Final = re.compile("[a-z0-9][a-z0-9-]{0,59}")
_MAX_COLUMNS: Final = 200
_MAX_CELL: Final = 200


@dataclass(frozen=True, slots=True)
class SkipRule:
    """Rows that are not booked lines: their cell in `column` is one of `words`.

    `reason` is a msgid that says why.
    """

    column: Column
    words: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class CsvShape:
    """The format of a CSV file: which column has what.

    `header` has the cells of the header row. If it is empty, the file has no header row, and
    `kinds` gives the kind of each column (recognition.py lists the kinds). The amount is in the
    column `amount`, with a sign or with a word in `direction`; or in the columns `debit` and
    `credit`; or in `amounts`, which has a column for each currency. `date_form` is ymd, mdy or dmy;
    if it is empty, the dates in the file decide. `decimal_mark` is the decimal separator, which
    decides what `1,234` means. If there are several columns for text, reference or account, they
    are joined with spaces. `summary_words` are the texts of rows that only sum up other rows, such
    as “Total”. `minus_is_in` says that amounts with a minus are money in. `fingerprint` recognises
    files without a header row whose columns a person has mapped.
    """

    name: str
    title: str
    date: Column
    text: tuple[Column, ...]
    header: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    date_form: str = ""
    amount: Column | None = None
    direction: Column | None = None
    debit_words: tuple[str, ...] = ()
    credit_words: tuple[str, ...] = ()
    debit: Column | None = None
    credit: Column | None = None
    debits_are_negative: bool = False
    amounts: Mapping[str, Column] = field(default_factory=dict)
    currency: Column | None = None
    balance: Column | None = None
    bank_reference: tuple[Column, ...] = ()
    account: tuple[Column, ...] = ()
    skip: tuple[SkipRule, ...] = ()
    summary_words: tuple[str, ...] = ()
    fingerprint: str = ""
    minus_is_in: bool = False
    delimiter: str = ""
    decimal_mark: str = ""

    def __post_init__(self) -> None:
        """Check the shape. Raises BadInput for the field that is wrong."""
        for name, is_right, message in self._rules():
            if not is_right:
                raise BadInput(name, message)
        for name, column in self._columns():
            self.place(column, name)

    def _rules(self) -> list[tuple[str, bool, str]]:
        in_two = self.debit is not None or self.credit is not None
        ways = [self.amount is not None, in_two, bool(self.amounts)]
        both = self.debit is not None and self.credit is not None
        words = [fold_header(word) for word in (*self.debit_words, *self.credit_words)]
        return [
            ("name", bool(_NAME.fullmatch(self.name)), _BAD_NAME),
            ("text", bool(self.text), N_("Please choose at least one column with a description.")),
            ("amount", sum(ways) == 1, _ONE_WAY),
            ("debit", both or not in_two, N_("Please choose both the debit and credit column.")),
            ("amounts", all(map(is_currency, self.amounts)), _BAD_CURRENCY),
            ("sign", not self.minus_is_in or self._is_signed(), _ONE_WAY),
            ("direction", self.direction is None or self.amount is not None, _ONE_WAY),
            ("direction", (self.direction is None) == (not words), _BAD_WORDS),
            ("direction", bool(self.debit_words) == bool(self.credit_words), _BAD_WORDS),
            ("direction", len(set(words)) == len(words), _BAD_WORDS),
            ("date_form", self.date_form in ("", *DATE_FORMS), _BAD_DATE_FORM),
            ("delimiter", self.delimiter in ("", *DELIMITERS), _BAD_DELIMITER),
            ("decimal_mark", self.decimal_mark in ("", ".", ","), _BAD_DECIMAL_MARK),
        ]

    def _is_signed(self) -> bool:
        return self.amount is not None and self.direction is None

    def _columns(self) -> list[tuple[str, Column]]:
        single = ("date", "amount", "direction", "debit", "credit", "currency", "balance")
        columns = [(name, getattr(self, name)) for name in single]
        for name in ("text", "bank_reference", "account"):
            columns += [(name, column) for column in getattr(self, name)]
        columns += [("amounts", column) for column in self.amounts.values()]
        columns += [("skip", rule.column) for rule in self.skip]
        return [(name, column) for name, column in columns if column is not None]

    def place(self, column: Column, field_name: str = "columns") -> int:
        """Return the index of a column, from 0. Raises BadInput if the header does not have it."""
        if isinstance(column, int):
            if 1 <= column <= _MAX_COLUMNS:
                return column - 1
        else:
            cells = [fold_header(cell) for cell in self.header]
            if cells.count(fold_header(column)) == 1:
                return cells.index(fold_header(column))
        raise BadInput(
            field_name,
            N_("The header row does not have exactly one column %(column)s."),
            {"column": str(column)},
        )


_BAD_NAME: Final = N_("Please name the shape with small letters, digits and hyphens.")
_ONE_WAY: Final = N_("Please choose one column for amounts, or one for debits and one for credits.")
_BAD_CURRENCY: Final = N_("Please name each amount column’s currency, such as CAD.")
_BAD_WORDS: Final = N_(
    "Please choose the column with the direction, its words for debits and its words for credits."
)
_BAD_DATE_FORM: Final = N_("Please choose whether dates begin with the year, month or day.")
_BAD_DELIMITER: Final = N_("Please choose comma, semicolon or tab.")
_BAD_DECIMAL_MARK: Final = N_("Please choose a point or a comma as the decimal mark.")
_NOT_A_MAPPING: Final = N_("This is not a mapping of columns.")


def fold_header(cell: str) -> str:
    """Return a header cell in lower case, without accents and extra spaces, for comparisons."""
    plain = unicodedata.normalize("NFKD", cell).replace("’", "'")
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).casefold().split())


def shape_to_json(shape: CsvShape) -> str:
    """Return a shape as JSON. Empty fields are left out."""
    values = {
        each.name: _plain(value)
        for each in fields(shape)
        if (value := getattr(shape, each.name)) not in (None, "", (), {}, False)
    }
    return json.dumps(values, ensure_ascii=False, sort_keys=True)


def shape_from_json(text: str) -> CsvShape:
    """Return the shape from JSON that `shape_to_json` returned. Raises BadInput for other texts."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise BadInput("mapping", _NOT_A_MAPPING) from None
    return shape_from_values(values)


def shape_from_values(values: object) -> CsvShape:
    """Return the shape from the values of a JSON or TOML table.

    Raises BadInput if a field is wrong.
    """
    if not isinstance(values, dict):
        raise BadInput("mapping", _NOT_A_MAPPING)
    unknown = sorted(set(map(str, values)) - set(_READERS))
    if unknown:
        message = N_("A mapping has no field %(field)s.")
        raise BadInput("mapping", message, {"field": unknown[0][:_MAX_CELL]})
    missing = sorted({"name", "title", "date", "text"} - set(values))
    if missing:
        message = N_("The mapping needs the field %(field)s.")
        raise BadInput("mapping", message, {"field": missing[0]})
    read: dict[str, Any] = {name: _READERS[name](value, name) for name, value in values.items()}
    return CsvShape(**read)


def _plain(value: object) -> object:
    if isinstance(value, SkipRule):
        return {"column": value.column, "words": list(value.words), "reason": value.reason}
    if isinstance(value, Mapping):
        return dict(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _text(value: object, name: str) -> str:
    if isinstance(value, str) and len(value) <= _MAX_CELL:
        return value
    raise _bad_value(name)


def _column(value: object, name: str) -> Column:
    if type(value) is int:
        return value
    return _text(value, name)


def _flag(value: object, name: str) -> bool:
    if isinstance(value, bool):
        return value
    raise _bad_value(name)


def _list(value: object, name: str) -> list[object]:
    if isinstance(value, list) and len(value) <= _MAX_COLUMNS:
        return value
    raise _bad_value(name)


def _texts(value: object, name: str) -> tuple[str, ...]:
    return tuple(_text(item, name) for item in _list(value, name))


def _columns_of(value: object, name: str) -> tuple[Column, ...]:
    return tuple(_column(item, name) for item in _list(value, name))


def _columns_by_currency(value: object, name: str) -> dict[str, Column]:
    if not isinstance(value, dict) or len(value) > _MAX_COLUMNS:
        raise _bad_value(name)
    return {_text(currency, name): _column(column, name) for currency, column in value.items()}


def _skip_rules(value: object, name: str) -> tuple[SkipRule, ...]:
    rules = []
    for rule in _list(value, name):
        if not isinstance(rule, dict) or set(rule) != {"column", "words", "reason"}:
            raise _bad_value(name)
        words = _texts(rule["words"], name)
        rules.append(SkipRule(_column(rule["column"], name), words, _text(rule["reason"], name)))
    return tuple(rules)


def _bad_value(name: str) -> BadInput:
    message = N_("The field %(field)s of the mapping has a value that does not fit.")
    return BadInput(name, message, {"field": name})


_READERS: Final = {
    **dict.fromkeys(("name", "title", "date_form"), _text),
    **dict.fromkeys(("delimiter", "decimal_mark", "fingerprint"), _text),
    **dict.fromkeys(("date", "amount", "direction", "debit"), _column),
    **dict.fromkeys(("credit", "currency", "balance"), _column),
    **dict.fromkeys(("header", "kinds", "summary_words"), _texts),
    **dict.fromkeys(("debit_words", "credit_words"), _texts),
    **dict.fromkeys(("text", "bank_reference", "account"), _columns_of),
    "debits_are_negative": _flag,
    "minus_is_in": _flag,
    "amounts": _columns_by_currency,
    "skip": _skip_rules,
}
