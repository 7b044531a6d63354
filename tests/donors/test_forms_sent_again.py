"""A card form that is sent again opens no checkout session that the breaker does not count."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from httpx2 import Response

from donate.breaker.counters import window_sums
from donate.breaker.levels import pressure_name
from donate.breaker.models import Lane, SwitchPosition
from donate.breaker.switch import set_switch
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.storage.database import Database
from tests.donors.visitor import Visitor, visiting
from tests.links import token_of
from tests.sandbox.running import RunningSandbox, run_sandbox
from tests.stripe_gateway.checkouts import sessions
from tests.stripe_gateway.gifts_and_events import facts_now


@dataclass(frozen=True)
class Donor:
    """A donor who sends one and the same form as often as they like."""

    visitor: Visitor
    stripe: RunningSandbox
    nonce: str

    def give(self) -> Response:
        return self.visitor.give(nonce=self.nonce, mode="card")

    def give_instead(self, gift: Gift, language: str = "en-CA") -> Response:
        path = f"/gifts/{token_of(gift)}/instead?lang={language}"
        return self.visitor.post(path, mode="card")

    def opened(self) -> int:
        """Return how many gifts by card the breaker counted."""
        name = pressure_name(Lane.STRIPE, "opened")
        with self.visitor.database.reading() as session:
            return window_sums(session, [name], datetime.now(UTC))[name]

    def pause(self) -> None:
        with self.visitor.database.writing() as session:
            set_switch(session, SwitchPosition.PAUSE, "shell", now=datetime.now(UTC))

    def end_session(self, gift: Gift) -> None:
        kinds = dict(facts_now(self.visitor.database, gift))
        ended = Fact(
            FactKind.CHECKOUT_EXPIRED,
            kinds[FactKind.CHECKOUT_OPENED],
            datetime.now(UTC),
            "stripe",
        )
        with self.visitor.database.writing() as session:
            record_facts(session, [(gift.id, ended)], now=datetime.now(UTC))

    def sessions(self) -> int:
        return sum(sessions(self.stripe).values())


@contextmanager
def giving(database: Database, url: str) -> Iterator[Donor]:
    with run_sandbox() as stripe:
        host = stripe.url.removeprefix("http://")
        settings = {"stripe_api_base": stripe.url, "checkout_hosts": host}
        with visiting(database, url, **settings) as visitor:
            yield Donor(visitor, stripe, visitor.nonce())


@pytest.fixture
def donor(database: Database, database_url: str) -> Iterator[Donor]:
    with giving(database, database_url) as donor:
        yield donor


def test_a_double_tap_is_not_challenged(donor: Donor) -> None:
    """A form that is sent again leads to its open session, even while card gifts pause."""
    url = donor.give().headers["location"]
    assert url.startswith(donor.stripe.url)
    donor.pause()
    assert [donor.give().headers["location"] for _ in range(3)] == [url] * 3
    assert (donor.sessions(), donor.opened()) == (1, 1)


def test_an_ended_session_is_not_followed_by_a_free_one(donor: Donor) -> None:
    """Once its session has ended, a form leads to the gift's page, where each session counts."""
    donor.give()
    (gift,) = donor.visitor.gifts()
    donor.end_session(gift)
    page = f"/gifts/{token_of(gift)}"
    assert {donor.give().headers["location"] for _ in range(3)} == {page}
    assert (donor.sessions(), donor.opened()) == (1, 1)
    paying = donor.visitor.post(f"{page}/checkout")
    assert paying.headers["location"].startswith(donor.stripe.url)
    assert donor.give().headers["location"] == paying.headers["location"]
    assert (donor.sessions(), donor.opened()) == (2, 2)


def test_a_session_that_stripe_refused_is_counted_again(donor: Donor) -> None:
    """If Stripe refused the session, a form that is sent again counts like a new gift."""
    trouble = {"path": "/v1/checkout/sessions", "method": "POST", "times": 1}
    donor.stripe.control("POST", "/_sandbox/trouble", kind="400", **trouble)
    assert "problem=refused" in donor.give().headers["location"]
    assert donor.give().headers["location"].startswith(donor.stripe.url)
    assert (donor.sessions(), donor.opened()) == (1, 2)
    (gift,) = donor.visitor.gifts()
    donor.end_session(gift)
    donor.pause()
    assert donor.give().headers["location"] == f"/gifts/{token_of(gift)}"
    assert donor.visitor.post(f"/gifts/{token_of(gift)}/checkout").status_code == 429
    assert (donor.sessions(), donor.opened()) == (1, 2)


def test_an_unanswered_request_counts_once(donor: Donor) -> None:
    """If Stripe's answer was lost, the form gets the session that Stripe made, uncounted."""
    trouble = {"path": "/v1/checkout/sessions", "method": "POST", "times": 1}
    donor.stripe.control("POST", "/_sandbox/trouble", kind="no_url", **trouble)
    assert "problem=page" in donor.give().headers["location"]
    donor.pause()
    assert donor.give().headers["location"].startswith(donor.stripe.url)
    assert (donor.sessions(), donor.opened()) == (1, 1)


def test_a_session_in_another_language_is_counted(donor: Donor) -> None:
    """Giving another way in the other language counts each session that it opens."""
    gift = donor.visitor.open_gift(mode="interac")
    url = donor.give_instead(gift).headers["location"]
    assert donor.give_instead(gift).headers["location"] == url
    assert (donor.sessions(), donor.opened()) == (1, 1)
    french = donor.give_instead(gift, "fr-CA").headers["location"]
    assert french != url
    assert (donor.sessions(), donor.opened()) == (2, 2)
    donor.pause()
    assert donor.give_instead(gift, "fr-CA").headers["location"] == french
    assert donor.give_instead(gift).status_code == 429
    assert (donor.sessions(), donor.opened()) == (2, 2)
