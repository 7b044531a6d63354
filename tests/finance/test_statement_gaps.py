"""Staff see which statements are missing, and confirm that an account had no transactions."""

import pytest

from donate.books.months.open_items import Hurdle, OpenKind
from donate.finance.roles import Role
from donate.storage.database import Database
from tests.books.months.month_world import draft, record_lines
from tests.finance.finance_site import FinanceSite, csrf

PAGE = "/finance/statements"
GAP = {"account": "1", "first": "2026-03-04", "last": "2026-03-15"}


def two_files(database: Database) -> None:
    """Import lines of 2 and 3 March, and of 16 and 17 March."""
    record_lines(database, [(2, 500, "A", None), (3, 500, "B", None)])
    record_lines(database, [(16, 500, "C", None), (17, 500, "D", None)])


def test_staff_see_a_gap_and_confirm_it(site_on_each: FinanceSite) -> None:
    """The page names the account and the days; after a click the notice is gone."""
    site, browser = site_on_each, site_on_each.signed_in()
    two_files(site.database)
    page = browser.get(PAGE).text
    assert "No file of “Chequing” covers March 4, 2026 to March 15, 2026." in page
    data = {"csrf": csrf(browser)} | GAP
    answer = browser.post(f"{PAGE}/quiet-days", data=data)
    assert answer.headers["location"] == f"{PAGE}?done=quiet"
    assert "No file of" not in browser.get(PAGE).text
    assert site.acts()[-1].act == "bank_quiet_days"
    assert "Chequing: 2026-03-04 – 2026-03-15" in browser.get("/finance/activity").text
    again = browser.post(f"{PAGE}/quiet-days", data=data)
    assert again.status_code == 409
    assert "covered by a file or confirmed meanwhile" in again.text


@pytest.mark.parametrize("field", ["account", "first", "last"])
def test_an_incomplete_form_confirms_nothing(site: FinanceSite, field: str) -> None:
    """Days that are no days, or an account that is none, get a clear sentence."""
    two_files(site.database)
    browser = site.signed_in()
    data = {"csrf": csrf(browser)} | GAP | {field: "x"}
    page = browser.post(f"{PAGE}/quiet-days", data=data)
    assert page.status_code == 422
    assert "This form is incomplete." in page.text
    assert "aria-invalid" not in page.text
    assert "No file of" in browser.get(PAGE).text


def test_a_viewer_sees_the_gap_only(site: FinanceSite) -> None:
    """Only finance staff confirm."""
    two_files(site.database)
    browser = site.signed_in(Role.VIEWER)
    page = browser.get(PAGE).text
    assert "No file of" in page
    assert "There were no transactions" not in page
    data = {"csrf": csrf(browser)} | GAP
    assert browser.post(f"{PAGE}/quiet-days", data=data).status_code == 403


def test_a_missing_statement_is_an_open_item_of_its_month(database: Database) -> None:
    """The month names the account and the days, and asks for a reason."""
    two_files(database)
    found = {item.kind: item for item in draft(database).items}
    item = found[OpenKind.STATEMENT_MISSING]
    assert item.names == ("Chequing (2026-03-04 – 2026-03-15)",)
    assert item.kind.hurdle is Hurdle.NEEDS_REASON
