"""Months in which everything happens close one after another, without a contradiction."""

from datetime import date, datetime, timedelta
from random import Random

from donate.books.journal.entry import balances_of
from donate.books.months.audit import month_differences
from donate.books.months.book_month import BookMonth, month_of_day
from donate.books.months.kept_entries import kept_entries
from donate.books.months.month_journal import closed_journal
from donate.books.months.open_items import OpenKind
from donate.clock import start_of_day
from donate.storage.database import Database
from tests.books.months.month_world import RULES, close, draft
from tests.books.recorded.charity_year import CharityYear

WHY = dict.fromkeys((kind.value for kind in OpenKind), "The accountant knows")


def close_all(database: Database, until: BookMonth, now: datetime) -> list[BookMonth]:
    """Close each month up to `until`, and check before each that nothing contradicts itself."""
    closed = []
    month = month_of_day(date(2026, 1, 1))
    while month <= until:
        found = draft(database, month, RULES)
        assert found.control.failed == []
        assert OpenKind.UNEXPLAINED not in {item.kind for item in found.items}
        close(database, month, now=now, reasons=WHY)
        closed.append(month)
        month = month.next
    return closed


def test_months_close_one_after_another(database: Database) -> None:
    """Each month closes, the audit finds nothing, and what is kept is what the rules give now."""
    lived = CharityYear(database, date(2026, 1, 2), Random(7))
    lived.live(100, 60)
    for bank in lived.banks.values():
        bank.import_lines()
    last = month_of_day(lived.day).previous
    after = start_of_day(last.next.next.first_day, RULES.time_zone) + timedelta(days=1)
    months = close_all(database, last, after)
    assert len(months) == 3
    with database.reading_snapshot() as session:
        assert list(month_differences(session, RULES.time_zone)) == []
        kept = balances_of(kept_entries(session))
        assert kept == balances_of(closed_journal(session, last, RULES.time_zone))
