"""Mischief follows from one seed: the same seed does the same, and each kind can be seen."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
import stripe

from donate.sandbox.mischief.mischief import ANSWER_KINDS, EVENT_KINDS, Mischief, MischiefSettings
from tests.sandbox.conftest import client_of
from tests.sandbox.mischievous import QUICK, World
from tests.sandbox.running import SESSION, Receiver, RunningSandbox, run_sandbox
from tests.sandbox.subscriptions import begin


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def mischievous(told: list[str], receiver: Receiver) -> Iterator[RunningSandbox]:
    """A sandbox that was started with a mischief seed, as `donate sandbox --mischief 4` does."""
    with run_sandbox(
        webhook_url=receiver.url, mischief_seed=4, report_mischief=told.append
    ) as sandbox:
        yield sandbox


def test_without_a_seed_there_is_none(world: World) -> None:
    """No event and no answer goes wrong until somebody asks for it."""
    world.pay(5)
    assert Counter(event["id"] for event in world.arrived()) == dict.fromkeys(world.made(), 1)
    assert world.done() == []


def test_the_same_seed_does_the_same(world: World) -> None:
    """The same requests under the same seed meet the same mischief, and under another, other."""
    lines = []
    for seed in (11, 11, 12):
        world.sandbox.control("DELETE", "/_sandbox/state")
        world.begin(seed, *EVENT_KINDS, rate=0.5)
        world.pay(6)
        lines.append([deed["line"] for deed in world.done()])
    assert lines[0] == lines[1] != lines[2]
    assert len(lines[0]) > 6


def test_dice_do_not_look_at_the_clock() -> None:
    """Thrown again in another process or at another time, they fall the same."""
    falls = []
    for _ in range(2):
        mischief = Mischief(None, lambda _: None)
        mischief.begin(MischiefSettings(5))
        requests = [("POST", "/v1/checkout/sessions"), ("GET", "/v1/events")] * 50
        falls.append([mischief.trouble_for(*request) for request in requests])
    assert falls[0] == falls[1]
    kinds = [trouble.kind for trouble in falls[0] if trouble]
    assert 15 < len(kinds) < 50
    assert len(set(kinds)) > 5


def test_one_address_does_not_disturb_the_other() -> None:
    """Dice are thrown for each address by itself, so that what others ask changes nothing."""
    falls = []
    for noise in (0, 7):
        mischief = Mischief(None, lambda _: None)
        mischief.begin(MischiefSettings(5))
        for _ in range(noise):
            mischief.trouble_for("GET", "/v1/events")
        falls.append([mischief.trouble_for("POST", "/v1/refunds") for _ in range(30)])
    assert falls[0] == falls[1]


def test_duplicates_arrive(world: World) -> None:
    """A duplicated event arrives two to five times, and its line says how often."""
    world.begin(1, "duplicate")
    world.pay(2)
    counts = Counter(event["id"] for event in world.arrived())
    assert set(counts) == world.made()
    assert set(counts.values()) <= {2, 3, 4, 5}
    for deed in world.done():
        assert deed["line"].endswith(f"delivered {counts[deed['to']]} times")


def test_two_deliveries_come_at_once(world: World) -> None:
    """Both connections are open at the same time, each with the same event."""
    world.begin(1, "at_once")
    world.receiver.delay_s = 0.3
    world.pay()
    assert set(Counter(event["id"] for event in world.arrived()).values()) == {2}
    assert world.receiver.most_at_once == 2


def test_later_events_overtake(world: World) -> None:
    """A held event goes out after later ones, and everything arrives once."""
    world.begin(3, "reorder", rate=0.5, time_scale=1.0)
    world.pay(5)
    order = [event.id for event in reversed(world.client.v1.events.list({"limit": 100}).data)]
    world.sandbox.control("POST", "/_sandbox/webhooks", flush=True)
    places = [order.index(event["id"]) for event in world.arrived()]
    assert sorted(places) == list(range(len(order)))
    held = {order.index(deed["to"]) for deed in world.done()}
    assert any(early in held and early < late for late, early in pairwise(places))


def test_delays_are_held_until_flushed(world: World) -> None:
    """What is delayed counts as held, and a flush delivers it at once."""
    world.begin(1, "delay", time_scale=100.0)
    world.pay()
    assert world.receiver.received == []
    assert world.deliveries()["held"] == world.deliveries()["pending"] == 4
    flushed = world.sandbox.control("POST", "/_sandbox/webhooks", flush=True)
    assert flushed["flushed"] == 4
    assert {event["id"] for event in world.arrived()} == world.made()


def test_delays_end_by_themselves(world: World) -> None:
    """Scaled to the patience of tests, a delay is over soon."""
    world.begin(1, "delay")
    world.pay()
    assert len(world.arrived()) == 4


def test_what_is_dropped_can_still_be_asked_for(world: World) -> None:
    """A dropped event never arrives, and stays in the list of what was not delivered."""
    world.begin(1, "drop")
    world.pay()
    assert world.arrived() == []
    undelivered = world.client.v1.events.list({"delivery_success": False}).data
    assert {event.id for event in undelivered} == world.made()


def test_old_versions_arrive(world: World) -> None:
    """Events come as an endpoint of an older version would get them, whichever it is."""
    world.begin(2, "old_version")
    for _ in range(3):
        begin(world.client, world.sandbox)
    events = world.arrived()
    assert {event["api_version"] for event in events} == {"2024-06-20", "2025-03-31.basil"}
    invoices = [event for event in events if event["type"] == "invoice.paid"]
    for event in invoices:
        is_old = event["api_version"] == "2024-06-20"
        assert ("subscription" in event["data"]["object"]) is is_old
        assert ("parent" in event["data"]["object"]) is not is_old


@pytest.mark.parametrize("kind", ANSWER_KINDS)
def test_answers_go_wrong(world: World, kind: str) -> None:
    """Each kind of trouble befalls an answer, is logged with the request, and has its line."""
    world.begin(1, kind)
    # What the SDK makes of each kind, tests/sandbox/test_trouble.py says.
    with suppress(stripe.StripeError):
        world.client.v1.checkout.sessions.create(SESSION)
    (deed,) = world.done()
    assert (deed["kind"], deed["to"]) == (kind, "POST /v1/checkout/sessions")
    (logged,) = world.sandbox.control("GET", "/_sandbox/requests")
    assert logged["trouble"] == kind


def test_it_stops_when_told(world: World) -> None:
    """Without a seed it stops at once; what was done stays listed until it begins again."""
    world.begin(1, "drop")
    world.pay()
    world.begin(None)
    world.pay()
    assert len(world.arrived()) == len(world.done()) == 4
    world.begin(1, "drop")
    assert world.done() == []


def test_a_rate_is_kept() -> None:
    """About as many requests go wrong as were asked for, over many seeds."""
    wrong = 0
    for seed in range(500):
        mischief = Mischief(None, lambda _: None)
        mischief.begin(MischiefSettings(seed, rate=0.2))
        wrong += mischief.trouble_for("GET", "/v1/charges") is not None
    assert 70 < wrong < 130


def test_a_lever_that_makes_no_sense_is_refused(world: World) -> None:
    """Unknown kinds, no kinds, and rates that are no share are refused."""
    refused: list[dict[str, Any]] = [
        {},
        {"seed": "one"},
        {"seed": 1, "kinds": ["prank"]},
        {"seed": 1, "kinds": []},
        {"seed": 1, "rate": 2},
        {"seed": 1, "time_scale": -1},
    ]
    for lever in refused:
        assert world.sandbox.http.post("/_sandbox/mischief", json=lever).status_code == 422


def test_a_seed_at_the_start_is_watched_on_the_terminal(
    mischievous: RunningSandbox, told: list[str], http_client: stripe.HTTPClient
) -> None:
    """Started with a seed, it tells each mischief in a line, and begins anew with that seed."""
    client = client_of(mischievous, http_client)
    mischievous.control("POST", "/_sandbox/mischief", seed=4, time_scale=QUICK)
    for _ in range(8):
        try:
            mischievous.pay(client.v1.checkout.sessions.create(SESSION).id)
        except (stripe.StripeError, AttributeError):
            continue
    done = mischievous.control("GET", "/_sandbox/mischief")["done"]
    assert [deed["line"] for deed in done] == told
    assert any("/v1/checkout/sessions " in line for line in told)
    assert any(line.startswith("evt_1") for line in told)
    mischievous.control("DELETE", "/_sandbox/state")
    assert mischievous.control("GET", "/_sandbox/mischief")["seed"] == 4
