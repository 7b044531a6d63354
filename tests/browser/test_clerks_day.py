"""A day of a finance clerk in the browser, on both databases."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, Page, expect

from donate.clock import SystemClock, local_date
from tests.browser import clerk
from tests.browser.conftest import Demo, OpenPage, browsing

on_both_databases = pytest.mark.parametrize(
    "open_desk", ["the_demo", "the_demo_on_postgresql"], ids=["sqlite", "postgresql"], indirect=True
)


@pytest.fixture
def open_desk(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[tuple[OpenPage, Demo]]:
    demo: Demo = request.getfixturevalue(request.param)
    with browsing(chromium, demo) as open_new_page:
        yield open_new_page, demo


@on_both_databases
def test_a_clerks_day(open_desk: tuple[OpenPage, Demo]) -> None:
    """A clerk signs in with a code, merges donors, closes a batch, ends a gift, and reconciles."""
    open_page, demo = open_desk
    desk = open_page(viewport={"width": 1280, "height": 900})
    admin = donor = open_page()
    once = clerk.give_as(donor, "Zoë Lachance", "zoe@example.org")
    monthly = clerk.give_as(donor, "Zoe Lachance", "zoe.lachance@example.org", monthly=True)

    clerk.invite_clerk(admin, desk, demo, "clara@example.org")
    clerk.enter_password(desk, "clara@example.org")
    desk.wait_for_url("**/finance")
    code = clerk.confirm_second_factor(desk, clerk.begin_second_factor(desk))
    clerk.sign_in_with_code(desk, "clara@example.org", code)
    expect(desk.locator("h1")).to_have_text("Overview")

    clerk.search(desk, "lachan")
    expect(desk.locator("mark").first).to_have_text("Lachan")
    clerk.open_donor_of(desk, once)
    correct_a_double_donor(desk, once, monthly)
    enter_five_cheques(desk)
    clerk.end_monthly_gift(desk, monthly, "She called and asked us to end it.")

    reconcile_last_month(desk, "Last month")


@on_both_databases
def test_a_short_day_in_french(open_desk: tuple[OpenPage, Demo]) -> None:
    """A clerk who reads French finds a donor, ends a monthly gift, and reconciles last month."""
    open_page, demo = open_desk
    desk = open_page(viewport={"width": 1280, "height": 900})
    admin = donor = open_page()
    monthly = clerk.give_as(donor, "Zoé Beaulieu", "beaulieu@example.org", monthly=True)
    clerk.invite_clerk(admin, desk, demo, "achille@example.org")
    clerk.enter_password(desk, "achille@example.org", language="fr-CA")
    desk.wait_for_url("**/finance")
    expect(desk.locator("html")).to_have_attribute("lang", "fr-CA")
    clerk.search(desk, "beaul")
    expect(desk.locator("[role=status]")).to_contain_text("trouvés")
    clerk.open_donor_of(desk, monthly)
    assert clerk.references_of(desk) == {monthly}
    clerk.end_monthly_gift(desk, monthly, "Elle a téléphoné.")
    expect(desk.locator(".gift-head .status")).to_have_text("Terminé")
    reconcile_last_month(desk, "Mois dernier")


def correct_a_double_donor(desk: Page, once: str, monthly: str) -> None:
    """Merge the donor's other profile, undo that, and merge again; gifts are listed together."""
    assert clerk.references_of(desk) == {once}
    clerk.merge_with(desk, "zoe.lachance@", "She told us on the phone.")
    assert clerk.references_of(desk) == {once, monthly}
    desk.get_by_role("button", name="Undo this merge").click()
    expect(desk.get_by_text("Undone", exact=True)).to_be_visible()
    assert clerk.references_of(desk) == {once}
    clerk.merge_with(desk, "zoe.lachance@", "It is her after all.")
    assert clerk.references_of(desk) == {once, monthly}


def enter_five_cheques(desk: Page) -> None:
    """Enter five cheques of 500 dollars; a wrong amount keeps the batch open until corrected."""
    clerk.start_batch(desk, "Sunday offering", 5, "500")
    clerk.enter_cheque(desk, "100", "101", donor="zoe@example.org")
    for number, amount in enumerate(("50", "150", "75", "152"), start=102):
        clerk.enter_cheque(desk, amount, str(number))
    desk.locator("form.close-batch button").click()
    expect(desk.locator("[role=alert]")).to_be_visible()
    row = desk.locator("tbody tr", has_text="105")
    row.get_by_role("button", name="Remove or change").click()
    expect(desk.locator("#amount")).to_have_value("152.00")
    expect(desk.locator("#cheque_number")).to_have_value("105")
    clerk.save_entry(desk, "125")
    desk.locator("form.close-batch button").click()
    desk.wait_for_url("**done=closed")
    assert len(clerk.references_of(desk)) == 5


def reconcile_last_month(desk: Page, label: str) -> None:
    """Compare the CSV of last month's movements with its control totals and with two pages."""
    desk.goto("/finance/gifts")
    desk.locator(".views .chip", has_text=label).click()
    desk.wait_for_url("**from=**")
    sums_of_gifts = clerk.numbers_in(desk, ".totals dd")
    gifts, _ = clerk.read_exports(desk)
    desk.goto("/finance/movements")
    desk.locator(".filter-actions .chip", has_text=label).click()
    desk.wait_for_url("**from=**")
    rows, control = clerk.read_exports(desk)
    sums = clerk.added_up(rows)
    last = local_date(SystemClock().now(), "America/Toronto").replace(day=1) - timedelta(days=1)
    assert {row["day"][:7] for row in rows} == {f"{last:%Y-%m}"}
    assert control["complete"] is True
    assert control["agrees_with_day_totals"] is True
    assert control["rows"] == len(rows)
    assert {key: Decimal(one["amount"]) for key, one in control["sums"].items()} == sums
    amounts = [Decimal(row["amount"]) for row in rows]
    money_in = sum(amount for amount in amounts if amount > 0)
    money_out = sum(amount for amount in amounts if amount < 0)
    count, *on_the_page = clerk.numbers_in(desk, ".totals dd")
    assert count == len(rows)
    assert [abs(each) for each in on_the_page] == [money_in, -money_out, abs(sums["CAD"])]
    assert sums_of_gifts == on_the_page
    references = {row["gift_reference"] for row in gifts}
    assert references == {row["gift_reference"] for row in rows}
