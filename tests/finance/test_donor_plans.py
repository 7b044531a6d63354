"""The staff pages about donors find rows by indexes; none reads a whole table."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event as hook

from tests.finance.finance_site import FinanceSite, put_gift

# These tables grow with donors and gifts.
LARGE = (
    *("gift", "gift_movement", "gift_fact", "letter", "donor"),
    *("donor_profile", "donor_name_word", "donor_note", "donor_edit", "donor_merge"),
)
WHOLE = re.compile(rf"SCAN ({'|'.join(LARGE)})\b(?!.*USING)|Seq Scan on ({'|'.join(LARGE)})\b")


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """Yield a list that gets each SELECT and UPDATE that runs, with its parameters."""
    found: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith(("SELECT", "UPDATE")):
            found.append((statement, parameters))

    hook.listen(Connection, "before_cursor_execute", note)
    try:
        yield found
    finally:
        hook.remove(Connection, "before_cursor_execute", note)


def plans(site: FinanceSite, found: list[tuple[str, Any]]) -> list[str]:
    on_sqlite = site.database.is_sqlite
    explain = "EXPLAIN QUERY PLAN" if on_sqlite else "EXPLAIN"
    texts = []
    with site.database.reading() as session:
        connection = session.connection()
        if not on_sqlite:
            # Without this, PostgreSQL reads a small table as a whole instead of using an index.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, parameters in found:
            steps = connection.exec_driver_sql(f"{explain} {statement}", parameters)
            texts.append("\n".join(str(row[-1]) for row in steps))
    return texts


@pytest.mark.parametrize(
    ("path", "indexes"),
    [
        pytest.param("", ["gift_received_by_profile"], id="list"),
        pytest.param("?before=9", ["gift_received_by_profile"], id="later page"),
        pytest.param("?q=maya@", ["donor_profile_email"], id="search by address"),
        pytest.param("?q=maya trem", ["donor_name_word"], id="search by name"),
        pytest.param(
            "/1",
            [
                *("gift_by_profile", "gift_received_by_profile", "gift_pledges_by_profile"),
                *("gift_movement_by_profile", "donor_profile_merged", "donor_merge_into"),
            ],
            id="donor",
        ),
        pytest.param(
            "/1?after=1773154800000000~018f0000000070008000000000000000",
            ["gift_by_profile"],
            id="older gifts",
        ),
        pytest.param("/1/merge?q=maya", ["donor_name_word"], id="merge"),
    ],
)
def test_donor_pages_use_indexes(site_on_each: FinanceSite, path: str, indexes: list[str]) -> None:
    """Each query of each page uses an index, and the gifts of a donor are not sorted."""
    site = site_on_each
    with site.database.writing() as session:
        put_gift(session, "a", now=site.clock.now(), received_minor=5_000)
    browser = site.signed_in()
    with statements() as found:
        assert browser.get(f"/finance/donors{path}").status_code == 200
    texts = plans(site, found)
    assert [text for text in texts if WHOLE.search(text)] == []
    everything = "\n".join(texts)
    assert [name for name in indexes if name not in everything] == []


def test_a_merge_uses_indexes(site_on_each: FinanceSite) -> None:
    """Merging two donors and undoing the merge finds profiles by index, and touches no gift."""
    site = site_on_each
    with site.database.writing() as session:
        put_gift(session, "a", now=site.clock.now())
    with site.database.writing() as session:
        session.connection().exec_driver_sql(
            "INSERT INTO donor_profile (email, email_key, name, kind, first_name, initial, "
            "language, street, city, province, postal_code, country, version, created_at) "
            "SELECT 'b', 'b', name, kind, '', '', language, '', '', '', '', country, 1, created_at "
            "FROM donor_profile"
        )
    browser = site.signed_in()
    csrf = re.findall(r'name="csrf" value="([^"]+)"', browser.get("/finance/donors").text)[0]
    with statements() as found:
        form = {"csrf": csrf, "version": "1", "other": "2.1", "why": "Same person"}
        assert browser.post("/finance/donors/1/merged", data=form).status_code == 303
        form = {"csrf": csrf, "merge": "1"}
        assert browser.post("/finance/donors/1/merge-undone", data=form).status_code == 303
    about = [one for one in found if "donor_" in one[0]]
    assert len(about) >= 8
    assert [text for text, _ in about if re.search(r"\b(FROM|UPDATE) gift", text)] == []
    assert [text for text in plans(site, about) if WHOLE.search(text)] == []
