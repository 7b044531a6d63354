"""A month as it would be closed now: its entries, control totals, and open items. It only reads."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from donate.books.chart import Chart
from donate.books.journal.entry import JournalEntry
from donate.books.months.book_month import BookMonth
from donate.books.months.control.figures import balances_section, control_totals
from donate.books.months.control.records import MonthRecords
from donate.books.months.control.second_person import needs_second_person
from donate.books.months.kept_entries import hash_of_entries, kept_entries
from donate.books.months.month_journal import closed_journal, open_journal
from donate.books.months.open_items import OpenItem, OpenKind
from donate.books.months.open_queries import open_items
from donate.books.months.open_sheets import (
    balances_to_explain,
    contradictions,
    unmatched_money,
)
from donate.books.months.queries import closed_months, closings_of
from donate.books.months.tables.bank_tables import (
    bank_lines_in,
    open_lines_until,
    unmatched_table,
)
from donate.books.months.tables.gift_tables import gift_tables, moved_in
from donate.books.months.tables.stripe_tables import payouts_in, stripe_tables, transactions_in
from donate.books.pack.control_totals import ControlTotals
from donate.books.pack.csv_table import write_csv
from donate.books.recorded.sheets.day_sheets import read_sheets
from donate.gifts.movements.models import Subject
from donate.gifts.movements.totals import TotalFilter, add_up


@dataclass(frozen=True, slots=True)
class MonthRules:
    """The rules for closing months: the chart of accounts, and when a second person is needed.

    Days are in `time_zone`. `second_person_above_minor` is the limit in minor units, in any
    currency. It is None if one person is always enough.
    """

    chart: Chart
    time_zone: str
    second_person_above_minor: int | None = None


@dataclass(frozen=True, slots=True)
class MonthDraft:
    """A month that is not closed. `content_hash` changes if any of its entries or gifts changes."""

    records: MonthRecords
    control: ControlTotals
    items: Sequence[OpenItem]
    content_hash: str
    needs_second: bool

    @property
    def month(self) -> BookMonth:
        """The month."""
        return self.records.month


def read_draft(session: Session, month: BookMonth, rules: MonthRules) -> MonthDraft:
    """Return a month as it would be closed now. Call it in one database snapshot.

    The month must be the one after the last closed month.
    """
    zone = rules.time_zone
    moved = moved_in(session, month)
    transactions = transactions_in(session, month, zone)
    payouts = payouts_in(session, month, zone)
    open_lines = open_lines_until(session, month)
    days = TotalFilter(Subject.MOVEMENT, first_day=month.first_day, last_day=month.last_day)
    before = list(kept_entries(session))
    records = MonthRecords(
        month=month,
        moved=moved,
        day_totals=add_up(session, days),
        transactions=transactions,
        payouts=payouts,
        lines=bank_lines_in(session, month),
        entries=open_journal(session, month, before, zone),
        before=before,
        tables=[
            *gift_tables(moved),
            *stripe_tables(transactions, payouts),
            unmatched_table(open_lines),
        ],
    )
    control = control_totals(records, rules.chart, {})
    closings = closings_of(closed_months(session))
    sheets = read_sheets(session, month.last_day, time_zone=zone, closings=closings)
    items = [
        *contradictions(control, sheets),
        *unmatched_money(sheets),
        *open_items(session, month, zone, open_lines),
        *balances_to_explain([*before, *records.entries]),
    ]
    items.sort(key=lambda item: list(OpenKind).index(item.kind))
    needs_second = needs_second_person(records, rules.second_person_above_minor)
    return MonthDraft(records, control, items, _hash(records, items), needs_second)


@dataclass(frozen=True, slots=True)
class StartDraft:
    """The entries of all months before the books start, and the balances at the end of these.

    `content_hash` changes if any of the entries changes.
    """

    first: BookMonth
    entries: Sequence[JournalEntry]
    control: ControlTotals

    @property
    def content_hash(self) -> str:
        """The hash of all entries, which is stored when the books start."""
        return hash_of_entries(self.entries)


def read_start(session: Session, first: BookMonth, rules: MonthRules) -> StartDraft:
    """Return what is stored if the books start with the month `first`. Call it in one snapshot."""
    before = first.previous
    entries = closed_journal(session, before, rules.time_zone)
    control = ControlTotals(str(before), balances_section(entries, rules.chart), [], {})
    return StartDraft(first, entries, control)


def _hash(records: MonthRecords, items: Sequence[OpenItem]) -> str:
    digest = hashlib.sha256(hash_of_entries(records.entries).encode())
    digest.update(json.dumps([item.stored() for item in items]).encode())
    for table in records.tables:
        if table.name in ("gifts", "movements"):
            digest.update(write_csv(table.columns, table.rows))
    return digest.hexdigest()
