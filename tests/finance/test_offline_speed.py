"""How fast a large batch closes, and how little the pages of offline gifts read."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from donate.gifts.offline.batches import add_draft, close_batch, start_batch
from donate.gifts.offline.rules import EnteredGift
from donate.regions.modes import Mode
from tests.finance.finance_site import NOW, REGIONS, FinanceSite, csrf
from tests.finance.offline_desk import (
    CHEQUE,
    HOME,
    audit,
    enter,
    entered,
    entries,
    gifts,
    new_key,
    start,
)
from tests.finance.statements import plans, selects
from tests.machine_speed import processor_seconds

MANY = 500


def cheque(number: int) -> EnteredGift:
    return entered(
        1_000 + number,
        mode=Mode.CHEQUE,
        donor_name=f"Donor {number}",
        donor_email=f"d{number}@example.com",
        cheque_number=str(number),
        bank_name="First Bank",
    )


@pytest.mark.alone
def test_a_batch_of_500_closes_quickly(site_on_each: FinanceSite) -> None:
    """A batch of 500 cheques of 500 new donors closes in under two seconds."""
    database = site_on_each.database
    total = sum(1_000 + number for number in range(MANY))
    with database.writing() as session:
        expected = {"CAD": (MANY, total)}
        day = date(2026, 3, 8)
        batch, _ = start_batch(session, "Many", day, expected, new_key(), actor="staff:1", now=NOW)
        assert batch.id is not None
        batch_id = batch.id
        for number in range(MANY):
            add_draft(session, batch_id, cheque(number), new_key(), actor="staff:1", now=NOW)

    def close() -> None:
        with database.writing() as session:
            close_batch(session, REGIONS, batch_id, version=MANY + 1, actor="staff:1", now=NOW)

    assert processor_seconds(close)[0] < 2
    assert len(gifts(database)) == MANY
    assert audit(database) == []


# These plans of SQLite are allowed: they read the newest rows by primary key, up to a limit.
ALONG_THE_KEY = r"SCAN offline_entry(?!.*TEMP B-TREE)|MATERIALIZE anon_1\nSCAN donor\nSCAN anon_1"
WHOLE_TABLE = re.compile(r"SCAN (?!\(?subquery|anon)(?!.*INDEX)|Seq Scan")


def whole_tables(site: FinanceSite, statements: Sequence[tuple[str, Any]]) -> list[str]:
    """Return the plans that go through a whole table of gifts, donors, entries or batches."""
    about = r"FROM (gift|gift_fact|donor|donor_name_word|donor_profile|offline_\w+)\b"
    ours = [one for one in statements if re.search(about, one[0])]
    assert ours
    return [
        plan
        for plan in plans(site.database, ours)
        if any(WHOLE_TABLE.match(line) for line in plan.splitlines())
        and not re.match(ALONG_THE_KEY, plan, re.DOTALL)
    ]


@pytest.mark.parametrize("page", ["list", "donors", "batch", "entry"])
def test_each_page_reads_along_indexes(site_on_each: FinanceSite, page: str) -> None:
    """No statement of a page goes through a whole table."""
    browser = site_on_each.signed_in()
    enter(browser, CHEQUE)
    paths = {
        "list": HOME,
        "donors": f"{HOME}/donors?find=maya",
        "batch": start(browser, 1, "20"),
        "entry": f"{HOME}/entries/{entries(site_on_each.database)[0].id}",
    }
    with selects() as statements:
        assert browser.get(paths[page]).status_code == 200
    assert whole_tables(site_on_each, statements) == []


def test_saving_reads_along_indexes(site_on_each: FinanceSite) -> None:
    """Saving a cheque, which searches for an equal cheque, reads no whole table."""
    browser = site_on_each.signed_in()
    enter(browser, CHEQUE)
    data = CHEQUE | {"amount": "151", "form_key": new_key(), "csrf": csrf(browser)}
    with selects() as statements:
        assert browser.post(f"{HOME}/new/saved", data=data).is_redirect
    assert whole_tables(site_on_each, statements) == []
