"""A checkout session in which many cards were declined is ended at Stripe."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from donate.clock import FixedClock
from donate.gifts.models import Gift
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.models import OpenExpiry
from donate.stripe_gateway.requests.session_expiries import SessionExpiries
from donate.stripe_gateway.webhooks.card_testing import SESSION_MOST_DECLINES
from donate.stripe_gateway.webhooks.inbox import Inbox
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.checkouts import checkouts_of, client_of, kinds, sessions
from tests.stripe_gateway.gifts_and_events import event, give, settle, settler_of


class CardTester:
    """Somebody who opened a session and tries cards in it."""

    def __init__(self, database: Database, client: StripeClient) -> None:
        self.database = database
        self.clock = FixedClock(datetime.now(UTC))
        inbox = Inbox(database, on_stored=lambda: None)
        settler = settler_of(database, self.clock)
        self.expiries = SessionExpiries(database, client, inbox, settler, self.clock)
        self.gift = give(database, attempts=0)
        self.checkouts = checkouts_of(database, client, self.clock)
        self.session_id = self.open()
        self._declines = 0

    def open(self) -> str:
        return self.checkouts.open_for(self.gift).rpartition("/")[2]

    def be_declined(self, times: int) -> None:
        at = int(self.clock.now().timestamp())
        for _ in range(times):
            self._declines += 1
            settle(self.database, decline(self.gift, self._declines, created=at), clock=self.clock)

    def open_expiries(self) -> list[OpenExpiry]:
        with self.database.reading() as session:
            return list(session.exec(select(OpenExpiry)))


def decline(gift: Gift, number: int, **more: Any) -> dict[str, Any]:
    metadata = {"gift_id": str(gift.id)}
    charge = {"id": f"ch_declined_{number}", "object": "charge", "metadata": metadata}
    return event("charge.failed", charge, **more)


@pytest.fixture
def tester(database: Database, sandbox: RunningSandbox) -> Iterator[CardTester]:
    client = client_of(sandbox, deadline_s=3.0, per_attempt_s=0.3)
    yield CardTester(database, client)
    client.close()


def test_many_declines_end_the_session(tester: CardTester, sandbox: RunningSandbox) -> None:
    """After five declines Stripe is asked, once, to end the session; a new one begins anew."""
    tester.be_declined(SESSION_MOST_DECLINES - 1)
    assert tester.expiries.ask_due() == 0
    assert sessions(sandbox)["open"] == 1
    tester.be_declined(2)
    assert tester.expiries.ask_due() == 1
    assert tester.expiries.ask_due() == 0
    assert sessions(sandbox).get("open", 0) == 0
    assert "checkout_expired" in kinds(tester.database, tester.gift)
    tester.clock.instant += timedelta(seconds=3)
    assert tester.open() != tester.session_id
    tester.be_declined(1)
    assert tester.expiries.ask_due() == 0


def test_a_paid_session_is_left_alone(tester: CardTester, sandbox: RunningSandbox) -> None:
    """If the session was paid before it could be ended, nobody asks again."""
    tester.be_declined(SESSION_MOST_DECLINES)
    sandbox.pay(tester.session_id)
    tester.expiries.ask_due()
    assert [expiry.ask_at for expiry in tester.open_expiries()] == [None]


def test_an_outage_delays_the_end(tester: CardTester, sandbox: RunningSandbox) -> None:
    """If Stripe gives no answer, it is asked again ten seconds later."""
    tester.be_declined(SESSION_MOST_DECLINES)
    path = f"/v1/checkout/sessions/{tester.session_id}/expire"
    sandbox.control("POST", "/_sandbox/trouble", path=path, kind="hang", times=2)
    assert tester.expiries.ask_due() == 0
    sandbox.control("DELETE", "/_sandbox/trouble")
    assert tester.expiries.ask_due() == 0
    tester.clock.instant += timedelta(seconds=10)
    assert tester.expiries.ask_due() == 1
    assert sessions(sandbox).get("open", 0) == 0
