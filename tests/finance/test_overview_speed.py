"""How little the overview reads, and how fast it is."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event as hook
from sqlalchemy.engine import Connection

from donate.gifts.movements.models import DayTotal
from donate.storage.bulk_writes import table_of
from tests.finance.finance_site import NOW, FinanceSite
from tests.finance.overview_site import dispute, open_pledge
from tests.machine_speed import fastest_seconds


@contextmanager
def selects() -> Iterator[list[tuple[str, Any]]]:
    """Yield a list that gets each SELECT that runs, with its parameters."""
    found: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith("SELECT"):
            found.append((statement, parameters))

    hook.listen(Connection, "before_cursor_execute", note)
    try:
        yield found
    finally:
        hook.remove(Connection, "before_cursor_execute", note)


def test_the_overview_goes_through_no_table(site_on_each: FinanceSite) -> None:
    """Each query uses an index, and money is summed from the totals of days."""
    site = site_on_each
    dispute(site, "d", NOW + timedelta(days=3))
    open_pledge(site)
    browser = site.signed_in()
    browser.get("/finance")  # after this answer, the books are read; the next visitor sees them
    with selects() as statements:
        assert browser.get("/finance").status_code == 200
    about = ("day_total", "gift", "gift_fact")
    statements = [one for one in statements if re.search(rf"FROM ({'|'.join(about)})\b", one[0])]
    assert len([one for one in statements if "FROM day_total" in one[0]]) == 8
    on_sqlite = site.database.engine.dialect.name == "sqlite"
    plans = []
    with site.database.reading() as session:
        connection = session.connection()
        if not on_sqlite:
            # Without this, PostgreSQL reads a small table as a whole instead of using an index.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, parameters in statements:
            explain = "EXPLAIN QUERY PLAN" if on_sqlite else "EXPLAIN"
            plan = connection.exec_driver_sql(f"{explain} {statement}", parameters)
            plans.append("\n".join(str(row[-1]) for row in plan))
    whole = re.compile(r"^SCAN (?!\(?subquery|anon)(?!.*INDEX)|Seq Scan", re.MULTILINE)
    assert [plan for plan in plans if whole.search(plan)] == []
    assert sum("day_total_by_day" in plan for plan in plans) == 8


@pytest.mark.alone
def test_many_totals_are_read_fast(site: FinanceSite) -> None:
    """At the end of a year with 48 totals a day, the overview needs little time."""
    days = [date(2026, 12, 31) - timedelta(days=number) for number in range(800)]
    rows = [
        {
            "day": day,
            "subject": subject,
            "kind": kind,
            "currency": "CAD",
            "code": "LWCAN",
            "mode": mode,
            "fund": fund,
            "count": 9,
            "amount_minor": -100 if kind == "refund" else 45_000,
            "is_merged": True,
        }
        for day in days
        for subject, kind in (
            ("movement", "payment"),
            ("movement", "refund"),
            ("gift", "awaited"),
            ("gift", "confirmed"),
        )
        for mode in ("card", "bank_debit", "interac", "giving_code")
        for fund in ("", "roof", "youth")
    ]
    with site.database.writing() as session:
        session.execute(sa.insert(table_of(DayTotal)), rows)
    site.clock.instant = datetime(2026, 12, 31, 12, tzinfo=UTC)
    browser = site.signed_in()
    assert browser.get("/finance").status_code == 200
    assert fastest_seconds(lambda: browser.get("/finance")) < 0.15
