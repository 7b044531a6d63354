"""The staff page with the list of movements: filters, totals, paging and query plans."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import event as hook, text

from donate.finance.movements.pages import MOVEMENTS_ON_A_PAGE
from donate.finance.movements.words import MOVEMENT_KINDS
from donate.finance.roles import Role
from donate.gifts.models import Gift
from donate.gifts.movements.rules import MovementKind
from donate.storage.database import Database
from tests.finance.finance_site import FinanceSite, open_site
from tests.finance.money_samples import (
    APRIL,
    MARCH,
    TWO_REGIONS,
    add_many_movements,
    give,
    pay,
    sample_money,
)

ROW = re.compile(
    r'<time [^>]+>([\d-]{10})</time>.*?>(LW\w{3}-\w{7})</a>.*?data-label="Kind">([^<]+)<', re.DOTALL
)


@pytest.fixture
def money_site(database: Database) -> FinanceSite:
    return open_site(database, regions=TWO_REGIONS)


@pytest.fixture
def gifts(money_site: FinanceSite) -> dict[str, Gift]:
    return sample_money(money_site.database)


def kinds(page: str) -> list[str]:
    return [f"{day[5:]} {kind}" for day, _, kind in ROW.findall(page)]


def cells_of(rows: str) -> list[str]:
    cells = re.findall(r"<td[^>]*>(.*?)</td>", rows, re.DOTALL)
    return [re.sub("<[^>]+>", "", cell).strip() for cell in cells]


FAILED, REFUND = "04-02 Failed refund returned", "04-02 Refund"
LATE, YEN = "03-31 Refund", "03-13 Payment"
TRANSFER, PAYMENT = "03-11 Transfer", "03-10 Payment"


@pytest.mark.usefixtures("gifts")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [FAILED, REFUND, LATE, YEN, TRANSFER, PAYMENT]),
        ("kind=refund", [REFUND, LATE]),
        ("mode=interac", [TRANSFER]),
        ("code=LWJPN", [YEN]),
        ("currency=JPY", [YEN]),
        ("fund=roof", [TRANSFER]),
        ("fund=-&currency=CAD", [FAILED, REFUND, LATE, PAYMENT]),
        # 03:30 on April 1 in UTC is still March 31 in Toronto.
        ("from=2026-03-12&to=2026-03-31", [LATE, YEN]),
        ("kind=dispute", []),
    ],
)
def test_a_filter_narrows_the_movements(
    money_site: FinanceSite, query: str, expected: list[str]
) -> None:
    """Each filter narrows the list of movements, and days are days in the gift's region."""
    page = money_site.signed_in(Role.VIEWER).get(f"/finance/movements?{query}")
    assert page.status_code == 200
    assert sorted(kinds(page.text)) == sorted(expected)
    days = [row[:5] for row in kinds(page.text)]
    assert days == sorted(days, reverse=True)
    assert ("No movements match these filters." in page.text) == (not expected)


def test_each_row_shows_its_gift(money_site: FinanceSite, gifts: dict[str, Gift]) -> None:
    """A row shows the gift's reference, donor, method, fund and code, and the amount in or out."""
    browser = money_site.signed_in()
    row = browser.get("/finance/movements?mode=interac").text.partition("<tbody>")[2]
    reference = gifts["roof"].reference
    assert cells_of(row) == [
        *("2026-03-11", reference, "Maya Tremblay", "Transfer", "Interac e-Transfer"),
        *("Roof", "LWCAN", "$123.45", ""),
    ]
    assert f'href="/finance/gifts/{gifts["roof"].id}"' in row
    row = browser.get("/finance/movements?kind=refund&to=2026-03-31").text.partition("<tbody>")[2]
    assert cells_of(row)[-2:] == ["", "$20.00"]


@pytest.mark.usefixtures("gifts")
def test_the_totals_are_of_everything_that_matches(money_site: FinanceSite) -> None:
    """For each currency, the page shows the number of movements, the money in and out, and net."""
    browser = money_site.signed_in()
    page = browser.get("/finance/movements").text
    amounts = re.findall(r"<dd>([^<]+)</dd>", page)
    assert amounts[:4] == ["5", "$183.45", "$30.00", "$153.45"]
    assert amounts[4:] == ["1", "JP¥7,000", "JP¥0", "JP¥7,000"]
    page = browser.get("/finance/movements?to=2026-03-31&mode=card&currency=CAD").text
    assert re.findall(r"<dd>([^<]+)</dd>", page) == ["2", "$50.00", "$20.00", "$30.00"]


def test_links_lead_to_this_month_and_last_month(site: FinanceSite) -> None:
    """The page has links to this month and last month, which keep the other filters."""
    page = site.signed_in().get("/finance/movements?mode=card&from=2026-01-01").text
    assert "/finance/movements?mode=card&amp;from=2026-03-01&amp;to=2026-03-10" in page
    assert "/finance/movements?mode=card&amp;from=2026-02-01&amp;to=2026-02-28" in page


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("kind=zz", "“zz” isn’t in the list."),
        ("mode=paypal", "“paypal” isn’t in the list."),
        ("code=lwcan", "“lwcan” isn’t in the list. Did you mean “LWCAN”?"),
        ("fund=gold", "“gold” isn’t in the list."),
        ("currency=cad", "“cad” isn’t in the list. Did you mean “CAD”?"),
        ("from=yesterday", "Please enter a date such as 2026-03-31."),
        ("to=2026-02-30", "Please enter a date such as 2026-03-31."),
        ("from=2026-03-02&to=2026-03-01", "This is before the first date."),
        ("after=yesterday", "This link is incomplete."),
        ("after=2026-02-30.1", "This link is incomplete."),
        ("before=2026-02-01.99999999999999999999", "This link is incomplete."),
        ("kind=%3Cscript%3E" + "a" * 5_000, "isn’t in the list."),
    ],
)
def test_an_invalid_filter_of_movements_is_refused(
    site: FinanceSite, query: str, sentence: str
) -> None:
    """An invalid filter value gets a message at its field, and no movements are listed."""
    site.gift(received_minor=5_000)
    page = site.signed_in().get(f"/finance/movements?{query}")
    assert page.status_code == 422
    assert sentence in page.text
    assert kinds(page.text) == []
    assert "<script>" not in page.text


def test_an_empty_service_has_no_movements(site: FinanceSite) -> None:
    """Without any movement the page says so, and has no links to other pages."""
    page = site.signed_in().get("/finance/movements").text
    assert "No money has moved yet." in page
    assert 'aria-label="Pages"' not in page


def follow(page: str, direction: str) -> str | None:
    link = re.search(rf'rel="{direction}" href="([^"]+)"', page)
    return link[1].replace("&amp;", "&") if link else None


def test_paging_goes_forwards_and_back(money_site: FinanceSite) -> None:
    """Paging to the end and back shows each movement once per direction, even if one is added."""
    site, count = money_site, 2 * MOVEMENTS_ON_A_PAGE + 7
    for i in range(count):
        gift = give(site.database, f"g{i}", mode="card" if i % 3 else "bank_debit")
        pay(site.database, gift, MARCH - timedelta(days=i // 40))
    meanwhile = give(site.database, "meanwhile")
    browser = site.signed_in()
    pages = [browser.get("/finance/movements?mode=card").text]
    while link := follow(pages[-1], "next"):
        assert "mode=card" in link
        pages.append(browser.get(link).text)
        if len(pages) == 2:
            pay(site.database, meanwhile, APRIL)
    forwards = [reference for page in pages for _, reference, _ in ROW.findall(page)]
    assert len(forwards) == len(set(forwards)) == count - len(range(0, count, 3))
    back = [pages[-1]]
    while link := follow(back[-1], "prev"):
        back.append(browser.get(link).text)
    references = [[r for _, r, _ in ROW.findall(page)] for page in back]
    everything = [meanwhile.reference, *forwards]
    for page in references:
        start = everything.index(page[0])
        assert page == everything[start : start + len(page)]
    assert {r for page in references for r in page} == set(everything)
    # This is the first page, which now begins with the movement that was added.
    assert references[-1] == everything[:MOVEMENTS_ON_A_PAGE]
    assert len(back) > 2


def test_movements_are_read_along_their_index(money_site: FinanceSite) -> None:
    """No statement of the page reads or sorts all movements, and sums come from day totals."""
    database = money_site.database
    sample_money(database)
    add_many_movements(database, give(database, "many"), 5_000)
    statements: dict[str, object] = {}

    def note(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        statements[statement] = parameters

    browser = money_site.signed_in()
    with database.writing() as session:
        session.execute(text("ANALYZE"))
    hook.listen(database.engine, "before_cursor_execute", note)
    for query in ("", "?mode=interac&kind=transfer", "?after=2026-03-31.3", "?before=2026-03-11.1"):
        browser.get(f"/finance/movements{query}")
    hook.remove(database.engine, "before_cursor_execute", note)
    listing = {s: p for s, p in statements.items() if "FROM gift_movement" in s}
    assert len(listing) >= 4
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    for statement, parameters in listing.items():
        with database.reading() as session:
            plan = session.connection().exec_driver_sql(
                f"{explain} {statement}",
                parameters,  # type: ignore[arg-type]
            )
            steps = "\n".join(str(row[-1]) for row in plan)
        assert "gift_movement_by_day" in steps, steps
        assert "SCAN gift_movement" not in steps, steps
        assert "Seq Scan on gift_movement" not in steps, steps
        assert "TEMP B-TREE" not in steps, steps
    sums = [s for s in statements if "sum(" in s.lower()]
    assert sums
    assert all("day_total" in s for s in sums)


def test_staff_read_every_kind_of_movement_in_words() -> None:
    """Every kind of movement has words in which staff read it."""
    assert set(MOVEMENT_KINDS) == set(MovementKind)
