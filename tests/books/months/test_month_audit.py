"""The audit compares closed months with what was closed, and with what the rules give now."""

from datetime import timedelta

import pytest
from sqlmodel import text

from donate.books.months.audit import month_differences
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.storage.database import Database
from tests.books.months.month_world import (
    APRIL_3,
    IN_APRIL,
    MAY_4,
    ZONE,
    close,
    draft,
    record_march,
)
from tests.finance.money_samples import LATE_IN_MARCH, MARCH, give, move, pay

NO_LINES = {
    "statement": "The bank shows no line in April",
    "not_at_stripe": "Stripe shows the late gift tomorrow",
}


def findings(database: Database) -> list[str]:
    with database.reading_snapshot() as session:
        return list(month_differences(session, ZONE))


def without_triggers(database: Database, table: str, statement: str) -> None:
    """Run a statement after the triggers of its table were dropped."""
    with database.writing() as session:
        if database.is_sqlite:
            for verb in ("UPDATE", "DELETE"):
                session.execute(text(f"DROP TRIGGER {table}_no_{verb}"))
        else:
            session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {table}_append_only"))
        session.execute(text(statement))


def test_nothing_is_found_without_closed_months(database: Database) -> None:
    """Before a month is closed, there is nothing to compare."""
    record_march(database)
    assert findings(database) == []


@pytest.mark.parametrize(
    ("table", "change", "found"),
    [
        ("kept_line", "UPDATE kept_line SET fund = 'x' WHERE fund = ''", "are not those with"),
        ("kept_line", "UPDATE kept_line SET amount_minor = 1 WHERE place = 0", "is damaged"),
        ("kept_line", "DELETE FROM kept_line", "are not those with"),
        ("kept_entry", "UPDATE kept_entry SET description = 'x'", "are not those with"),
        ("closed_month", "UPDATE closed_month SET entry_count = 8", "are not those with"),
        ("closed_month", "UPDATE closed_month SET pack_hash = 'x'", "is not the one with"),
        ("closed_month_pack", "DELETE FROM closed_month_pack", "is not the one with"),
    ],
)
def test_a_change_behind_our_back_is_found(
    database: Database, table: str, change: str, found: str
) -> None:
    """Whoever gets around the triggers and changes a closed month is found."""
    record_march(database)
    close(database)
    assert findings(database) == []
    without_triggers(database, table, change)
    assert any(found in line for line in findings(database)), findings(database)


def test_records_that_changed_without_a_late_fact_are_found(database: Database) -> None:
    """If the totals of a closed day change although nothing was recorded, the audit names it."""
    record_march(database)
    close(database)
    with database.writing() as session:
        session.execute(text("UPDATE day_total SET amount_minor = amount_minor + 1"))
    assert "closed months: C1-DON-2026-03-10-CAD is due, but nothing was recorded late" in findings(
        database
    )


def test_late_facts_are_no_difference(database: Database) -> None:
    """A late gift and a late refund are booked as corrections, and nothing is found at any time."""
    gifts = record_march(database)
    close(database)
    late = give(database, "late")
    move(database, late, FactKind.PAYMENT_SUCCEEDED, "pi_late", 5_000, MARCH)
    with database.writing() as session:  # the fact is of March, and was recorded in April
        session.execute(
            text("UPDATE gift_movement SET recorded_at = :at WHERE source_id = 'pi_late'"),
            {"at": (APRIL_3 + timedelta(days=1)).isoformat(sep=" ")},
        )
    assert findings(database) == []
    close(database, IN_APRIL, now=MAY_4, reasons=NO_LINES)
    assert findings(database) == []
    assert gifts
    pay(database, give(database, "in may"), MAY_4)
    assert findings(database) == []


def test_a_dispute_that_took_no_money_is_no_difference(database: Database) -> None:
    """If Stripe says later that a dispute of March was only an inquiry, its movement is gone."""
    gifts = record_march(database)
    move(database, gifts["card"], FactKind.DISPUTE_OPENED, "dp_1", 1_000, LATE_IN_MARCH)
    close(database, reasons={"not_at_stripe": "Stripe shows it tomorrow"})
    later = APRIL_3 + timedelta(days=1)
    closed = Fact(FactKind.INQUIRY_CLOSED, "dp_1", later, "stripe", None, None)
    with database.writing() as session:
        record_facts(session, [(gifts["card"].id, closed)], now=later)
    assert findings(database) == []
    numbers = [entry.number for entry in draft(database, IN_APRIL).records.entries]
    assert numbers == ["C1-DON-2026-03-31-CAD"]
