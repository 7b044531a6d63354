"""Searching uses indexes, however many gifts there are."""

import re
from typing import Any

from sqlalchemy import event as hook
from sqlalchemy.engine import Connection

from donate.gifts.facts import FactKind
from tests.finance.finance_site import FinanceSite
from tests.finance.overview_site import add_fact
from tests.finance.search_results import found

SEARCHED = r"FROM (search_|gift|donor|stripe_event|\(SELECT search_)"
WHOLE = re.compile(
    r"^SCAN (?!anon|\(?subquery|search_words VIRTUAL TABLE INDEX)|Seq Scan", re.MULTILINE
)


def test_a_search_goes_through_no_table(site_on_each: FinanceSite) -> None:
    """Each query of a search uses an index, and SQLite's full-text search sorts nothing."""
    site = site_on_each
    gift = site.gift(name="Ann Lee")
    add_fact(site, gift, FactKind.TRANSFER_RECEIVED, "ANN1#0", 5_000, note="ann")
    other = site.gift("b", name="Ann", mode="card", received_minor=5_000)
    statements: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if re.search(SEARCHED, statement):
            statements.append((statement, parameters))

    browser = site.signed_in()
    hook.listen(Connection, "before_cursor_execute", note)
    try:
        pages = [
            browser.get("/finance/search", params={"q": q}) for q in ("ann", "50", "pi_", "a.b")
        ]
    finally:
        hook.remove(Connection, "before_cursor_execute", note)
    assert set(found(pages[0])) == {"name", "bank", "note"}
    assert set(found(pages[1])["amount"]) == {other.reference, gift.reference}
    statements = [one for one in statements if "notice" not in one[0]]
    assert len(statements) > 20
    plans = explain(site, [one for one in statements if "search_" in one[0] or "donor" in one[0]])
    assert [plan for plan in plans if WHOLE.search(plan)] == []
    of_facts = explain(site, [one for one in statements if "gift_fact.gift_id IN" in one[0]])
    # SQLite chooses this index only because the index has the kind of the fact as well.
    assert ["gift_fact_of_gift" in plan for plan in of_facts] == [True] * len(of_facts)
    assert of_facts
    if site.database.is_sqlite:
        of_words = [plan for plan in plans if "VIRTUAL TABLE" in plan]
        assert of_words
        assert not any("ORDER BY" in plan for plan in of_words)
    else:
        assert any("search_document_words" in plan for plan in plans)


def explain(site: FinanceSite, statements: list[tuple[str, Any]]) -> list[str]:
    """Return the plan of each statement."""
    plans = []
    with site.database.reading() as session:
        connection = session.connection()
        if not site.database.is_sqlite:
            # Without this, PostgreSQL reads a small table as a whole instead of using an index.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, parameters in statements:
            word = "EXPLAIN QUERY PLAN" if site.database.is_sqlite else "EXPLAIN"
            plan = connection.exec_driver_sql(f"{word} {statement}", parameters)
            plans.append("\n".join(str(row[-1]) for row in plan))
    return plans
