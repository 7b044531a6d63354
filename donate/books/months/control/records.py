"""Everything that was recorded for a month. Its control totals and its pack are made from it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from donate.bank.statements.models import BankAccount, RecordedLine
from donate.books.journal.entry import JournalEntry
from donate.books.journal.postings import IDENTIFIED_LATER
from donate.books.months.book_month import BookMonth
from donate.books.months.tables.gift_tables import MovedGift
from donate.books.months.tables.stripe_tables import StatedPayout, StatedTransaction
from donate.books.pack.csv_table import CsvTable
from donate.gifts.movements.totals import PeriodTotal
from donate.money import Money

_IS_CORRECTION: Final = re.compile(rf"C[0-9]+-|{IDENTIFIED_LATER}-")


@dataclass(frozen=True, slots=True)
class MonthRecords:
    """Everything that was recorded for a month, and the journal up to its end.

    `entries` are the entries of the month, including corrections of earlier months. `before` are
    the entries of all closed months. `tables` are the tables for the pack.
    """

    month: BookMonth
    moved: Sequence[MovedGift]
    day_totals: Sequence[PeriodTotal]
    transactions: Sequence[StatedTransaction]
    payouts: Sequence[StatedPayout]
    lines: Sequence[tuple[RecordedLine, BankAccount]]
    entries: Sequence[JournalEntry]
    before: Sequence[JournalEntry]
    tables: Sequence[CsvTable]

    def column(self, table: str, name: str) -> list[Money]:
        """Return the amounts in a column of one of the pack's tables."""
        (found,) = (one for one in self.tables if one.name == table)
        place = found.columns.index(name)
        cells = (row[place] for row in found.rows)
        return [cell for cell in cells if isinstance(cell, Money)]


def is_correction(entry: JournalEntry) -> bool:
    """Return whether an entry corrects a closed month, or identifies a bank line of one."""
    return bool(_IS_CORRECTION.match(entry.number))
