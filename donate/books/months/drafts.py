"""A month as it would be closed now: its entries, control totals, and open items. It only reads."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlmodel import Session

from donate.books.chart import Chart
from donate.books.journal.corrections import corrections
from donate.books.journal.entry import JournalEntry, balances_of
from donate.books.journal.roles import AccountRole
from donate.books.journal.rules import journal_of
from donate.books.months.book_month import BookMonth
from donate.books.months.control.figures import control_totals
from donate.books.months.control.records import MonthRecords
from donate.books.months.kept_entries import hash_of_entries, kept_entries
from donate.books.months.open_items import OpenItem, OpenKind
from donate.books.months.open_queries import open_items
from donate.books.months.queries import closed_months, closings_of
from donate.books.months.tables.bank_tables import (
    bank_lines_in,
    open_lines_until,
    unmatched_table,
)
from donate.books.months.tables.gift_tables import gift_tables, moved_in
from donate.books.months.tables.stripe_tables import payouts_in, stripe_tables, transactions_in
from donate.books.pack.control_totals import ControlTotals, sums_of
from donate.books.pack.csv_table import write_csv
from donate.books.recorded.reading import read_bookings
from donate.books.recorded.sheets.day_sheets import RecordedSheet, read_sheets
from donate.books.sheet.items import Stage
from donate.gifts.movements.models import Subject
from donate.gifts.movements.totals import TotalFilter, add_up
from donate.money import Money

_OUR_STAGES: Final = frozenset({Stage.CHOSEN, Stage.CONFIRMED})
"""The columns of the daily sheet of which both sides are our own records."""


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
        entries=entries_of(session, month, before, zone),
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
        *_contradictions(control, sheets),
        *open_items(session, month, zone, open_lines),
        *_balances(records),
    ]
    items.sort(key=lambda item: list(OpenKind).index(item.kind))
    needs_second = _is_above(records, rules.second_person_above_minor)
    return MonthDraft(records, control, items, _hash(records), needs_second)


def entries_of(
    session: Session, month: BookMonth, before: Sequence[JournalEntry], time_zone: str
) -> list[JournalEntry]:
    """Return the entries of an open month, including corrections of closed months.

    `before` are the stored entries of all closed months. If facts of closed months were recorded
    late, the corrections are booked on the first day of this month.
    """
    closings = closings_of(closed_months(session))
    own = journal_of(
        read_bookings(
            session,
            time_zone=time_zone,
            first_day=month.first_day,
            last_day=month.last_day,
            closings=closings,
        ),
        first_day=month.first_day,
        last_day=month.last_day,
    )
    if not closings:
        return own
    late = corrections(before, closed_journal(session, month.previous, time_zone), month.first_day)
    return sorted([*late, *own], key=lambda entry: (entry.day, entry.number))


def closed_journal(session: Session, last: BookMonth, time_zone: str) -> list[JournalEntry]:
    """Return the entries that the rules give now, for all days up to the end of a closed month."""
    closings = closings_of(closed_months(session))
    bookings = read_bookings(
        session, time_zone=time_zone, last_day=last.last_day, closings=closings
    )
    return journal_of(bookings, last_day=last.last_day)


def _contradictions(control: ControlTotals, sheets: Iterable[RecordedSheet]) -> Iterator[OpenItem]:
    """Yield what contradicts itself in our own records, and what Stripe or the bank states else.

    The sheet of the last day compares all columns since the books began.
    """
    ours: list[tuple[str, Money]] = [
        (check.key, Money(abs(left), currency))
        for check in control.failed
        for currency, left in check.differences.items()
    ]
    theirs: list[tuple[str, Money]] = []
    for one in sheets:
        for stage in Stage:
            left = one.sheet.unexplained(stage)
            if left:
                found = ours if stage in _OUR_STAGES else theirs
                found.append((stage.value, Money(abs(left), one.sheet.currency)))
    for kind, differences in ((OpenKind.CONTROL, ours), (OpenKind.UNEXPLAINED, theirs)):
        if differences:
            sums = sums_of(amount for _, amount in differences)
            amounts = tuple(Money(amount, currency) for currency, amount in sums.items())
            names = tuple(dict.fromkeys(name for name, _ in differences))
            yield OpenItem(kind, len(differences), amounts, names)


def _balances(records: MonthRecords) -> Iterator[OpenItem]:
    """Yield the balances of suspense and of unidentified money at the end of the month."""
    balances = balances_of([*records.before, *records.entries])
    for kind, role in (
        (OpenKind.SUSPENSE, AccountRole.SUSPENSE),
        (OpenKind.UNIDENTIFIED, AccountRole.UNIDENTIFIED),
    ):
        left: Mapping[str, int] = {
            key.currency: amount
            for key, amount in sorted(balances.items())
            if key.role is role and amount
        }
        if left:
            # Money that came in is a credit, which is negative in the journal.
            sign = -1 if role is AccountRole.UNIDENTIFIED else 1
            amounts = tuple(Money(sign * amount, currency) for currency, amount in left.items())
            yield OpenItem(kind, len(left), amounts)


def _is_above(records: MonthRecords, limit_minor: int | None) -> bool:
    """Return whether the gifts' movements in any currency add up to more than the limit."""
    sums: Counter[str] = Counter()
    for one in records.moved:
        sums[one.movement.currency] += abs(one.movement.amount_minor)
    return limit_minor is not None and any(amount > limit_minor for amount in sums.values())


def _hash(records: MonthRecords) -> str:
    digest = hashlib.sha256(hash_of_entries(records.entries).encode())
    for table in records.tables:
        if table.name in ("gifts", "movements"):
            digest.update(write_csv(table.columns, table.rows))
    return digest.hexdigest()
