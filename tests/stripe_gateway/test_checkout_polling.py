"""If no webhook arrives, checkout sessions are polled, and each payment counts once."""

import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from donate.clock import FixedClock
from donate.gifts.queries import facts_of
from donate.storage.database import Database
from donate.stripe_gateway.webhooks.inbox import Inbox
from tests.real_parts import SECRET_KEY
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.checkouts import client_of
from tests.stripe_gateway.gifts_and_events import facts_now, settle, settler_of, stored_events
from tests.stripe_gateway.polling import World, poller_of

EVERY_SESSION = "/v1/checkout/sessions/*"


@pytest.fixture
def world(database: Database, sandbox: RunningSandbox) -> Iterator[World]:
    clock = FixedClock(datetime.now(UTC))
    client = client_of(sandbox, deadline_s=3.0, per_attempt_s=0.3)
    settler = settler_of(database, clock)
    inbox = Inbox(database, on_stored=lambda: None)
    poller = poller_of(database, client, inbox, settler, clock)
    yield World(database, sandbox, clock, client, settler, poller)
    client.close()


def test_a_returning_donor_sees_the_gift_confirmed(world: World) -> None:
    """When a donor returns before the webhook, polling the session confirms the gift."""
    gift = world.paid()
    world.poller.poll_gift(gift.id)
    assert world.status(gift) == "confirmed"


def test_a_polled_card_payment_has_the_time_of_its_charge(world: World) -> None:
    """A card payment that polling finds days later has the time of its charge."""
    gift, session_id = world.opened()
    charged = world.sandbox.pay(session_id)["charge"]["created"]
    world.later(days=2)
    world.poller.poll_gift(gift.id)
    with world.database.reading() as session:
        paid = next(f for f in facts_of(session, gift.id) if f.kind == "payment_succeeded")
    assert paid.happened_at == datetime.fromtimestamp(charged, UTC)


def test_a_polled_debit_has_the_time_of_its_arrival(world: World) -> None:
    """A bank debit that polling finds weeks later has the time at which its money arrived."""
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


def test_polling_finds_a_failed_debit(world: World) -> None:
    """Polling finds that a processing payment has failed."""
    gift, session_id = world.opened()
    world.sandbox.control("POST", "/_sandbox/pay", session=session_id, outcome="processing")
    world.poller.poll_gift(gift.id)
    assert world.status(gift) == "processing"
    world.sandbox.control("POST", "/_sandbox/settle", session=session_id, succeed=False)
    world.later(minutes=1)
    world.poller.poll_gift(gift.id)
    assert world.status(gift) == "failed"


def test_polling_an_unpaid_session_changes_nothing(world: World) -> None:
    """Polling an unpaid session neither changes the gift nor stores an event."""
    gift, _ = world.opened()
    world.poller.poll_gift(gift.id)
    assert (world.status(gift), stored_events(world.database)) == ("awaited", [])


def test_reloading_the_page_calls_stripe_once(world: World) -> None:
    """However often a donor loads the page, Stripe is called at most once in four seconds."""
    gift, _ = world.opened()
    with ThreadPoolExecutor(8) as lookers:
        list(lookers.map(world.poller.poll_gift, [gift.id] * 8))
    world.poller.poll_gift(gift.id)
    assert world.calls() == 1
    world.later(seconds=4)
    world.poller.poll_gift(gift.id)
    assert world.calls() == 2


def test_the_pause_grows_with_the_session(world: World) -> None:
    """Between two polls is a tenth of the session's age at the first, but at most a minute."""
    gift, _ = world.opened()
    asked: list[int] = []
    for second in range(1_300):
        world.later(seconds=1)
        before = world.clock.now()
        if second >= 60 and world.poller.poll_gift(gift.id) == before:
            asked.append(second)
        if len(asked) == 3:
            break
    pauses = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert pauses == [7, 7]
    time.sleep(1)  # until a turn is free again
    world.later(days=1)
    world.poller.poll_gift(gift.id)
    world.later(seconds=59)
    assert world.poller.poll_gift(gift.id) == world.clock.now() - timedelta(seconds=59)
    world.later(seconds=1)
    assert world.poller.poll_gift(gift.id) == world.clock.now()


def test_pages_share_the_turns(world: World) -> None:
    """When the turns are used up, a page asks nothing, and says when Stripe was asked last."""
    gifts = [world.opened()[0] for _ in range(4)]
    start = world.clock.now()
    for gift in gifts:
        assert world.poller.poll_gift(gift.id) == start
    time.sleep(1)
    world.later(minutes=5)
    # Three of those who ask again find a turn, and the fourth does not.
    assert [world.poller.poll_gift(gift.id) for gift in gifts[:3]] == [world.clock.now()] * 3
    assert world.poller.poll_gift(gifts[3].id) == start
    assert world.calls() == 7
    # Who asks for the first time still finds one.
    assert world.poller.poll_gift(world.opened()[0].id) == world.clock.now()


def test_the_worker_polls_after_three_minutes(world: World) -> None:
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


def test_polling_ends_after_three_weeks(world: World) -> None:
    """A session that stays open is polled at least once a day, and for three weeks at most."""
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


def test_two_workers_poll_each_session_once(world: World) -> None:
    """Two workers that poll at the same time call Stripe once for each session."""
    gifts = [world.paid() for _ in range(5)]
    world.later(minutes=3)
    with ThreadPoolExecutor(2) as workers:
        counts = list(workers.map(lambda _: world.poller.ask_due(), range(2)))
    while world.poller.ask_due():
        pass
    assert (sum(counts) <= 5, world.calls()) == (True, 5)
    world.settle()
    assert {world.status(gift) for gift in gifts} == {"confirmed"}


def test_a_webhook_after_polling_adds_no_fact(world: World) -> None:
    """If a payment was found by polling, its later webhook adds no fact."""
    gift = world.paid()
    world.poller.poll_gift(gift.id)
    before = facts_now(world.database, gift)
    (webhook,) = [event for event in events(world) if event["type"] == "checkout.session.completed"]
    settle(world.database, webhook, clock=world.clock)
    assert [row.state for row in stored_events(world.database)] == ["settled", "settled"]
    assert facts_now(world.database, gift) == before


def events(world: World) -> list[dict[str, object]]:
    """Return every event that the sandbox lists."""
    answer = world.sandbox.http.get(
        "/v1/events", params={"limit": 100}, headers={"authorization": f"Bearer {SECRET_KEY}"}
    )
    answer.raise_for_status()
    events: list[dict[str, object]] = answer.json()["data"]
    return events


@pytest.mark.parametrize("kind", ["500", "429", "401", "reset_before", "hang", "list_200", "400"])
def test_polling_survives_an_error_of_stripe(world: World, kind: str) -> None:
    """If Stripe answers with an error, polling raises nothing and confirms the gift later."""
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


@pytest.mark.alone
def test_one_timeout_ends_a_round_of_polling(world: World) -> None:
    """When polling one session times out, the worker leaves the other sessions for later."""
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
