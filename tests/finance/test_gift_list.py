"""The staff page with the list of gifts: filters, totals, paging and search."""

import re
from datetime import timedelta

import pytest

from donate.finance.gifts.pages import PAGE_SIZE
from donate.finance.words import KINDS, MODE_NAMES, STATUS_SENTENCES, STATUSES
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.gifts.status import StatusName
from donate.regions.modes import Mode
from donate.storage.database import Database
from donate.stripe_gateway.models import EventSource, EventState, StripeEvent
from tests.finance.finance_site import NOW, FinanceSite, put_gift, rows

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
    return {
        "old card": site.gift(
            "a", mode="card", now=NOW - timedelta(days=30), amount_minor=2_500, received_minor=2_500
        ),
        "late interac": site.gift("b", now=NOW.replace(day=1, hour=3), amount_minor=10_000),
        "code": site.gift("c", mode="giving_code", now=NOW - timedelta(days=1)),
        "new card": site.gift("d", mode="card", amount_minor=5_000, received_minor=4_000),
    }


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


@pytest.mark.usefixtures("gifts")
def test_totals_are_of_everything_that_matches(site_on_each: FinanceSite) -> None:
    """The totals of a filter cover all gifts that match, not only those on the page."""
    page = site_on_each.signed_in().get("/finance/gifts?mode=card").text
    assert re.findall(r"<dd>([^<]+)</dd>", page) == ["2", "$75.00", "$65.00", "$65.00"]


def test_a_quick_link_leads_to_last_month(site: FinanceSite) -> None:
    """The list of gifts has links to the gifts received last month and this month."""
    page = site.signed_in().get("/finance/gifts").text
    assert "/finance/gifts?by=received&amp;from=2026-02-01&amp;to=2026-02-28" in page
    assert "/finance/gifts?by=received&amp;from=2026-03-01&amp;to=2026-03-10" in page


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("status=zz", "Please choose a status from the list."),
        ("mode=paypal", "Please choose a mode from the list."),
        ("code=lwcan", "Please choose a code from the list."),
        ("from=yesterday", "Please enter a date such as 2026-03-31."),
        ("from=2026-02-30", "Please enter a date such as 2026-03-31."),
        ("to=20260331", "Please enter a date such as 2026-03-31."),
        ("to=99999-01-01", "Please enter a date such as 2026-03-31."),
        ("from=2026-03-02&to=2026-03-01", "This is before the first date."),
        ("after=yesterday", "This link is incomplete"),
        ("after=99999999999999999999-0", "This link is incomplete"),
        ("reference=LWCAN-2222222", "No gift found for LWCAN-2222222"),
        ("reference=%00", "at least 3 characters"),
        ("reference=%25s-2222222", "Search looks at references only"),
        ("status=%3Cscript%3E", "Please choose a status from the list."),
        ("status=" + "a" * 5_000, "Please choose a status from the list."),
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


def test_paging_shows_each_gift_once(database: Database, site_on_each: FinanceSite) -> None:
    """Going from page to page shows every gift once, even if several have the same time."""
    site = site_on_each
    with database.writing() as session:
        stored = [
            put_gift(
                session,
                f"form-{i}",
                now=NOW - timedelta(seconds=i // 7, microseconds=i // 7),
                mode="interac" if i % 9 else "card",
            )
            for i in range(2 * PAGE_SIZE + 20)
        ]
    references = {gift.reference for gift in stored if gift.mode == "interac"}
    browser = site.signed_in()
    seen: list[str] = []
    link: str | None = "/finance/gifts?mode=interac"
    while link:
        page = browser.get(link)
        seen += rows(page)
        older = re.search(r'rel="next" href="([^"]+)"', page.text)
        link = older[1].replace("&amp;", "&") if older else None
        assert link is None or "mode=interac" in link
        if len(seen) == PAGE_SIZE:
            site.gift("meanwhile")
    assert len(seen) == len(set(seen))
    assert set(seen) == references


@pytest.mark.parametrize(
    "change",
    [str, str.lower, lambda reference: f"  {reference.replace('-', ' ')} "],
    ids=["unchanged", "lower case", "spaces"],
)
def test_a_reference_leads_to_its_gift(site_on_each: FinanceSite, change: object) -> None:
    """A reference in any case, with or without spaces or dash, opens its gift."""
    gift = site_on_each.gift()
    assert callable(change)
    answer = site_on_each.signed_in().get(
        "/finance/gifts", params={"reference": change(gift.reference)}
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/finance/gifts/{gift.id}"


@pytest.mark.parametrize(
    "line",
    [
        "INTERAC E-TRF {} ANN LEE",
        "ETRF{}ANNLEE",
        "Deposit: {}, thank you",
        "ANN LEE {}",
        "Nov 26 {}",
    ],
)
def test_a_line_of_a_bank_statement_finds_its_gift(site_on_each: FinanceSite, line: str) -> None:
    """A pasted line of a bank statement opens the gift whose reference it contains."""
    gift = site_on_each.gift()
    pasted = line.format(gift.reference.replace("-", ""))
    answer = site_on_each.signed_in().get("/finance/gifts", params={"reference": pasted})
    assert answer.headers["location"] == f"/finance/gifts/{gift.id}"


def test_a_reference_that_no_gift_has(site: FinanceSite) -> None:
    """A search for a valid reference that no gift has is answered with a message."""
    gift = site.gift()
    other = gift.reference.replace("LWCAN", "LWXYZ")
    page = site.signed_in().get("/finance/gifts", params={"reference": other})
    assert page.status_code == 422
    assert f"No gift has the reference {other}." in page.text


def test_a_part_of_a_reference_is_enough(site_on_each: FinanceSite) -> None:
    """A search for part of a reference opens the gift, or lists the gifts if several match."""
    gift, other = site_on_each.gift(), site_on_each.gift("b")
    browser = site_on_each.signed_in()
    body = gift.reference.rpartition("-")[2]
    for part in (body, body.lower(), f"#{gift.reference}", gift.reference[:-1]):
        answer = browser.get("/finance/gifts", params={"reference": part})
        assert answer.status_code == 303, (part, answer.text)
        assert answer.headers["location"] == f"/finance/gifts/{gift.id}"
    page = browser.get("/finance/gifts", params={"reference": "lwcan"})
    assert set(rows(page)) == {gift.reference, other.reference}
    for typed, sentence in (("k8", "at least 3 characters"), ("0_0%0", "No gift found for 0_0%0")):
        page = browser.get("/finance/gifts", params={"reference": typed})
        assert page.status_code == 422
        assert sentence in page.text


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
