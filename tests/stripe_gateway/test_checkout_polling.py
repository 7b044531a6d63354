"""Without a webhook, checkout sessions are polled, and each payment counts once."""

import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from donate.clock import FixedClock
from donate.gifts.queries import facts_of
from donate.storage.database import Database
from donate.stripe_gateway.requests.checkout_polling import CheckoutPoller
from donate.stripe_gateway.webhooks.inbox import Inbox
from tests.real_parts import SECRET_KEY
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.checkouts import client_of
from tests.stripe_gateway.gifts_and_events import facts_now, settle, settler_of, stored_events
from tests.stripe_gateway.polling import World

EVERY_SESSION = "/v1/checkout/sessions/*"


@pytest.fixture
def world(database: Database, sandbox: RunningSandbox) -> Iterator[World]:
    clock = FixedClock(datetime.now(UTC))
    client = client_of(sandbox, deadline_s=3.0, per_attempt_s=0.3)
    settler = settler_of(database, clock)
    inbox = Inbox(database, on_stored=lambda: None)
    poller = CheckoutPoller(database, client, inbox, settler, clock)
    yield World(database, sandbox, clock, client, settler, poller)
    client.close()


def test_a_donor_who_looks_is_told(world: World) -> None:
    """A donor who returns before the webhook gets the gift confirmed by one call to Stripe."""
    gift = world.paid()
    world.poller.poll_gift(gift.id)
    assert world.status(gift) == "confirmed"


def test_the_gift_s_day_is_the_payment_s(world: World) -> None:
    """Polled two days later, the gift still has the time at which the card was charged."""
    gift, session_id = world.opened()
    charged = world.sandbox.pay(session_id)["charge"]["created"]
    world.later(days=2)
    world.poller.poll_gift(gift.id)
    with world.database.reading() as session:
        paid = next(f for f in facts_of(session, gift.id) if f.kind == "payment_succeeded")
    assert paid.happened_at == datetime.fromtimestamp(charged, UTC)


def test_the_day_of_a_debit_is_the_bank_s(world: World) -> None:
    """Polled weeks later, a bank debit has the day on which its money arrived."""
    gift, session_id = world.opened("bank_debit")
    world.sandbox.pay(session_id, outcome="processing")
    came = int((world.clock.now() + timedelta(days=4)).timestamp())
    world.sandbox.control("POST", "/_sandbox/clock", now=came)
    world.sandbox.control("POST", "/_sandbox/settle", session=session_id, succeed=True)
    world.later(days=20)
    world.poller.poll_gift(gift.id)
    with world.database.reading() as session:
        paid = next(f for f in facts_of(session, gift.id) if f.kind == "payment_succeeded")
    assert abs(paid.happened_at.timestamp() - came) < 60


def test_a_bank_that_said_no_is_heard(world: World) -> None:
    """Polling finds a delayed payment that failed."""
    gift, session_id = world.opened()
    world.sandbox.control("POST", "/_sandbox/pay", session=session_id, outcome="processing")
    world.poller.poll_gift(gift.id)
    assert world.status(gift) == "processing"
    world.sandbox.control("POST", "/_sandbox/settle", session=session_id, succeed=False)
    world.later(minutes=1)
    world.poller.poll_gift(gift.id)
    assert world.status(gift) == "failed"


def test_an_open_session_tells_nothing(world: World) -> None:
    """Polling an unpaid session leaves the gift as it is."""
    gift, _ = world.opened()
    world.poller.poll_gift(gift.id)
    assert (world.status(gift), stored_events(world.database)) == ("awaited", [])


def test_one_donor_s_impatience_is_one_call(world: World) -> None:
    """Many looks at a page, even at the same time, call Stripe once in four seconds."""
    gift, _ = world.opened()
    with ThreadPoolExecutor(8) as lookers:
        list(lookers.map(world.poller.poll_gift, [gift.id] * 8))
    world.poller.poll_gift(gift.id)
    assert world.calls() == 1
    world.later(seconds=4)
    world.poller.poll_gift(gift.id)
    assert world.calls() == 2


def test_we_ask_by_ourselves(world: World) -> None:
    """The worker polls a session three minutes after it opened, and not earlier."""
    gift = world.paid()
    world.later(seconds=179)
    assert world.poller.ask_due() == 0
    world.later(seconds=1)
    assert world.poller.ask_due() == 1
    world.settle()
    assert world.status(gift) == "confirmed"
    world.later(days=10)
    assert (world.poller.ask_due(), world.calls()) == (0, 1)


def test_we_do_not_ask_for_ever(world: World) -> None:
    """A session that stays open is polled at least once a day, and no more after three weeks."""
    world.opened()
    hours_asked = []
    for hour in range(1, 24 * 22):
        world.later(hours=1)
        if world.poller.ask_due():
            hours_asked.append(hour)
    pauses = [later - earlier for earlier, later in itertools.pairwise([0, *hours_asked])]
    assert max(pauses) < 24
    assert 20 * 24 < hours_asked[-1] < 21 * 24
    assert len(hours_asked) < 50


def test_several_workers_ask_once(world: World) -> None:
    """Two workers at the same time poll each session once."""
    gifts = [world.paid() for _ in range(5)]
    world.later(minutes=3)
    with ThreadPoolExecutor(2) as workers:
        counts = list(workers.map(lambda _: world.poller.ask_due(), range(2)))
    while world.poller.ask_due():
        pass
    assert (sum(counts) <= 5, world.calls()) == (True, 5)
    world.settle()
    assert {world.status(gift) for gift in gifts} == {"confirmed"}


def test_the_webhook_comes_after_all(world: World) -> None:
    """The polled session and its later webhook are one fact and one gift."""
    gift = world.paid()
    world.poller.poll_gift(gift.id)
    before = facts_now(world.database, gift)
    (webhook,) = [event for event in events(world) if event["type"] == "checkout.session.completed"]
    settle(world.database, webhook, clock=world.clock)
    assert [row.state for row in stored_events(world.database)] == ["settled", "settled"]
    assert facts_now(world.database, gift) == before


def events(world: World) -> list[dict[str, object]]:
    """Return every event of the sandbox as Stripe lists it."""
    answer = world.sandbox.http.get(
        "/v1/events", params={"limit": 100}, headers={"authorization": f"Bearer {SECRET_KEY}"}
    )
    answer.raise_for_status()
    events: list[dict[str, object]] = answer.json()["data"]
    return events


@pytest.mark.parametrize("kind", ["500", "429", "401", "reset_before", "hang", "list_200", "400"])
def test_a_stripe_that_is_down_is_no_error_of_ours(world: World, kind: str) -> None:
    """An error at Stripe breaks neither page nor worker; polling confirms the gift later."""
    gift = world.paid()
    world.sandbox.control(
        "POST",
        "/_sandbox/trouble",
        path=EVERY_SESSION,
        method="GET",
        kind=kind,
        times=10,
        seconds=0.5,
    )
    world.poller.poll_gift(gift.id)
    world.later(minutes=3)
    world.poller.ask_due()
    assert world.status(gift) == "awaited"
    world.sandbox.control("DELETE", "/_sandbox/trouble")
    world.later(minutes=12)
    assert world.poller.ask_due() == 1
    world.settle()
    assert world.status(gift) == "confirmed"


def test_a_stripe_that_hangs_is_asked_about_one_session_a_round(world: World) -> None:
    """After one timeout the worker stops for this round, and the other sessions stay due."""
    gifts = [world.paid() for _ in range(4)]
    world.later(minutes=3)
    world.sandbox.control(
        "POST",
        "/_sandbox/trouble",
        path=EVERY_SESSION,
        method="GET",
        kind="hang",
        times=8,
        seconds=0.8,
    )
    start = time.monotonic()
    assert world.poller.ask_due() == 0
    assert time.monotonic() - start < 3.5
    world.sandbox.control("DELETE", "/_sandbox/trouble")
    assert world.poller.ask_due() == 3
    world.settle()
    assert [world.status(gift) for gift in gifts].count("confirmed") == 3
