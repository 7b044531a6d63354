"""The search finds gifts by e-mail, amount, id of Stripe, bank reference, tribute and note."""

from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import text

from donate.finance.roles import Role
from donate.finance.search.finding import HITS_OF_A_KIND
from donate.gifts.choosing.choice import check_choice
from donate.gifts.choosing.options import Wishes
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.gifts.opening import open_gift, open_month
from donate.gifts.search_index.queries import search_donors
from donate.money import Money
from donate.storage.database import Database
from donate.stripe_gateway.models import EventSource, EventState, StripeEvent
from tests.finance.finance_site import NOW, REGIONS, FinanceSite, put_gift
from tests.finance.overview_site import add_fact
from tests.finance.search_results import found, marked, search
from tests.stripe_gateway import gifts_and_events


def give(database: Database, key: str, *, email: str = "maya@example.com", **wishes: str) -> Gift:
    choice = check_choice(
        REGIONS["LWCAN"],
        mode="card",
        amount=Money(7_700, "CAD"),
        frequency="once",
        country="CA",
        language="en-CA",
        name="Ann Lee",
        email=email,
        wishes=Wishes(**wishes),  # type: ignore[arg-type]
    )
    with database.writing() as session:
        return open_gift(session, choice, key, now=NOW)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("maya.t+gifts@mail.example.com", "[maya.t+gifts@mail.example.com]"),
        ("MAYA.T", "[maya.t]+gifts@mail.example.com"),
        ("mail.example.com", "maya.t+gifts@[mail.example.com]"),
        ("@mail.example.com", "maya.t+gifts[@mail.example.com]"),
    ],
)
def test_an_email_address_is_found(site_on_each: FinanceSite, typed: str, shown: str) -> None:
    """A gift is found by the donor's whole e-mail address, by its beginning, or by its domain."""
    site = site_on_each
    gift = give(site.database, "a", email="maya.t+gifts@mail.example.com")
    give(site.database, "b", email="ann@example.org")
    page = search(site, typed)
    assert found(page) == {"email": [gift.reference]}
    assert marked(page) == [shown]


@pytest.mark.parametrize("typed", ["1234.56", "$1,234.56", "1 234,56", "1234,56 $", "CAD 1234.56"])
def test_an_amount_is_found(site_on_each: FinanceSite, typed: str) -> None:
    """A gift is found by its exact amount, written as in English or as in French."""
    site = site_on_each
    gift = site.gift(amount_minor=123_456)
    site.gift("other", amount_minor=123_400)
    page = search(site, typed)
    assert found(page)["amount"] == [gift.reference]
    assert marked(page)[0] == "[$1,234.56]"


def test_the_amount_of_a_refund_is_found(site_on_each: FinanceSite) -> None:
    """A gift is found by each amount that moved, such as the amount of a refund."""
    site = site_on_each
    gift = site.gift(mode="card", received_minor=5_000)
    add_fact(site, gift, FactKind.REFUND_SUCCEEDED, "re_1", 1_250)
    assert found(search(site, "12.50")) == {"amount": [gift.reference]}
    assert found(search(site, "50"))["amount"] == [gift.reference]


@pytest.mark.parametrize(
    "typed", ["pi_a", "re_3Nx", "re_3N", "du_9:2", "du_9", "cs_test_7", "req_5", "in_4"]
)
def test_an_id_of_stripe_leads_to_its_gift(site_on_each: FinanceSite, typed: str) -> None:
    """Each id of Stripe in a gift's facts, or the beginning of one, opens the gift."""
    site = site_on_each
    gift = site.gift("a", mode="card", received_minor=5_000)
    site.gift("b", mode="card", received_minor=5_000)
    add_fact(site, gift, FactKind.REFUND_SUCCEEDED, "re_3Nx", 1_250, payment_intent="pi_a")
    add_fact(site, gift, FactKind.DISPUTE_OPENED, "du_9:2", 5_000)
    add_fact(site, gift, FactKind.PAYMENT_NAMED, "pi_other", session="cs_test_7", invoice="in_4")
    add_fact(
        site, gift, FactKind.REFUND_REFUSED, "a:refund:1", request_id="req_5", code="card_declined"
    )
    answer = search(site, typed.partition(":")[0])
    assert (answer.status_code, answer.headers["location"]) == (303, f"/finance/gifts/{gift.id}")
    assert found(search(site, "card_declined")) == {}


def test_several_gifts_with_one_beginning_are_listed(site_on_each: FinanceSite) -> None:
    """If several ids begin with what was typed, their gifts are listed, newest first."""
    site = site_on_each
    gifts = [site.gift(f"x{i}", mode="card", received_minor=5_000) for i in range(2)]
    page = search(site, "pi_x")
    assert sorted(found(page)["stripe"]) == sorted(gift.reference for gift in gifts)
    assert sorted(marked(page)) == ["[pi_x]0", "[pi_x]1"]


def test_an_event_of_stripe_leads_to_its_page(site: FinanceSite) -> None:
    """The id of a Stripe event opens its gift or, if it was set aside, the event's own page."""
    gift = site.gift()
    with site.database.writing() as session:
        for name, state in (("evt_1", EventState.SETTLED), ("evt_2", EventState.SET_ASIDE)):
            session.add(
                StripeEvent(
                    event_id=name,
                    type="refund.created",
                    source=EventSource.WEBHOOK,
                    payload=b"{}",
                    received_at=NOW,
                    state=state,
                    due_at=NOW,
                    gift_id=gift.id,
                )
            )
    assert search(site, "evt_1").headers["location"] == f"/finance/gifts/{gift.id}"
    assert search(site, "evt_2").headers["location"].startswith("/finance/set-aside/")
    assert found(search(site, "evt_3")) == {}


@pytest.mark.parametrize("typed", ["C1A 2B3-D4", "c1a2b3d4", "C1A-2B"])
def test_a_bank_reference_leads_to_its_gift(site_on_each: FinanceSite, typed: str) -> None:
    """A bank's reference, in any spelling, or its beginning, opens the gift that it confirms."""
    site = site_on_each
    gift = site.gift("a")
    add_fact(site, gift, FactKind.TRANSFER_RECEIVED, "C1A2B3D4#0", 5_000, note="from his brother")
    answer = search(site, typed)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/finance/gifts/{gift.id}")
    page = search(site, "brother")
    assert (found(page), marked(page)) == ({"note": [gift.reference]}, ["from his [brother]"])


def test_tributes_and_notes_are_found(site_on_each: FinanceSite) -> None:
    """The name in a tribute and the words of a note are found; a long note is shown shortened."""
    site = site_on_each
    note = "x " * 100 + "for the new roof" + " y" * 100
    gift = give(site.database, "a", tribute_kind="memory", tribute_name="Élodie Roy", note=note)
    page = search(site, "roy elodie")
    assert found(page) == {"tribute": [gift.reference]}
    assert marked(page) == ["[Élodie] [Roy]"]
    (shown,) = marked(search(site, "ROOF new"))
    assert "for the [new] [roof] y" in shown
    assert shown.startswith("…")
    assert len(shown) < 160


def test_a_month_is_found_by_its_donor(site_on_each: FinanceSite) -> None:
    """Each month of a monthly gift is found by the donor's name, newest first."""
    site = site_on_each
    first = gifts_and_events.give(site.database, frequency="monthly")
    with site.database.writing() as session:
        month = open_month(session, first.id, "in_2", Money(5_000, "CAD"), invoiced_at=NOW, now=NOW)
    page = search(site, "ann")
    assert found(page)["name"] == [month.reference, first.reference]


def test_many_hits_are_cut_off(site: FinanceSite) -> None:
    """Of many hits the newest are shown, and a sentence says that there are more."""
    with site.database.writing() as session:
        gifts = [put_gift(session, f"g{i}", now=NOW) for i in range(HITS_OF_A_KIND + 1)]
    page = search(site, "tremblay")
    assert found(page)["name"] == [gift.reference for gift in gifts[:0:-1]]
    assert "Only the newest 50 are shown" in page.text
    assert "Only the newest" not in search(site, "nobody").text


def test_what_cannot_be_found_is_named(site: FinanceSite) -> None:
    """If nothing is found, the page repeats what was typed, and says what can be searched."""
    page = search(site, "<b>nobody</b>", role=Role.VIEWER)
    assert "Nothing found for “&lt;b&gt;nobody&lt;/b&gt;”." in page.text
    assert 'value="&lt;b&gt;nobody&lt;/b&gt;"' in page.text
    assert "What you can search for" in page.text
    assert "What you can search for" in search(site, "").text


def test_donors_are_found_once(site_on_each: FinanceSite) -> None:
    """The suggestions for a typed text have each donor once, with the donor's newest row."""
    site = site_on_each
    for key in ("a", "b"):
        give(site.database, key, email="ann@example.org")
    last = give(site.database, "c", email="Ann@example.org")
    give(site.database, "d", email="lee@example.org")
    with site.database.reading() as session:
        by_name = search_donors(session, "le an", 5)
        assert [donor.email for donor in by_name] == ["lee@example.org", "Ann@example.org"]
        assert by_name[1].id == last.donor_id
        assert [donor.id for donor in search_donors(session, "ann@exa", 5)] == [last.donor_id]
        assert len(search_donors(session, "lee", 1)) == 1
        assert search_donors(session, "\0", 5) == []


@pytest.mark.parametrize("typed", ["4242", "•••• 4242", "Visa ending in 4242", " x4242 "])
def test_the_last_digits_of_a_card_find_a_monthly_gift(
    site_on_each: FinanceSite, typed: str
) -> None:
    """The last four digits of a card or bank account find the monthly gift that it pays."""
    site = site_on_each
    for key, digits in (("a", "4242"), ("b", "4243"), ("c", "")):
        method: Any = {"payment_method": "pm_1", "last4": digits} if digits else {}
        add_fact(site, site.gift(key), FactKind.PLEDGE_CHANGED, f"evt_{key}", **method)
    page = search(site, typed)
    assert list(found(page)) == ["card"]
    assert marked(page) == ["•••• [4242]"]


@pytest.mark.parametrize("typed", ["242", "14242", "42424", "4242 4242", "4242 visa"])
def test_other_digits_find_no_card(site_on_each: FinanceSite, typed: str) -> None:
    """Only a text that ends in exactly four digits, without others before, can mean a card."""
    site = site_on_each
    add_fact(site, site.gift("a"), FactKind.PLEDGE_CHANGED, "evt_a", last4="4242")
    assert "card" not in found(search(site, typed))


HOSTILE = [
    *('"', "'", "''", '""', '"*', "*", "-", "--", "( )", "NOT", "AND OR NOT", "NEAR(a b)", "a:*"),
    *("name:ann", "^ann", "ann*", "a & b | !c", "<->", "\\", "\\'", "':*", "%", "_", "[", "{}"),
    *("\0", "ann\0", "\ud800", "\u202e", "\u3000", "...", "…", "😀", "\U000e0041", "\ufdfa" * 300),
    *("a" * 10_000, "a " * 5_000, "é" * 5_000, "pi_", "pi_" + "x" * 300, "cs_%", "@", "@@", "a@"),
    *("0" * 400, "1" * 30, "9" * 300, "1e9", "NaN", "-5", "٥٠", "LWCAN-", "#", "；DROP TABLE gift"),
]


@pytest.mark.parametrize("typed", HOSTILE, ids=map(str, range(len(HOSTILE))))
def test_no_text_is_too_odd(site_on_each: FinanceSite, typed: str) -> None:
    """Whatever is typed, the search answers with a page or leads to a gift."""
    site = site_on_each
    site.gift(name="Ann Lee")
    query = quote(typed.encode("utf-8", "surrogatepass"))
    answer = site.signed_in().get(f"/finance/search?q={query}")
    assert answer.status_code in (200, 303)
    with site.database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM gift")).scalar_one() == 1
