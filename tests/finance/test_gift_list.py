"""The staff page with the list of gifts: filters, totals, paging and search."""

import re
from datetime import timedelta
from urllib.parse import parse_qs

import pytest

from donate.finance.words import KINDS, MODE_NAMES, STATUS_SENTENCES, STATUSES
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.status import StatusName
from donate.regions.modes import Mode
from donate.stripe_gateway.models import EventSource, EventState, StripeEvent
from tests.finance.finance_site import NOW, FinanceSite, rows

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "=HYPERLINK(1)",
    "{{ 7*7 }}",
]


@pytest.fixture
def gifts(site_on_each: FinanceSite) -> dict[str, Gift]:
    """Open four gifts in two months, one of them late on the last day of a month in Toronto."""
    site = site_on_each
    named = {
        "old card": site.gift(
            "a", mode="card", now=NOW - timedelta(days=30), amount_minor=2_500, received_minor=2_500
        ),
        "late interac": site.gift("b", now=NOW.replace(day=1, hour=3), amount_minor=10_000),
        "code": site.gift("c", mode="giving_code", now=NOW - timedelta(days=1)),
        "new card": site.gift("d", mode="card", amount_minor=5_000, received_minor=4_000),
    }
    gift = named["late interac"]
    said = Fact(FactKind.TRANSFER_ANNOUNCED, str(gift.id), NOW, "donor")
    with site.database.writing() as session:
        record_facts(session, [(gift.id, said)], now=NOW)
    return named


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["new card", "code", "late interac", "old card"]),
        ("status=confirmed", ["new card", "old card"]),
        ("status=awaited&mode=interac", ["late interac"]),
        ("mode=card", ["new card", "old card"]),
        ("code=LWCAN&status=", ["new card", "code", "late interac", "old card"]),
        # The late gift was opened on March 1 in UTC, but still on February 28 in Toronto.
        ("to=2026-02-28", ["late interac", "old card"]),
        ("from=2026-03-01", ["new card", "code"]),
        ("from=2026-03-09&to=2026-03-09", ["code"]),
        ("status=failed", []),
        ("mode=card&mode=giving_code", ["new card", "code", "old card"]),
        ("status=awaited&status=confirmed&mode=interac", ["late interac"]),
        ("amount_from=50&amount_to=100.00", ["new card", "code", "late interac"]),
        ("amount_from=50.01", ["late interac"]),
        ("flag=amount_differs", ["new card"]),
        ("flag=paid_more_than_once", []),
        ("frequency=monthly", []),
        ("frequency=once&language=en-CA&currency=CAD&fund=-&mode=card", ["new card", "old card"]),
        ("announced=yes", ["late interac"]),
        ("by=received", ["new card", "old card", "code", "late interac"]),
        ("by=received&from=2026-03-01", ["new card"]),
        ("by=moved&to=2026-03-01", ["old card"]),
        ("sort=amount", ["late interac", "new card", "code", "old card"]),
        ("sort=amount&order=asc&mode=card", ["old card", "new card"]),
        ("sort=received&order=asc", ["old card", "new card", "late interac", "code"]),
        ("sort=status&order=asc", ["late interac", "code", "old card", "new card"]),
        (
            "sort=status&status=confirmed&status=awaited&order=desc&mode=card",
            ["new card", "old card"],
        ),
    ],
)
def test_a_filter_narrows_the_list(
    site_on_each: FinanceSite, gifts: dict[str, Gift], query: str, names: list[str]
) -> None:
    """Each filter narrows the list of gifts, and dates are days in the gift's region."""
    browser = site_on_each.signed_in()
    page = browser.get(f"/finance/gifts?{query}")
    assert page.status_code == 200
    assert rows(page) == [gifts[name].reference for name in names]
    assert ("No gifts match these filters." in page.text) == (not names)


def test_a_quick_link_leads_to_last_month(site: FinanceSite) -> None:
    """The list has links to the gifts whose money moved last month and this month."""
    page = site.signed_in().get("/finance/gifts").text
    assert "/finance/gifts?by=moved&amp;from=2026-02-01&amp;to=2026-02-28" in page
    assert "/finance/gifts?by=moved&amp;from=2026-03-01&amp;to=2026-03-10" in page


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("status=zz", "“zz” isn’t in the list."),
        ("status=refunded&status=confirmd", "Did you mean “Confirmed”?"),
        ("mode=paypal", "“paypal” isn’t in the list."),
        ("code=lwcan", "“lwcan” isn’t in the list. Did you mean “LWCAN”?"),
        ("fund=zz", "“zz” isn’t in the list."),
        ("currency=cad", "Did you mean “CAD”?"),
        ("flag=zz", "“zz” isn’t in the list."),
        ("frequency=weekly", "“weekly” isn’t in the list."),
        ("language=fr", "Did you mean “French”?"),
        ("announced=no", "“no” isn’t in the list."),
        ("by=paid", "“paid” isn’t in the list."),
        ("sort=net", "“net” isn’t in the list."),
        ("sort=moved", "Sorting by movements needs dates of money in or out."),
        ("order=up", "“up” isn’t in the list."),
        ("column=zz", "“zz” isn’t in the list."),
        ("amount_from=a+lot", "Please enter the amount in digits"),
        ("amount_to=1.005", "no more than 2 decimal places"),
        ("amount_from=-5", "The amount must be more than zero."),
        ("amount_from=10&amount_to=9.99", "This is less than the first amount."),
        ("from=yesterday", "Please enter a date such as 2026-03-31."),
        ("from=2026-02-30", "Please enter a date such as 2026-03-31."),
        ("to=20260331", "Please enter a date such as 2026-03-31."),
        ("to=99999-01-01", "Please enter a date such as 2026-03-31."),
        ("from=2026-03-02&to=2026-03-01", "This is before the first date."),
        ("after=yesterday", "This link is incomplete"),
        ("after=99999999999999999999-0", "This link is incomplete"),
        ("before=%00", "This link is incomplete"),
        ("sort=amount&after=CAD~x~0", "This link is incomplete"),
        ("status=%3Cscript%3E", "isn’t in the list."),
        ("status=" + "a" * 5_000, "isn’t in the list."),
    ],
)
def test_an_invalid_filter_is_refused(site: FinanceSite, query: str, sentence: str) -> None:
    """An invalid filter value gets a message at its field, and no gifts are listed."""
    site.gift()
    page = site.signed_in().get(f"/finance/gifts?{query}")
    assert page.status_code == 422
    assert sentence in page.text
    assert rows(page) == []
    assert "<script>" not in page.text


@pytest.mark.parametrize("typed", ["LWCAN-7KQ4M2X", "Zoë & Co", "\0", "é" * 5_000])
def test_the_address_of_the_old_search_leads_on(site: FinanceSite, typed: str) -> None:
    """The search URL of earlier versions redirects to the search page, with what was typed."""
    answer = site.signed_in().get("/finance/gifts", params={"reference": typed})
    assert answer.status_code == 303
    path, _, query = answer.headers["location"].partition("?")
    assert (path, parse_qs(query).get("q", [""])) == ("/finance/search", [typed.strip("\0")[:300]])


def test_an_empty_list_says_so(site: FinanceSite) -> None:
    """If there are no gifts, the list says so."""
    assert "No gifts yet." in site.signed_in().get("/finance/gifts").text


@pytest.mark.parametrize("name", HOSTILE)
def test_a_donors_name_is_shown_as_text(site: FinanceSite, name: str) -> None:
    """Markup, formulas and template code in a donor's name are shown as text."""
    gift = site.gift(name=name)
    browser = site.signed_in()
    for page in (browser.get("/finance/gifts"), browser.get(f"/finance/gifts/{gift.id}")):
        assert name not in page.text or not set(name) & set('<>"')
        assert "49" not in re.sub(r"[\w-]*49[\w-]*", "", page.text)
        assert "&lt;" in page.text or "=HYPERLINK(1)" in page.text or "{{ 7*7 }}" in page.text


PAYLOADS = {
    "json": b'{"id": "evt_1", "name": "<script>alert(1)</script>"}',
    "not json": b"<script>alert(1)</script>",
    "not utf-8": b"\xff\xfe\x00<script>alert(1)</script>",
    "deep": b"[" * 100_000,
    "surrogate": b'{"name": "\\ud800<script>alert(1)</script>"}',
    "long number": b'{"n": ' + b"9" * 5_000 + b"}",
    "long": b'{"name": "' + b"x" * 400_000 + b'"}',
}


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_what_was_set_aside_can_be_read(site: FinanceSite, payload: bytes) -> None:
    """A set-aside event is counted and listed for staff, whatever bytes its payload has."""
    gift = site.gift()
    with site.database.writing() as session:
        session.add(an_event("evt_1", payload, gift=gift))
        session.add(an_event("evt_2", b"{}", state=EventState.SETTLED))
    browser = site.signed_in()
    assert "1 Stripe event needs your decision" in browser.get("/finance/gifts").text
    page = browser.get("/finance/set-aside")
    assert page.status_code == 200
    for shown in ("evt_1", "The amount is not the gift&#39;s.", gift.reference):
        assert shown in page.text
    assert "evt_2" not in page.text
    assert "<script>" not in page.text
    assert len(page.content) < 60_000


def test_what_was_set_aside_is_paged(site: FinanceSite) -> None:
    """Going from page to page shows every set-aside event once."""
    with site.database.writing() as session:
        session.add_all(an_event(f"evt_{i:03}", b"{}") for i in range(60))
    browser = site.signed_in()
    seen: list[str] = []
    link: str | None = "/finance/set-aside"
    while link:
        page = browser.get(link).text
        seen += re.findall(r"evt_\d{3}", page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        link = older[1] if older else None
    assert seen == [f"evt_{i:03}" for i in reversed(range(60))]
    assert browser.get("/finance/set-aside?before=x").status_code == 422


def an_event(
    event_id: str,
    payload: bytes,
    *,
    gift: Gift | None = None,
    state: EventState = EventState.SET_ASIDE,
) -> StripeEvent:
    return StripeEvent(
        event_id=event_id,
        type="checkout.session.completed",
        source=EventSource.WEBHOOK,
        payload=payload,
        received_at=NOW,
        state=state,
        reason="The amount is not the gift's.",
        due_at=NOW,
        gift_id=gift.id if gift else None,
    )


def test_every_status_mode_and_fact_has_a_text() -> None:
    """Every status, mode and kind of fact has a text on the staff pages."""
    assert STATUSES.keys() == STATUS_SENTENCES.keys() == set(StatusName)
    assert MODE_NAMES.keys() == set(Mode)
    assert KINDS.keys() == set(FactKind)
