"""Notices and counts that appear on every staff page."""

import itertools
import re
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.routing import APIRoute
from sqlmodel import update

from donate.finance.access import EVERYBODY
from donate.finance.notices import MOST_COUNTED, count_set_aside_events, notices
from donate.finance.roles import Role
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, new_letter
from donate.storage.bulk_writes import insert_new
from donate.stripe_gateway.balance.models import BalanceTransaction
from donate.stripe_gateway.models import EventSource, EventState, StripeEvent
from tests.bank.reconciliation.bank_lines import bank_line, payout
from tests.bank.reconciliation.stripe_rows import balance_row
from tests.finance.finance_site import NOW, FinanceSite
from tests.finance.offline_desk import CASH, enter, start
from tests.finance.set_aside_events import decide, paid, set_aside
from tests.finance.statements import plans, selects
from tests.stripe_gateway import gifts_and_events

NUMBERS = itertools.count()


def put_events(site: FinanceSite, how_many: int, state: EventState = EventState.SET_ASIDE) -> None:
    with site.database.writing() as session:
        session.add_all(
            StripeEvent(
                event_id=f"evt_notice_{next(NUMBERS)}",
                type="refund.created",
                source=EventSource.WEBHOOK,
                payload=b"{}",
                received_at=NOW,
                state=state,
                due_at=NOW,
            )
            for _ in range(how_many)
        )


def counted(page: str) -> list[str]:
    """Return the count of set-aside events that the navigation of a page shows."""
    return re.findall(r'Needs review <span class="count">([^<]+)</span>', page)


@pytest.mark.parametrize("role", list(Role))
def test_every_staff_page_counts_what_is_set_aside(site: FinanceSite, role: Role) -> None:
    """Every staff page counts set-aside events in its navigation, and has a button to sign out."""
    browser = site.signed_in(role)
    gifts_and_events.give(site.database)
    events = [
        set_aside(site.database, paid(gifts_and_events.give(site.database), amount_total=n))
        for n in (1, 2, 3)
    ]
    gift = gifts_and_events.give(site.database, frequency="monthly")
    letter = new_letter(gift.id, LetterKind.INSTRUCTIONS, "", now=NOW) | {"id": events[0].id}
    with site.database.writing() as session:
        insert_new(session, Letter, [letter])
    staff_id = site.add_staff("zoe@example.org")
    parameters = {
        "gift_id": str(gift.id),
        "number": str(events[0].id),
        "person_id": str(staff_id),
        "month": f"{NOW:%Y-%m}",
        "code": "LWCAN",
        "language": "en-CA",
        "kind": "thank_you",
    }
    payout(site.database, 900)
    parameters["payout_id"] = "po_900_9"
    bank_line(site.database, 5_000)
    desk = site.signed_in(Role.FINANCE, "desk@example.org")
    assert start(desk, 1, "20").endswith(f"/{events[0].id}")
    assert enter(desk, CASH).headers["location"].endswith(f"={events[0].id}")
    paths = []
    for route in site.finance.router.routes:
        if (
            not isinstance(route, APIRoute)
            or "GET" not in (route.methods or ())
            or getattr(route.endpoint, "needs", None) == EVERYBODY
        ):
            continue
        page = browser.get(route.path.format(**parameters), follow_redirects=True)
        if page.status_code == 404:
            continue  # a page that says so has no navigation
        # The list of found donors is only a part of a page, so it has no navigation.
        if "text/html" in page.headers["content-type"] and "<html" in page.text:
            assert counted(page.text) == ["3"], route.path
            assert 'action="/finance/sign-out"' in page.text, route.path
            paths.append(route.path)
    assert {"/finance/gifts", "/finance/gifts/{gift_id}", "/finance/set-aside"} < set(paths)
    assert {"/finance/set-aside/{number}", "/finance/activity"} < set(paths)
    assert "/finance/gifts/{gift_id}/letters/{number}" in paths


def test_without_set_aside_events_there_is_no_count(site: FinanceSite) -> None:
    """If no event is set aside, the navigation shows no count, and the page no notice."""
    browser = site.signed_in()
    put_events(site, 3, EventState.SETTLED)
    page = browser.get("/finance/gifts").text
    assert counted(page) == []
    assert "need your decision" not in page
    put_events(site, 1)
    assert counted(browser.get("/finance/gifts").text) == ["1"]
    assert 'class="count"' not in site.browser().get("/finance/sign-in").text


def test_a_notice_links_to_the_set_aside_events(site: FinanceSite) -> None:
    """A notice links to the list of set-aside events, and is not shown on that list."""
    browser = site.signed_in()
    put_events(site, 2)
    for path in ("/finance/gifts", "/finance/activity"):
        page = browser.get(path).text
        assert "2 Stripe events need your decision." in page
        assert '<a href="/finance/set-aside">Review them.</a>' in page
    assert "2 Stripe events need" not in browser.get("/finance/set-aside").text


def test_what_is_dismissed_does_not_count(site_on_each: FinanceSite) -> None:
    """Events that were dismissed or tried again are not counted."""
    site = site_on_each
    browser = site.signed_in()
    events = [
        set_aside(site.database, paid(gifts_and_events.give(site.database), amount_total=n))
        for n in (1, 2, 3)
    ]
    decide(browser, events[0], "dismissed", reason="a test")
    assert counted(browser.get("/finance/gifts").text) == ["2"]
    decide(browser, events[1], "tried")
    assert counted(browser.get("/finance/gifts").text) == ["1"]


def test_unexpected_money_at_stripe_is_told_on_each_page(site_on_each: FinanceSite) -> None:
    """A conversion fee or an unknown type is named for two weeks, with a link to the books."""
    site = site_on_each
    site.clock.instant = datetime(2026, 3, 20, tzinfo=UTC)
    browser = site.signed_in()
    balance_row(site.database, -120, "stripe_fee")
    balance_row(site.database, -500, "topup")
    assert "something unexpected" not in browser.get("/finance").text
    balance_row(site.database, -120, "stripe_fx_fee")
    balance_row(site.database, -90, "brand_new_type", category="odd")
    for path in ("/finance", "/finance/gifts"):
        page = browser.get(path).text
        assert "something unexpected: brand_new_type, stripe_fx_fee." in page
        assert '<a href="/finance/books">See the books.</a>' in page
    site.clock.instant += timedelta(days=4)
    assert "something unexpected" not in site.signed_in(email="z@example.org").get("/finance").text


def test_converted_money_is_told(site_on_each: FinanceSite) -> None:
    """Staff read that Stripe converted money, because that costs a fee."""
    site = site_on_each
    balance_row(site.database, 6_800, "charge")
    with site.database.writing() as session:
        session.execute(
            update(BalanceTransaction).values(
                original_minor=5_000, original_currency="USD", exchange_rate="1.36"
            )
        )
        assert "converted into another" in " ".join(
            notice.sentence for notice in notices(session, NOW, "en-CA")
        )


def test_the_unexpected_is_found_with_an_index(site_on_each: FinanceSite) -> None:
    """Every staff page asks for it, so it is not looked for among all transactions."""
    with site_on_each.database.reading() as session, selects() as statements:
        notices(session, NOW, "en-CA")
    used = " ".join(plans(site_on_each.database, statements))
    assert "balance_transaction_not_ordinary" in used
    assert "balance_transaction_converted" in used


def test_counting_stops_at_a_thousand(site_on_each: FinanceSite) -> None:
    """The count of set-aside events stops at a thousand, and is then shown as 999+."""
    site = site_on_each
    put_events(site, MOST_COUNTED - 1)
    with site.database.reading() as session:
        assert [notice.count for notice in notices(session, NOW, "en-CA")] == ["999"]
    put_events(site, 2)
    put_events(site, 5, EventState.DISMISSED)
    with site.database.reading() as session:
        assert count_set_aside_events(session) == MOST_COUNTED
    assert counted(site.signed_in().get("/finance/gifts").text) == ["999+"]
