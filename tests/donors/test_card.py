"""A card gift is recorded before Stripe is asked; a failing Stripe causes no error page."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from donate.clock import SystemClock
from donate.donors.challenge_page import ChallengePage
from donate.donors.first_step import FirstStep
from donate.donors.give_pages import DonorPages
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.queries import facts_of
from donate.modes import Instructions, Redirect
from donate.regions.modes import Mode
from donate.regions.regions import load_regions
from donate.storage.database import Database
from donate.web.templating import Pages
from donate.wiring.parts import build_parts
from tests.donors.visitor import REGIONS, Visitor, visiting, words_of
from tests.links import LINKS, token_of
from tests.real_parts import make_settings
from tests.sandbox.running import run_sandbox


@pytest.fixture
def card_visitor(database: Database, database_url: str) -> Iterator[Visitor]:
    """A client of a service whose Stripe is the sandbox."""
    with run_sandbox() as stripe:
        host = stripe.url.removeprefix("http://")
        settings = {"stripe_api_base": stripe.url, "checkout_hosts": host}
        with visiting(database, database_url, **settings) as visitor:
            yield visitor


def test_to_the_card_page(card_visitor: Visitor) -> None:
    """The form, a second click, and the gift page's button lead to the same Stripe page."""
    nonce = card_visitor.nonce()
    url = card_visitor.give(nonce=nonce, mode="card").headers["location"]
    assert "/gifts/" not in url
    assert card_visitor.give(nonce=nonce, mode="card").headers["location"] == url
    (gift,) = card_visitor.gifts()
    assert card_visitor.post(f"/gifts/{token_of(gift)}/checkout").headers["location"] == url
    assert gift.status == "awaited"


def test_to_the_card_page_in_another_language(card_visitor: Visitor) -> None:
    """A donor who changes the language on the gift page gets Stripe's page in that language."""
    url = card_visitor.give(mode="card").headers["location"]
    (gift,) = card_visitor.gifts()
    pay = f"/gifts/{token_of(gift)}/checkout"
    french = card_visitor.post(f"{pay}?lang=fr-CA").headers["location"]
    assert french != url
    assert card_visitor.post(f"{pay}?lang=fr-CA").headers["location"] == french


def test_recorded_before_stripe_is_asked(first_visitor: Visitor) -> None:
    """If Stripe is down, the gift is recorded, and the gift page says what to do."""
    answer = first_visitor.give(mode="card")
    (gift,) = first_visitor.gifts()
    assert gift.status == "awaited"
    assert answer.headers["location"] == f"/gifts/{token_of(gift)}?problem=page"
    page = first_visitor.get(answer.headers["location"]).text
    words = words_of(page)
    assert "We can’t open the payment page right now" in words
    assert "We’ve saved your gift, and nothing was charged." in words
    assert "Try again" in words
    assert "Give by Interac e-Transfer instead" in words
    assert "Error" not in words
    again = first_visitor.post(f"/gifts/{token_of(gift)}/checkout")
    assert again.headers["location"] == f"/gifts/{token_of(gift)}?problem=page"
    assert len(first_visitor.gifts()) == 1


def test_what_stripe_refuses_can_be_given_another_way(
    database: Database, database_url: str
) -> None:
    """If Stripe refuses a payment, the page offers other modes; a fact records the reason."""
    with run_sandbox() as stripe:
        host = stripe.url.removeprefix("http://")
        settings = {"stripe_api_base": stripe.url, "checkout_hosts": host}
        with visiting(database, database_url, **settings) as visitor:
            trouble = {"path": "/v1/checkout/sessions", "method": "POST", "times": 1}
            stripe.control("POST", "/_sandbox/trouble", kind="400", **trouble)
            url = visitor.give(mode="card").headers["location"]
            (gift,) = visitor.gifts()
            assert url == f"/gifts/{token_of(gift)}?problem=refused"
            words = words_of(visitor.get(url).text)
            assert "This payment method didn’t work" in words
            assert "Nothing was charged." in words
            assert "Give by Interac e-Transfer instead" in words
            assert "Something about this request" not in words
            with database.reading() as session:
                evidence = [f.evidence for f in facts_of(session, gift.id) if f.kind.endswith("ed")]
            (refusal,) = (item for item in evidence if "request_id" in item)
            assert refusal["message"] == "Something about this request is invalid."
            assert refusal["request_id"].startswith("req_")


def test_other_modes_never_ask_stripe(visitor: Visitor) -> None:
    """An Interac gift is opened without asking Stripe, so it works while Stripe is down."""
    gift = visitor.open_gift(mode="interac")
    answer = visitor.post(f"/gifts/{token_of(gift)}/checkout")
    assert answer.headers["location"] == f"/gifts/{token_of(gift)}"


@pytest.mark.parametrize(
    ("query", "headline", "reloads"),
    [
        ("", "We haven’t received your payment yet", False),
        ("?back=paid", "Thank you! We’re confirming your payment", True),
        ("?back=cancelled", "Your payment isn’t complete", False),
        ("?problem=page", "We can’t open the payment page right now", False),
    ],
)
def test_the_query_does_not_decide_what_the_page_says(
    visitor: Visitor, query: str, headline: str, reloads: bool
) -> None:
    """`back=paid` in the URL does not make the gift page say that the gift is paid."""
    gift = visitor.open_gift(mode="card")
    page = visitor.get(f"/gifts/{token_of(gift)}{query}").text
    assert headline in words_of(page)
    assert ("data-reloads" in page) == reloads
    assert ("/checkout" in page) != reloads
    assert ("Check again" in words_of(page)) == reloads


@pytest.mark.parametrize(("look", "next_look"), [("", 1), ("&look=11", 12), ("&look=12", None)])
def test_a_page_without_script_looks_a_dozen_times(
    visitor: Visitor, look: str, next_look: int | None
) -> None:
    """Without JavaScript the page reloads every ten seconds, at most twelve times."""
    gift = visitor.open_gift(mode="card")
    page = visitor.get(f"/gifts/{token_of(gift)}?back=paid{look}").text
    assert ('http-equiv="refresh"' in page) == (next_look is not None)
    assert next_look is None or f"look={next_look}&amp;" in page


class NeverBegun:
    """A mode that fails the test if the service begins a payment."""

    def begin(
        self, gift: Gift, language: str = "", *, is_counted: bool = True
    ) -> Redirect | Instructions:
        raise AssertionError("begun")


@pytest.mark.parametrize(
    ("query", "polls"), [("?back=paid", 1), ("", 1), ("?back=cancelled", 1), ("?problem=page", 0)]
)
def test_the_page_asks_stripe_before_it_shows_unpaid(
    visitor: Visitor, database_url: str, query: str, polls: int
) -> None:
    """The page asks Stripe before it shows a gift as unpaid, unless Stripe has just failed."""
    gift = visitor.open_gift(mode="card")
    calls = []

    def look_again(polled_gift: Gift) -> datetime:
        calls.append(polled_gift.id)
        now = datetime.now(UTC)
        fact = Fact(
            kind=FactKind.PAYMENT_SUCCEEDED,
            source_id=f"pi_{gift.reference}",
            happened_at=now,
            actor="stripe",
            amount_minor=5_000,
            currency="CAD",
        )
        with visitor.database.writing() as session:
            record_facts(session, [(gift.id, fact)], now=now)
        return now

    app = FastAPI()
    parts = build_parts(make_settings(database_url))
    pages = DonorPages(
        visitor.database,
        load_regions(REGIONS),
        dict.fromkeys(Mode, NeverBegun()),
        Pages(demo=False, public_url="https://give.example.org", sends_emails=True),
        SystemClock(),
        first_step=FirstStep(
            *(visitor.database, dict.fromkeys(Mode, NeverBegun()), SystemClock()),
            breaker=parts.breaker,
            challenge_page=ChallengePage(Pages(), None),
            links=LINKS,
        ),
        pledges=parts.donor_pledges,
        look_again=look_again,
    )
    app.router.routes += pages.router.routes
    with TestClient(app) as client:
        first, second = (client.get(f"/gifts/{token_of(gift)}{query}").text for _ in range(2))
    assert len(calls) == polls
    assert ("Thank you, Anne Ouellet!" in words_of(first)) == bool(polls)
    parts.close()
    assert first == second
