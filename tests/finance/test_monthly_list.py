"""The list of monthly gifts: its order, filters, paging, sums, exports, and what it reads."""

import re
from functools import partial

import pytest
from sqlalchemy import event as hook
from sqlalchemy.engine import Connection

from donate.finance.monthly.changes import ChangeOutcome
from donate.finance.monthly.words import OUTCOMES, REQUESTED, STAGE_COLOURS, STAGE_SENTENCES, STAGES
from donate.finance.roles import Role
from donate.gifts.monthly.pledge_copy import PledgeStage
from donate.storage.database import Database
from donate.stripe_gateway.models import PledgeAction
from tests.finance.finance_site import FinanceSite, open_site
from tests.finance.money_samples import TWO_REGIONS
from tests.finance.pledge_desk import words_of
from tests.finance.pledge_samples import (
    fill_with_pledges,
    open_pledge_of,
    sample_pledges,
    tell_pledge,
)
from tests.finance.spreadsheets import read_csv, read_xlsx
from tests.machine_speed import fastest_seconds

DONOR = re.compile(r'<td class="donor">([^<]+)<')


@pytest.fixture
def monthly_site(database: Database) -> FinanceSite:
    return open_site(database, regions=TWO_REGIONS)


ALL = ["past_due", "paused_until", "paused", "ending", "active", "ended", "not_begun"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ALL),
        ("?state=paused", ["paused_until", "paused"]),
        ("?mode=bank_debit", ["ending"]),
        ("?fund=roof", ["active"]),
        ("?fund=-&mode=card", [each for each in ALL if each not in ("ending", "active")]),
        ("?code=LWJPN", []),
        ("?state=unpaid", []),
    ],
)
def test_a_filter_narrows_the_monthly_gifts(
    monthly_site: FinanceSite, query: str, expected: list[str]
) -> None:
    """The list begins with failed gifts, and each state with the newest; each filter narrows it."""
    sample_pledges(monthly_site.database)
    browser = monthly_site.signed_in()
    page = browser.get(f"/finance/monthly{query}")
    assert page.status_code == 200
    assert DONOR.findall(page.text) == expected
    assert ("No monthly gifts match these filters." in page.text) == (not expected)
    rows = read_csv(browser.get(f"/finance/monthly.csv{query}").content)
    assert sorted(row["donor_name"] for row in rows) == sorted(expected)


def test_a_row_says_how_a_gift_stands(monthly_site: FinanceSite) -> None:
    """A row has the donor, state, amount, next date, newest month, method and fund."""
    gifts = sample_pledges(monthly_site.database)
    page = monthly_site.signed_in(Role.VIEWER).get("/finance/monthly").text
    rows = [re.sub("<[^>]+>", " ", row).split() for row in page.split("<tr>")[2:]]
    reference = gifts["past_due"].reference
    assert rows[0][:9] == [
        *(reference, "past_due", "Payment", "failed", "$10.01"),
        *("2026-04-10", "Failed", "2026-04-10", "Card"),
    ]
    assert rows[1][2:8] == ["Paused", "until", "2026-04-10", "$10.03", "2026-04-10", "Confirmed"]
    assert f'href="/finance/monthly/{gifts["past_due"].id}"' in page


def test_the_next_month_is_summed(monthly_site: FinanceSite) -> None:
    """The sum of next month has gifts that run or resume in time; failed ones are shown apart."""
    sample_pledges(monthly_site.database)
    words = words_of(monthly_site.signed_in().get("/finance/monthly"))
    assert "Expected in April 2026" in words
    # These are the gift that runs and the gift whose pause ends in April.
    assert "From 2 monthly gifts $20.03" in words
    assert "Uncertain: 1 last payment failed $10.01" in words
    assert "Not counted: 1 paused $10.02" in words
    only = words_of(monthly_site.signed_in(Role.VIEWER).get("/finance/monthly?fund=roof"))
    assert "From 1 monthly gift $10.00" in only
    assert "Uncertain" not in only


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("state=zz", "“zz” isn’t in the list."),
        ("mode=paypal", "“paypal” isn’t in the list."),
        ("mode=interac", "“interac” isn’t in the list."),
        ("fund=gold", "“gold” isn’t in the list."),
        ("code=lwcan", "“lwcan” isn’t in the list. Did you mean “LWCAN”?"),
        ("after=active.1", "This link is incomplete."),
        ("after=zz.1.00000000000000000000000000000000", "This link is incomplete."),
        ("after=active.99999999999999999.00000000000000000000000000000000", ""),
        ("state=%3Cscript%3E" + "a" * 5_000, "isn’t in the list."),
    ],
)
def test_an_invalid_filter_of_monthly_gifts_is_refused(
    monthly_site: FinanceSite, query: str, sentence: str
) -> None:
    """An invalid filter value gets a message at its field, and no gifts are listed."""
    sample_pledges(monthly_site.database)
    page = monthly_site.signed_in().get(f"/finance/monthly?{query}")
    assert page.status_code == (422 if sentence else 200)
    assert sentence in page.text
    assert "<script>" not in page.text
    assert not sentence or DONOR.findall(page.text) == []


def test_paging_shows_each_gift_once(monthly_site: FinanceSite) -> None:
    """Following the links to the end shows each monthly gift once, also across states."""
    database = monthly_site.database
    sample_pledges(database)
    for number in range(108):
        gift = open_pledge_of(database, f"m{number}", name=f"n{number}")
        tell_pledge(database, gift, status="past_due" if number < 49 else "active")
    browser = monthly_site.signed_in()
    pages = [browser.get("/finance/monthly").text]
    while link := re.search(r'rel="next" href="([^"]+)"', pages[-1]):
        pages.append(browser.get(link[1].replace("&amp;", "&")).text)
    donors = [donor for page in pages for donor in DONOR.findall(page)]
    assert [len(DONOR.findall(page)) for page in pages] == [50, 50, 15]
    assert len(set(donors)) == len(donors) == 115
    assert "First page" in pages[-1]


def test_no_monthly_gifts_yet(monthly_site: FinanceSite) -> None:
    """Without any monthly gift the page says so."""
    page = monthly_site.signed_in().get("/finance/monthly").text
    assert "No monthly gifts yet." in page


def test_the_files_of_monthly_gifts(monthly_site: FinanceSite) -> None:
    """CSV, XLSX and control totals have the same gifts, and agree with the stored totals."""
    sample_pledges(monthly_site.database)
    browser = monthly_site.signed_in()
    rows = {r["donor_name"]: r for r in read_csv(browser.get("/finance/monthly.csv").content)}
    late = {"state": "past_due", "amount": "10.01", "next_on": "2026-04-10"}
    late |= {"last_status": "failed", "last_on": "2026-04-10", "mode": "card", "resumes_on": ""}
    assert late.items() <= rows["past_due"].items()
    assert rows["paused_until"]["resumes_on"] == "2026-04-10"
    sheet = read_xlsx(browser.get("/finance/monthly.xlsx").content)["monthly"]
    assert len(sheet) == len(ALL) + 1
    control = browser.get("/finance/monthly.control.json").json()
    assert (control["rows"], control["agrees_with_day_totals"]) == (len(ALL), True)
    assert monthly_site.signed_in(Role.VIEWER).get("/finance/monthly.csv").status_code == 403


def test_the_list_reads_along_indexes(monthly_site: FinanceSite) -> None:
    """No statement reads all pledges or gifts, and sums come from the stored totals."""
    database = monthly_site.database
    sample_pledges(database)
    fill_with_pledges(database, 3_000)
    browser = monthly_site.signed_in()
    statements: dict[str, object] = {}

    def note(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if "FROM pledge" in statement or "FROM gift " in statement:
            statements[statement] = parameters

    hook.listen(Connection, "before_cursor_execute", note)
    after = "active.1773154800000000.00000000000000000000000000000000"
    for query in ("", "?fund=roof&mode=card", f"?after={after}", "?state=paused"):
        assert browser.get(f"/finance/monthly{query}").status_code == 200
    hook.remove(Connection, "before_cursor_execute", note)
    assert len(statements) >= 6
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    for statement, parameters in statements.items():
        with database.reading() as session:
            plan = session.connection().exec_driver_sql(
                f"{explain} {statement}",
                parameters,  # type: ignore[arg-type]
            )
            steps = "\n".join(str(row[-1]) for row in plan)
        assert not re.search(r"SCAN (pledge|gift)\b|Seq Scan on (pledge|gift)\b", steps), steps
        # PostgreSQL may find the few pledges of a fund by another index, and then sort them.
        is_sorted = "ORDER BY" in statement and "pledge.fund =" not in statement
        if "FROM pledge" in statement and is_sorted:
            assert "pledge_list" in steps, steps
            assert "TEMP B-TREE" not in steps, steps


@pytest.mark.alone
def test_many_monthly_gifts_are_listed_fast(site: FinanceSite) -> None:
    """With 20,000 monthly gifts a page takes little time, with any filter."""
    fill_with_pledges(site.database, 20_000)
    browser = site.signed_in()
    for query in ("", "?state=active", "?mode=bank_debit"):
        path = f"/finance/monthly{query}"
        assert len(DONOR.findall(browser.get(path).text)) == 50
        assert fastest_seconds(partial(browser.get, path)) < 0.15


def test_everything_has_words() -> None:
    """Every stage, change and outcome has words in which staff read it."""
    for words in (STAGES, STAGE_COLOURS, STAGE_SENTENCES):
        assert set(words) == set(PledgeStage)
    assert set(REQUESTED) == set(PledgeAction)
    assert set(OUTCOMES) == set(ChangeOutcome)
