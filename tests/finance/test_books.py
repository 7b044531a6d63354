"""The page of the books: each column, each difference with its links, and what is not known yet."""

import html
import re
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
import sqlalchemy as sa

from donate.errors import DatabaseBusy
from donate.finance.models import Staff
from donate.finance.roles import Role
from tests.bank.reconciliation.bank_lines import bank_line
from tests.books.recorded.charity_year import CharityYear
from tests.finance.finance_site import FinanceSite
from tests.finance.payout_pages import rows_of, text_of
from tests.stripe_gateway.balance.payouts import of_payout, payout, record

BOOKS = "/finance/books"
GREEN = "0 unexplained: each difference has a name."
FIRST = date(2026, 3, 1)


def lived(site: FinanceSite) -> CharityYear:
    """Let everything that can happen happen on the first of March, and live for three days."""
    year = CharityYear(site.database, FIRST, Random(3))
    year.everything_happens()
    year.first_day = FIRST + timedelta(1)
    year.live(3, gifts=2)
    return year


def test_an_empty_database_says_so(site: FinanceSite) -> None:
    """Where nothing was recorded, the page says so, and no column is zero or unexplained."""
    page = site.signed_in(Role.VIEWER).get(BOOKS)
    assert page.status_code == 200
    assert "Nothing was recorded until this day." in page.text
    assert "unexplained" not in page.text


def test_a_conversion_says_what_became_of_it(site: FinanceSite) -> None:
    """Both sheets list the conversion with its rate, and no bank account in the gift's currency."""
    year = CharityYear(site.database, FIRST, Random(3))
    year.happen("converted", "USD", 5_000)
    year.live(4, gifts=0)
    sold, bought = text_of(site.signed_in().get(f"{BOOKS}?day=2026-03-04").text).split(
        "USD at the end"
    )[::-1]
    for sheet in (sold, bought):
        assert GREEN in sheet
        assert "Converted by Stripe, from or into another currency." in sheet
        assert "US$50.00 became $68.00, at Stripe’s rate of 1.36" in sheet
    assert "No bank statement in CAD" in bought
    assert "No bank statement in USD" not in sold


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("yesterday", "Please enter a date such as 2026-03-31."),
        ("2026-02-30", "Please enter a date such as 2026-03-31."),
        ("0026-03-01", "Please enter a date such as 2026-03-31."),
        ("2026-03-11", "This day has not come yet."),
        ("2999-12-31", "This day has not come yet."),
        ("<b>" * 40, "Please enter a date such as 2026-03-31."),
    ],
)
def test_a_day_that_is_none_is_refused(site: FinanceSite, typed: str, sentence: str) -> None:
    """A text that is no day, or a day to come, is answered with 422 and a sentence."""
    page = site.signed_in().get(BOOKS, params={"day": typed})
    assert page.status_code == 422
    assert sentence in page.text
    assert "<b>" not in page.text


def test_the_days_lead_to_each_other(site: FinanceSite) -> None:
    """The page leads to the day before and after, but to no day that it would refuse."""
    browser = site.signed_in()
    today = browser.get(BOOKS).text
    assert f'href="{BOOKS}?day=2026-03-09"' in today
    assert 'rel="next"' not in today
    before = browser.get(f"{BOOKS}?day=2026-03-09").text
    assert f'rel="next" href="{BOOKS}?day=2026-03-10"' in before
    assert 'rel="prev"' not in browser.get(f"{BOOKS}?day=1900-01-01").text


def test_every_link_leads_to_a_page(site: FinanceSite) -> None:
    """Each difference has its name, and each of its links opens."""
    lived(site)
    browser = site.signed_in()
    page = browser.get(BOOKS).text
    assert page.count(GREEN) == 2
    for sentence in (
        "Recorded, but not in Stripe’s balance yet.",
        "In Stripe’s balance, but not recorded for a gift.",
        "Stripe calls this “moon_fee (lunar)”.",
        "Nobody has matched this money to a gift yet.",
        "Held by the donors’ banks until the disputes end.",
    ):
        assert sentence in html.unescape(page), sentence
    main = page.partition("<main")[2]
    links = {html.unescape(link) for link in re.findall(r'href="(/finance/[^"#]+)', main)}
    for kind in ("gifts/", "gifts?", "statements/lines/", "payouts/po_", "movements?"):
        assert any(link.startswith(f"/finance/{kind}") for link in links), kind
    # No region has dollars of the United States here, so the lists have no such filter.
    for link in (one for one in links if "USD" not in one):
        assert browser.get(link).status_code == 200, link


def test_the_statement_adds_up(site: FinanceSite) -> None:
    """From chosen to confirmed, and from there to the places, the rows add up to the cent."""
    lived(site)
    page = site.signed_in().get(f"{BOOKS}?day=2026-03-03").text
    for section in page.split("<section")[1:]:
        rows = rows_of(f"<section{section}", "From chosen to the bank")
        amounts = [(row[0], _cents(row[-1])) for row in rows]
        totals = [place for place, row in enumerate(rows) if len(row[0]) < 40 and "." not in row[0]]
        assert len(totals) == 3
        first, second, last = totals
        assert sum(amount for _, amount in amounts[first:second]) == amounts[second][1]
        assert sum(amount for _, amount in amounts[second:last]) == amounts[last][1]


def _cents(text: str) -> int:
    sign = -1 if text.strip()[0] in "-−" else 1
    return sign * int(re.sub(r"[^0-9]", "", text))


def test_what_is_unexplained_is_red(site: FinanceSite) -> None:
    """If a stored total is wrong, the page says how much, in which row, and what to do."""
    lived(site)
    with site.database.writing() as session:
        session.execute(
            sa.text("UPDATE day_total SET amount_minor = amount_minor + 1 WHERE id = 1")
        )
    page = site.signed_in().get(BOOKS).text
    assert "$0.01 is unexplained. Run `donate audit`" in text_of(page)
    assert '<strong class="flag">$0.01</strong>' in page
    assert page.count(GREEN) == 1


def test_what_is_not_known_is_said(site: FinanceSite) -> None:
    """Without Stripe's balance and statements, columns are not known, and a sentence says why."""
    browser = site.signed_in()
    site.gift("one", mode="card", received_minor=5_000)
    page = text_of(browser.get(BOOKS).text)
    assert "Nothing of Stripe’s balance is known until this day" in page
    assert "No bank statement in CAD was imported until this day" in page
    assert page.count("Not known yet") == 6
    bank_line(site.database, 700)
    page = text_of(browser.get(BOOKS).text)
    assert "The statements of “Chequing” state no balance" in page
    assert page.count("Not known yet") == 3


def test_statements_that_end_earlier_are_named(site: FinanceSite) -> None:
    """If the last statement ends before the day, the page says until when the bank is known."""
    year = CharityYear(site.database, date(2026, 3, 6), Random(1))
    year.happen("interest", "CAD", 500)
    year.banks["CAD"].import_lines()
    page = text_of(site.signed_in().get(BOOKS).text)
    assert "The statements of “CAD chequing” end on 2026-03-06." in page


def test_half_known_payouts_are_named(site: FinanceSite) -> None:
    """A payout whose transaction is not stored is named, and not called unexplained."""
    site.gift()
    paid = payout(4_825)
    record(site.database, paid)
    page = text_of(site.signed_in().get(BOOKS).text)
    assert f"only a half is known, so they are not compared: {paid['id']}" in page
    assert GREEN in page


@pytest.mark.parametrize("count", [5, 6])
def test_many_payouts_on_their_way_are_folded(site: FinanceSite, count: int) -> None:
    """More than five payouts on their way are folded; the summary has their number and sum."""
    created = int(datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp())
    for number in range(count):
        one = payout(1_000 + number, id=f"po_{number}", created=created)
        paid = one | {"status": "in_transit", "arrival_date": created + 86_400 * 20}
        record(site.database, paid, [of_payout(paid) | {"created": created}])
    page = site.signed_in().get(BOOKS).text
    shown = page[page.index("Payouts and top-ups on their way") :]
    assert shown.count('href="/finance/payouts/po_') == count
    assert ("<details" in shown) is (count == 6)
    assert ("6 payouts and top-ups, together $60.15" in text_of(shown)) is (count == 6)


def test_the_overview_says_what_the_books_say(site: FinanceSite) -> None:
    """The overview shows the last look at today's books, and looks again after a while."""
    site.gift()
    browser = site.signed_in()
    assert "Nobody has compared the books today yet." in browser.get("/finance").text
    page = text_of(browser.get("/finance").text)
    assert GREEN in page
    assert "Compared on Mar 10, 2026, 11:00:00" in page
    with site.database.writing() as session:
        session.execute(sa.text("UPDATE day_total SET amount_minor = amount_minor + 1"))
    assert GREEN in browser.get("/finance").text
    browser.get(BOOKS)
    assert "$0.01 is unexplained in CAD." in text_of(browser.get("/finance").text)
    site.wait(minutes=20)
    browser.get("/finance")
    assert "11:20:00" in browser.get("/finance").text
    browser.get(f"{BOOKS}?day=2026-03-09")
    assert "11:20:00" in browser.get("/finance").text


def test_staff_read_the_books_in_french(site: FinanceSite) -> None:
    """The page is in the reader's language, with its amounts."""
    lived(site)
    browser = site.signed_in()
    with site.database.writing() as session:
        session.execute(sa.update(Staff).values(language="fr-CA"))
    page = text_of(browser.get(BOOKS).text)
    assert "0 inexpliqué : chaque écart a un nom." in page
    assert "Enregistré, mais pas encore dans le solde Stripe." in page


def test_a_busy_database_does_not_break_the_overview(
    site: FinanceSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the books cannot be read now, the overview is shown, and the next visitor looks again."""

    def fail(*_: object, **_values: object) -> None:
        raise DatabaseBusy("every connection is in use")

    browser = site.signed_in()
    with monkeypatch.context() as patch:
        patch.setattr("donate.finance.books.last_look.read_sheets", fail)
        assert "Nobody has compared the books today yet." in browser.get("/finance").text
        assert "Nobody has compared the books today yet." in browser.get("/finance").text
    browser.get("/finance")
    assert GREEN in browser.get("/finance").text
