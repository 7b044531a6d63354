"""The overview: decisions, figures of money and gifts, and how little it reads."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from donate.finance.overview.decisions import MOST_NAMED, gift_decisions
from donate.finance.roles import Role
from donate.gifts.facts import FactKind
from donate.gifts.movements.models import DayTotal
from tests.finance.finance_site import NOW, FinanceSite, sign_in
from tests.finance.overview_site import add_fact, dispute, open_pledge
from tests.finance.set_aside_events import paid, set_aside
from tests.stripe_gateway import gifts_and_events

K = FactKind


def text_of(html: str) -> str:
    """Return the text of the page's main part, with single spaces."""
    main = html.partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main))


def overview(site: FinanceSite, role: Role = Role.VIEWER) -> str:
    page = site.signed_in(role, f"{role}-{datetime.now(UTC).timestamp()}@example.org")
    answer = page.get("/finance")
    assert answer.status_code == 200
    return answer.text


def test_a_sign_in_leads_to_the_overview(site: FinanceSite) -> None:
    """A sign-in without a target opens the overview, which the navigation shows as current."""
    site.add_staff()
    browser = site.browser()
    answer = sign_in(browser, next="")
    assert answer.headers["location"] == "/finance"
    assert '<a href="/finance" aria-current="page">Overview</a>' in browser.get("/finance").text


def test_without_gifts_the_overview_says_so(site_on_each: FinanceSite) -> None:
    """Without any gift, the overview shows zeros and sentences, and no empty charts."""
    text = text_of(overview(site_on_each))
    assert "Nothing needs you today." in text
    assert "Money in $0.00" in text
    assert "No money has moved in March yet." in text
    assert "No gifts were started in the last 30 days." in text
    assert "No transfers are expected." in text
    assert "No monthly gifts were paid in the last 12 months." in text
    assert "<svg" not in overview(site_on_each, Role.FINANCE)


def test_money_is_compared_with_the_same_days_before(site_on_each: FinanceSite) -> None:
    """This month so far is compared with the same days of last month, and this year likewise."""
    site = site_on_each
    for number, day in enumerate(
        (
            datetime(2026, 3, 2, 12, tzinfo=UTC),
            datetime(2026, 2, 10, 12, tzinfo=UTC),
            datetime(2026, 2, 11, 12, tzinfo=UTC),
            datetime(2025, 3, 10, 12, tzinfo=UTC),
            datetime(2025, 3, 11, 12, tzinfo=UTC),
        )
    ):
        amount = 1_000 * 2**number
        site.gift(f"g{number}", mode="card", amount_minor=amount, received_minor=amount, now=day)
    refunded = site.gift("g-r", mode="card", received_minor=5_000)
    add_fact(site, refunded, K.REFUND_SUCCEEDED, "re_1", 500)
    text = text_of(overview(site))
    month, _, year = text.partition("This year")
    assert "March 1–10, 2026, compared with February 1–10, 2026" in month
    assert "Money in $60.00 Before: $20.00 (up 200%)" in month
    assert "Money out $5.00 Before: $0.00" in month
    assert "Net $55.00 Before: $20.00 (up 175%)" in month
    assert "Payments received 2 Before: 1 (up 100%)" in month
    assert "January 1 – March 10, 2026, compared with January 1 – March 10, 2025" in year
    assert "Money in $120.00 Before: $80.00 (up 50%)" in year


def test_money_is_shown_by_day_method_fund_and_code(site_on_each: FinanceSite) -> None:
    """Bars and tables show the money of this month by day, mode, fund and code."""
    site = site_on_each
    monday = datetime(2026, 3, 2, 12, tzinfo=UTC)
    site.gift("a", mode="card", amount_minor=4_000, received_minor=4_000, now=monday)
    gift = site.gift("b", mode="bank_debit", amount_minor=1_000, received_minor=1_000)
    add_fact(site, gift, K.REFUND_SUCCEEDED, "re_1", 300)
    with site.database.writing() as session:
        session.execute(sa.update(DayTotal).values(fund="roof").where(DayTotal.mode == "card"))  # type: ignore[arg-type]
    html = overview(site)
    text = text_of(html)
    assert "March 2 $40.00 $0.00 $40.00 March 10 $10.00 $3.00 $7.00" in text
    assert "Card $40.00 $0.00 $40.00 Bank debit $10.00 $3.00 $7.00" in text
    assert "roof $40.00 $0.00 $40.00 No fund $10.00 $3.00 $7.00" in text
    assert "LWCAN $50.00 $3.00 $47.00" in text
    days = html.partition('<svg class="chart"')[2].partition("</svg>")[0]
    assert "Money came in on 2 days. Money went out on 1 day." in days
    assert "The most came in on March 2: $40.00." in days
    assert (days.count('class="in"'), days.count('class="out"')) == (2, 1)


def test_every_chart_is_described(site: FinanceSite) -> None:
    """Every chart is an image with a title and a description, and a table follows it."""
    site.gift("a", mode="card", received_minor=5_000)
    site.gift("b")
    html = overview(site)
    charts = re.findall(r"<svg.*?</svg>\s*(?:<p.*?</p>\s*)?<(\w+)", html, re.DOTALL)
    assert charts == ["details"] * 6
    for names in re.findall(r'<svg[^>]* role="img"[^>]* aria-labelledby="([^"]+)"', html):
        title, description = names.split()
        assert html.count(f'<title id="{title}">') == html.count(f'<desc id="{description}">') == 1


def test_gifts_are_counted_by_the_step_they_have_reached(site_on_each: FinanceSite) -> None:
    """Gifts of the last 30 days are counted by mode, and by the step that they have reached."""
    site = site_on_each
    site.gift("old", mode="card", now=NOW - timedelta(days=30))
    site.gift("at-stripe", mode="card")
    site.gift("transfer")
    back = site.gift("back", mode="card", received_minor=5_000)
    add_fact(site, back, K.REFUND_SUCCEEDED, "re_1", 5_000)
    failed = site.gift("failed", mode="bank_debit")
    add_fact(site, failed, K.PAYMENT_FAILED, "pi_f")
    lapsed = site.gift("lapsed", now=NOW - timedelta(days=29))
    add_fact(site, lapsed, K.GIFT_LAPSED, str(lapsed.id))
    text = text_of(overview(site))
    assert "Of 5 gifts started since February 9, 1 received (20%)." in text
    assert "Step Bank debit Card Interac e-Transfer All Gifts started 1 2 2 5" in text
    assert "On the payment page 0 1 0 1 Waiting for a transfer 0 0 1 1" in text
    assert "Processing at the bank 0 0 0 0 Received 0 1 0 1" in text
    assert "Payment failed 1 0 0 1 Expired 0 0 1 1" in text
    assert "1 of the received gifts was refunded or disputed since" in text


def test_transfers_not_yet_received_are_shown_by_age(site_on_each: FinanceSite) -> None:
    """Awaited gifts by transfer are shown by age, with links that list the same gifts."""
    site = site_on_each
    for age in (0, 3, 4, 10, 11, 30, 31):
        site.gift(f"age-{age}", now=NOW - timedelta(days=age))
    site.gift("cheque", mode="giving_code")
    site.gift("card", mode="card")
    site.gift("came", received_minor=5_000)
    html = overview(site)
    text = text_of(html)
    assert "0–3 days Giving code 1 $50.00 0–3 days Interac e-Transfer 2 $100.00" in text
    assert "4–10 days Interac e-Transfer 2 $100.00 11–30 days Interac e-Transfer 2" in text
    assert "31 days or more Interac e-Transfer 1 $50.00" in text
    links = re.findall(r'href="(/finance/gifts\?status=awaited[^"]+)">([^<]+)</a></th>', html)
    listed: dict[tuple[str, bool], int] = {}
    for link, age_name in links:
        page = site.signed_in(email=f"{len(listed)}@example.org").get(link.replace("&amp;", "&"))
        listed[age_name, "interac" in link] = len(re.findall(r'class="reference"', page.text))
    assert listed == {
        ("0–3 days", False): 1,
        ("0–3 days", True): 2,
        ("4–10 days", True): 2,
        ("11–30 days", True): 2,
        ("31 days or more", True): 1,
    }


def test_monthly_gifts_are_counted_by_month(site_on_each: FinanceSite) -> None:
    """Months of pledges are counted and summed for a year, by the month their money came in."""
    open_pledge(site_on_each)
    site_on_each.gift("once", mode="card", received_minor=5_000)
    text = text_of(overview(site_on_each))
    assert (
        "In February 2026, 2 monthly gifts were paid, 1 more than in January 2026. "
        "So far in March 2026: 1." in text
    )
    rows = "January 2026 1 $50.00 February 2026 2 $100.00 March 2026 1 $50.00"
    assert rows in text
    assert "April 2025 0 –" in text
    assert "March 2025" not in text.partition("Month Paid Sum")[2]


def test_what_needs_a_decision_is_named(site_on_each: FinanceSite) -> None:
    """Open disputes come by deadline, then failed refunds; overdue disputes are only counted."""
    site = site_on_each
    later = dispute(site, "later", NOW + timedelta(days=5))
    undated = dispute(site, "undated", None)
    sooner = dispute(site, "sooner", NOW + timedelta(days=1))
    dispute(site, "past", NOW - timedelta(seconds=1))
    asked = site.gift("asked", mode="card", received_minor=5_000)
    due_by = (NOW + timedelta(hours=2)).isoformat()
    add_fact(site, asked, K.INQUIRY_OPENED, "dp_asked", due_by=due_by)
    refund = site.gift("refund", mode="card", received_minor=5_000)
    add_fact(site, refund, K.REFUND_SUCCEEDED, "re_1", 2_000)
    add_fact(site, refund, K.REFUND_FAILED, "re_1")
    set_aside(site.database, paid(gifts_and_events.give(site.database), amount_total=1))
    html = overview(site)
    decisions = html.partition('<ul class="decisions">')[2].partition("</ul>")[0]
    assert re.findall(r"/finance/gifts/([0-9a-f-]+)", decisions) == [
        str(gift.id) for gift in (asked, sooner, later, undated, refund)
    ]
    assert 'href="/finance/set-aside">Review it.</a>' in decisions
    assert re.findall(r"Due ([^.]+)\.", decisions) == ["today", "tomorrow", "in 5 days"]
    assert "The refund failed. The money came back to us." in decisions
    assert "1 dispute is past the deadline. The donor’s bank decides." in text_of(html)
    # The overview lists the gifts in place of the notice that other pages show.
    assert "disputed 4 payments" not in html
    assert "disputed 4 payments" in site.signed_in().get("/finance/gifts").text


def test_more_decisions_than_fit_are_counted(site: FinanceSite) -> None:
    """The overview names twenty gifts, and says how many more follow."""
    for number in range(MOST_NAMED + 2):
        dispute(site, f"d{number}", NOW + timedelta(days=3))
    with site.database.reading() as session:
        found = gift_decisions(session, NOW, "en-CA")
    assert (len(found.named), found.more) == (MOST_NAMED, 2)
    assert "2 more follow when these are done." in overview(site)


@pytest.mark.parametrize("role", list(Role))
def test_every_role_may_see_the_overview(site: FinanceSite, role: Role) -> None:
    """Viewers and finance staff see the same overview; nobody else does."""
    assert "Overview" in overview(site, role)
    assert site.browser().get("/finance").status_code == 303
