"""A month end in the browser, on both databases: from the statements to the accountant's pack."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from donate.clock import SystemClock, local_date
from tests.browser import month_steps, steps
from tests.browser.conftest import Demo, OpenPage, browsing, running_demo
from tests.browser.month_steps import PretendBank, end_of_month_before
from tests.finance.spreadsheets import read_csv
from tests.real_parts import Postgres

LAST = end_of_month_before(local_date(SystemClock().now(), "America/Toronto"))


@pytest.fixture(params=["sqlite", "postgresql"])
def own_demo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Demo]:
    """Start a demo of its own, because open bank lines of other tests would be in the way."""
    url = ""
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.empty_url()
    with running_demo(tmp_path, url) as demo:
        yield demo


@pytest.fixture
def open_desk(chromium: Browser, own_demo: Demo) -> Iterator[OpenPage]:
    with browsing(chromium, own_demo) as open_new_page:
        yield open_new_page


def test_a_month_end(open_desk: OpenPage, own_demo: Demo) -> None:
    """A clerk explains every bank line and closes the months; pack, sheet and bank agree."""
    bank, desk = PretendBank(own_demo), open_desk(viewport={"width": 1280, "height": 900})
    bank.book("nsf", -500, LAST - timedelta(days=3))
    bank.book("other", 1_234, LAST - timedelta(days=2))
    steps.sign_in(desk, own_demo)
    month_steps.import_three_shapes(desk, bank, LAST)
    month_steps.drop_mails(desk, bank.mails(LAST.replace(day=1)))
    taken = min(line["amount"] for line in bank.lines(LAST) if line["kind"] == "payout")
    assert taken < 0  # Stripe took a refund back from the account, less the gifts of that week
    month_steps.accept_first_suggestion(desk, f"-${-taken / 100:,.2f}")
    month_steps.accept_first_suggestion(desk, "STRIPE")
    assert month_steps.accept_certain_lines(desk) > 20
    month_steps.accept_likely_lines(desk)
    month_steps.solve_odd_lines(desk)
    month_steps.accept_equal_payouts(desk)
    desk.goto("/finance/statements")
    expect(desk.locator(".bank-lines")).to_have_count(0)

    assert month_steps.close_months(desk, LAST)[-1] == f"{LAST:%Y-%m}"
    pack = month_steps.download_pack(desk, LAST)
    totals = month_steps.control_totals(pack)
    assert all(check["agrees"] for check in totals["checks"])
    balances = {
        row["title"].partition(" ")[2]: round(Decimal(row["amount"]) * 100)
        for row in totals["figures"]["balances"]
    }
    sheet = month_steps.sheet_amounts(desk, LAST)
    at_bank = sum(line["amount"] for line in bank.lines(LAST))
    assert sheet["At the bank"] == balances["Chequing"] == at_bank
    # The pack leaves out accounts whose balance is zero.
    assert sheet["At Stripe"] == balances.get("Stripe clearing", 0)
    assert sheet["On its way to the bank"] == balances.get("Stripe payouts in transit", 0)
    assert read_csv(pack.read("unmatched-lines.csv")) == []
    in_pack = {round(Decimal(row["amount"]) * 100) for row in read_csv(pack.read("payouts.csv"))}
    assert taken in in_pack
