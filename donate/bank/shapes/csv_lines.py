"""Reads the rows of a CSV file whose shape is known. Each row ends as exactly one thing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from donate.bank.shapes.amounts import (
    CREDIT_SIGNS,
    DEBIT_SIGNS,
    quoted,
    read_written_amount,
)
from donate.bank.shapes.csv_cells import CsvRow
from donate.bank.shapes.csv_shapes import Column, CsvShape, fold_header
from donate.bank.shapes.dates import contradicts, read_bank_day, settle_date_form
from donate.bank.shapes.recognition import RecognisedFile, header_place, is_header
from donate.bank.shapes.statement import (
    MAX_TEXT,
    RefusedRow,
    Sentence,
    SkippedRow,
    StatementLine,
    UnreadableRow,
)
from donate.errors import N_, BadInput
from donate.gifts.choosing.card_numbers import mask_card_numbers
from donate.money import Money, is_currency

ZERO_AMOUNT: Final = N_("The amount is zero.")


@dataclass(slots=True)
class SortedRows:
    """The rows of one file, each in one of four lists."""

    lines: list[StatementLine] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    skipped: list[SkippedRow] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    warnings: list[Sentence] = field(default_factory=list)


def read_rows(
    file: RecognisedFile, currency: str, date_form: str, *, is_forced: bool
) -> SortedRows:
    """Read all rows. `date_form` is what a person chose, or empty.

    `is_forced` says that a person chose the shape. Raises BadInput for the field `date_form` if the
    file does not tell whether the day or the month stands first.
    """
    result = SortedRows()
    header = header_place(file.rows, file.shape)
    reader = _RowReader(file.shape, currency)
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
    return result


def _date_form(
    shape: CsvShape, cells: Sequence[str], chosen: str, *, is_forced: bool
) -> tuple[str, Sentence | None]:
    if chosen:
        return chosen, None
    if not shape.date_form:
        return settle_date_form(cells)
    if not shape.header and not is_forced and contradicts(cells, shape.date_form):
        # Nothing but the kinds of its columns says that this is a file of that bank.
        message = N_(
            "The dates do not have the form of %(title)s. "
            "Please choose the shape, or map the columns by hand."
        )
        raise BadInput("date_form", message, {"title": shape.title})
    return shape.date_form, None


def _sort_preamble(row: CsvRow, reader: "_RowReader", result: SortedRows) -> None:
    """Accept a row above the header, unless it looks like a line that would be lost."""
    if row.cells is not None:
        try:
            reader.day(row.cells, "mdy" if reader.shape.date_form == "mdy" else "dmy")
        except UnreadableRow:
            result.headings.append(row.number)
            return
    reason = Sentence(N_("The row is above the header row, but looks like a transaction."))
    result.refused.append(RefusedRow(row.number, reason, shown(row)))


def _sort(row: CsvRow, reader: "_RowReader", form: str, result: SortedRows) -> None:
    try:
        if row.cells is None:
            raise UnreadableRow(N_("The quotation marks in the row do not match."))
        if reason := reader.skip_reason(row.cells):
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


def shown(row: CsvRow) -> str:
    """Return a row's text as staff see it: masked, and not longer than a line's text."""
    return row.masked_raw.strip()[:MAX_TEXT]


def mask_account(account: str) -> str:
    """Return the account with all but its last four characters masked."""
    account = " ".join(account.split())
    return "*" * (len(account) - 4) + account[-4:]


def line_text(parts: Iterable[str]) -> str:
    """Join the parts of a line's text, with card numbers masked."""
    return mask_card_numbers(" ".join(" ".join(parts).split()))[:MAX_TEXT]


class _RowReader:
    """Reads single rows of one shape."""

    def __init__(self, shape: CsvShape, currency: str) -> None:
        self.shape = shape
        self._file_currency = currency
        self.date = shape.place(shape.date)
        self._text = [shape.place(column) for column in shape.text]
        self._reference = [shape.place(column) for column in shape.bank_reference]
        self._account = [shape.place(column) for column in shape.account]
        self._amounts = {code: shape.place(column) for code, column in shape.amounts.items()}
        self._skip = [
            (shape.place(rule.column), set(map(fold_header, rule.words)), Sentence(rule.reason))
            for rule in shape.skip
        ]
        self._debit_words = set(map(fold_header, shape.debit_words))
        self._credit_words = set(map(fold_header, shape.credit_words))
        self._accounts: dict[str, str] = {}
        self._places: dict[Column, int] = {}
        places = [self.date, *self._text, *self._reference, *self._account, *self._amounts.values()]
        single = (
            shape.amount,
            shape.debit,
            shape.credit,
            shape.direction,
            shape.balance,
            shape.currency,
        )
        places += [shape.place(column) for column in single if column is not None]
        self._width = len(shape.header) or len(shape.kinds) or None
        self._needed = max(places) + 1

    def skip_reason(self, cells: tuple[str, ...]) -> Sentence | None:
        """Return why the row is no booked line, or None if it may be one."""
        for place, words, reason in self._skip:
            if place < len(cells) and fold_header(cells[place]) in words:
                return reason
        return None

    def day(self, cells: tuple[str, ...], form: str) -> date:
        """Return the row's date. Raises UnreadableRow."""
        cell = cells[self.date] if self.date < len(cells) else ""
        if not cell:
            raise UnreadableRow(N_("The row has no date."))
        return read_bank_day(cell, form)

    def line(self, number: int, cells: tuple[str, ...], form: str) -> StatementLine:
        """Read one row. Raises UnreadableRow."""
        if self._width and len(cells) > self._width:
            raise UnreadableRow(
                N_("The row has %(cells)s cells, but the file has %(columns)s columns."),
                {"cells": str(len(cells)), "columns": str(self._width)},
            )
        if len(cells) < self._needed:
            cells = (*cells, *[""] * (self._needed - len(cells)))
        day = self.day(cells, form)
        amount = self._amount(cells)
        return StatementLine(
            row=number,
            day=day,
            amount=amount,
            text=line_text([cells[place] for place in self._text]),
            bank_reference=line_text([cells[place] for place in self._reference]),
            balance_minor=self._balance(cells, amount.currency),
            account=self._account_of(cells),
        )

    def _amount(self, cells: tuple[str, ...]) -> Money:
        if self._amounts:
            filled = [code for code, place in self._amounts.items() if cells[place]]
            if len(filled) > 1:
                raise UnreadableRow(N_("The row has amounts in several currencies."))
            if not filled:
                raise _no_amount()
            cell = cells[self._amounts[filled[0]]]
            return Money(self._signed(cell, filled[0]), filled[0])
        currency = self._currency(cells)
        if self.shape.amount is None:
            return Money(self._from_two_columns(cells, currency), currency)
        cell = self._cell(cells, self.shape.amount)
        if not cell:
            raise _no_amount()
        if self.shape.direction is None:
            return Money(self._signed(cell, currency), currency)
        return Money(self._directed(cell, cells, currency), currency)

    def _signed(self, cell: str, currency: str) -> int:
        return read_written_amount(cell, currency, self.shape.decimal_mark).signed_minor

    def _directed(self, cell: str, cells: tuple[str, ...], currency: str) -> int:
        amount = read_written_amount(cell, currency, self.shape.decimal_mark)
        direction = self._cell(cells, self.shape.direction)
        is_debit = fold_header(direction) in self._debit_words
        if not is_debit and fold_header(direction) not in self._credit_words:
            raise UnreadableRow(
                N_("“%(cell)s” does not say whether money came in or went out."),
                {"cell": quoted(direction)},
            )
        if amount.sign in (CREDIT_SIGNS if is_debit else DEBIT_SIGNS):
            raise UnreadableRow(
                N_("The sign of %(amount)s contradicts “%(cell)s”."),
                {"amount": quoted(cell), "cell": quoted(direction)},
            )
        return -amount.minor if is_debit else amount.minor

    def _from_two_columns(self, cells: tuple[str, ...], currency: str) -> int:
        minors = []
        for column, expected in (
            (self.shape.debit, DEBIT_SIGNS),
            (self.shape.credit, CREDIT_SIGNS),
        ):
            cell = self._cell(cells, column)
            if not cell:
                minors.append(0)
                continue
            amount = read_written_amount(cell, currency, self.shape.decimal_mark)
            may_be_minus = expected is CREDIT_SIGNS or self.shape.debits_are_negative
            if amount.sign not in ("", *expected) or (amount.sign == "-" and not may_be_minus):
                raise UnreadableRow(
                    N_(
                        "The amount %(cell)s has a sign, "
                        "but amounts in this column should have none."
                    ),
                    {"cell": quoted(cell)},
                )
            minors.append(amount.minor)
        debit, credit = minors
        if debit and credit:
            raise UnreadableRow(N_("The row has both a debit and a credit."))
        if not self._cell(cells, self.shape.debit) and not self._cell(cells, self.shape.credit):
            raise _no_amount()
        return credit - debit

    def _currency(self, cells: tuple[str, ...]) -> str:
        code = self._cell(cells, self.shape.currency).upper() or self._file_currency
        if not is_currency(code):
            raise UnreadableRow(N_("“%(cell)s” is not a currency."), {"cell": quoted(code)})
        return code

    def _balance(self, cells: tuple[str, ...], currency: str) -> int | None:
        cell = self._cell(cells, self.shape.balance)
        return self._signed(cell, currency) if cell else None

    def _account_of(self, cells: tuple[str, ...]) -> str:
        written = " ".join(cells[place] for place in self._account if cells[place])
        if written not in self._accounts:
            # The name of a kind of account, such as PCA, tells two accounts apart.
            self._accounts[written] = " ".join(
                mask_account(part) if any(c.isdigit() for c in part) else part
                for part in (cells[place] for place in self._account)
                if part
            )
        return self._accounts[written]

    def _cell(self, cells: tuple[str, ...], column: Column | None) -> str:
        return "" if column is None else cells[self._place(column)]

    def _place(self, column: Column) -> int:
        if column not in self._places:
            self._places[column] = self.shape.place(column)
        return self._places[column]


def _no_amount() -> UnreadableRow:
    return UnreadableRow(N_("The row has no amount."))
