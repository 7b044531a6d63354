"""Reads single rows of a CSV file whose format is known."""

import re
from collections.abc import Collection, Iterable
from datetime import date
from typing import Final

from donate.bank.shapes.amounts import (
    CREDIT_SIGNS,
    DEBIT_SIGNS,
    quoted,
    read_written_amount,
)
from donate.bank.shapes.csv_shapes import Column, CsvShape, fold_header
from donate.bank.shapes.dates import looks_like_date, read_bank_day
from donate.bank.shapes.statement import MAX_TEXT, Sentence, StatementLine, UnreadableRow
from donate.errors import N_
from donate.gifts.choosing.card_numbers import mask_card_numbers
from donate.money import Money, is_currency


def mask_account(account: str) -> str:
    """Return the account with all but its last four characters masked."""
    account = " ".join(account.split())
    return "*" * (len(account) - 4) + account[-4:]


def line_text(parts: Iterable[str]) -> str:
    """Join the parts of a line's text into one text, with card numbers masked."""
    return mask_card_numbers(" ".join(" ".join(parts).split()))[:MAX_TEXT]


# Matches an amount with cents anywhere in a text, for example in a row with another delimiter.
_MONEY: Final = re.compile(r"[0-9] ?[.,] ?[0-9]{2}(?![0-9])")


class RowReader:
    """Reads single rows in one format."""

    def __init__(self, shape: CsvShape, currency: str, summary_words: Collection[str] = ()) -> None:
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
        self._summary_words = {_plain_word(word) for word in (*summary_words, *shape.summary_words)}
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
        money = [shape.amount, shape.debit, shape.credit]
        self._money = {shape.place(column) for column in money if column is not None}
        self._money |= set(self._amounts.values())
        self._balances = set() if shape.balance is None else {shape.place(shape.balance)}

    def skip_reason(self, cells: tuple[str, ...]) -> Sentence | None:
        """Return why the row is not a booked line, or None if it may be one."""
        for place, words, reason in self._skip:
            if place < len(cells) and fold_header(cells[place]) in words:
                return reason
        return None

    def summary(self, cells: tuple[str, ...]) -> str:
        """Return the text of a row that only sums up others, such as “Total”; "" for other rows.

        All texts in such a row are words for a total. A row with a date and an amount is never one.
        """
        if self._has_date(cells) and self._has_amount(cells):
            return ""
        names = {*self._account, *self._reference}
        texts = {place: cell for place, cell in enumerate(cells) if _is_text(cell)}
        # Each row has the account, but the account's column may have “Total” instead, so ignore it.
        besides = {place: cell for place, cell in texts.items() if place not in names} or texts
        if all(_plain_word(cell) in self._summary_words for cell in besides.values()):
            return quoted(" ".join(besides.values()))
        return ""

    def is_note(self, cells: tuple[str, ...]) -> bool:
        """Whether a row cannot be a transaction: it has no date, and no amount except a balance."""
        return not (
            self._has_date(cells)
            or self._has_amount(cells)
            or any(
                _MONEY.search(cell) or (cell and not _is_text(cell))
                for place, cell in enumerate(cells)
                if place not in self._balances
            )
        )

    def _has_date(self, cells: tuple[str, ...]) -> bool:
        return self.date < len(cells) and looks_like_date(cells[self.date])

    def _has_amount(self, cells: tuple[str, ...]) -> bool:
        return any(place < len(cells) and cells[place] for place in self._money)

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
            minor = self._signed(cell, currency)
            return Money(-minor if self.shape.minus_is_in else minor, currency)
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
            # The type of an account, such as PCA, distinguishes two accounts.
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


def _plain_word(cell: str) -> str:
    """Return a text in lower case, without accents and without anything after its last letter."""
    plain = fold_header(cell)
    ends = (place for place in range(len(plain), 0, -1) if "a" <= plain[place - 1] <= "z")
    return plain[: next(ends, 0)]


def _is_text(cell: str) -> bool:
    """Whether a cell is neither empty nor a date nor an amount."""
    if not cell or looks_like_date(cell):
        return False
    try:
        read_written_amount(cell, "CAD")
    except UnreadableRow:
        return any(c.isalpha() for c in cell)
    return False
