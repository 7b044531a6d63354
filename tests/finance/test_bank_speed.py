"""Bank lines by the thousand: imported, matched, shown and accepted, each in a bounded time."""

import re
from functools import partial

import pytest
from fastapi.testclient import TestClient

from donate.bank.reconciliation.renewing import renew_suggestions
from tests.bank.matching.generated_months import Mix
from tests.bank.reconciliation.bank_lines import findings
from tests.finance.finance_site import FinanceSite, csrf
from tests.finance.many_transfers import AFTER_IT, as_csv, big_month, record_month
from tests.finance.statements import plans, selects
from tests.machine_speed import fastest_seconds, processor_seconds

LINES = 2_000
GIFTS = 10_000
HOME = "/finance/statements"
CERTAIN = f"{HOME}/certain"
PAGES = (HOME, f"{HOME}?show=certain", f"{HOME}?show=all", f"{HOME}/lines/1", CERTAIN)


@pytest.fixture
def month(site_on_each: FinanceSite) -> FinanceSite:
    """Return the staff pages with a month of gifts and e-mails whose statement is to come."""
    record_month(site_on_each.database, big_month(LINES, GIFTS, Mix()))
    site_on_each.clock.instant = AFTER_IT
    return site_on_each


def imported(browser: TestClient, statement: bytes) -> float:
    """Import a statement through its pages; return the seconds of the last request."""
    files = {"file": ("accountactivity.csv", statement, "text/csv")}
    answer = browser.post(f"{HOME}/uploaded", data={"csrf": csrf(browser)}, files=files)
    address = answer.headers["location"]
    data = {"csrf": csrf(browser), "new_account_0": "Chequing", "shape": "td"}
    page = browser.post(address, data=data).text
    seen = re.search(r'name="seen" value="([^"]*)"', page)
    assert seen
    data |= {"seen": seen[1], "compared": "yes"}
    seconds, answer = processor_seconds(lambda: browser.post(address, data=data))
    assert answer.headers["location"] == f"{HOME}?done=imported"
    return seconds


@pytest.mark.alone
def test_a_month_is_imported_shown_and_accepted(month: FinanceSite) -> None:
    """A fifth of 10,000 lines and 50,000 gifts takes a fifth of ten seconds, and the pages 100 ms.

    Whoever looks at the certain lines again, or accepts them, waits for no second match.
    """
    browser = month.signed_in()
    assert imported(browser, as_csv(big_month(LINES, GIFTS, Mix()))) < 2
    assert {browser.get(path).status_code for path in PAGES} == {200}
    took = {path: fastest_seconds(partial(browser.get, path)) for path in PAGES}
    assert {path: seconds for path, seconds in took.items() if seconds >= 0.1} == {}
    lines = re.search(r'name="lines" value="([^"]*)"', browser.get(CERTAIN).text)
    assert lines
    data = {"csrf": csrf(browser), "lines": lines[1]}
    seconds, answer = processor_seconds(lambda: browser.post(CERTAIN, data=data))
    assert answer.headers["location"].endswith("accepted=200&of=200")
    assert seconds < 2
    # The gifts were written without the totals of their days.
    assert [one for one in findings(month.database) if not one.startswith("total of")] == []


@pytest.mark.alone
def test_nothing_new_is_not_matched_again(month: FinanceSite) -> None:
    """A second match reads a few numbers; one gift that is paid meanwhile makes it start again."""
    browser = month.signed_in()
    imported(browser, as_csv(big_month(LINES, GIFTS, Mix())))
    with selects() as again:
        renew_suggestions(month.database, ["LWCAN"], now=AFTER_IT)
    assert len(again) < 10
    assert not any("SCAN gift_fact" in plan for plan in plans(month.database, again))
    month.gift("another")
    with selects() as renewed:
        renew_suggestions(month.database, ["LWCAN"], now=AFTER_IT)
    assert len(renewed) > 10
