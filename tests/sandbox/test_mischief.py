"""The sandbox's mischief is random faults in webhooks and answers, which its seed decides."""

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
def lines_told() -> list[str]:
    return []


@pytest.fixture
def mischievous(lines_told: list[str], receiver: Receiver) -> Iterator[RunningSandbox]:
    """A sandbox started with a seed for its mischief, as by `donate sandbox --mischief 4`."""
    mischief: dict[str, Any] = {"mischief_seed": 4, "report_mischief": lines_told.append}
    with run_sandbox(webhook_url=receiver.url, **mischief) as sandbox:
        yield sandbox


def test_without_a_seed_there_is_none(world: World) -> None:
    """Without a seed there is no mischief: every event arrives once, and no answer goes wrong."""
    world.pay(5)
    assert Counter(event["id"] for event in world.arrived()) == dict.fromkeys(world.made_ids(), 1)
    assert world.deeds() == []


def test_the_same_seed_does_the_same(world: World) -> None:
    """Requests get the same mischief with the same seed, and different mischief with another."""
    lines = []
    for seed in (11, 11, 12):
        world.sandbox.control("DELETE", "/_sandbox/state")
        world.begin(seed, *EVENT_KINDS, rate=0.5)
        world.pay(6)
        lines.append([deed["line"] for deed in world.deeds()])
    assert lines[0] == lines[1] != lines[2]
    assert len(lines[0]) > 6


def test_mischief_depends_only_on_seed_and_requests() -> None:
    """Two Mischief objects with one seed do the same to the same requests."""
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


def test_each_path_has_its_own_random_numbers() -> None:
    """Requests to one path do not change the mischief on another path."""
    falls = []
    for noise in (0, 7):
        mischief = Mischief(None, lambda _: None)
        mischief.begin(MischiefSettings(5))
        for _ in range(noise):
            mischief.trouble_for("GET", "/v1/events")
        falls.append([mischief.trouble_for("POST", "/v1/refunds") for _ in range(30)])
    assert falls[0] == falls[1]


def test_duplicates_arrive(world: World) -> None:
    """With `duplicate`, each event arrives two to five times, and the report says how often."""
    world.begin(1, "duplicate")
    world.pay(2)
    counts = Counter(event["id"] for event in world.arrived())
    assert set(counts) == world.made_ids()
    assert set(counts.values()) <= {2, 3, 4, 5}
    for deed in world.deeds():
        assert deed["line"].endswith(f"delivered {counts[deed['to']]} times")


def test_two_deliveries_come_at_once(world: World) -> None:
    """With `at_once`, an event is delivered twice at the same time."""
    world.begin(1, "at_once")
    world.receiver.delay_s = 0.3
    world.pay()
    assert set(Counter(event["id"] for event in world.arrived()).values()) == {2}
    assert world.receiver.most_at_once == 2


def test_later_events_overtake(world: World) -> None:
    """With `reorder`, some events arrive after later ones, and every event arrives once."""
    world.begin(3, "reorder", rate=0.5, time_scale=1.0)
    world.pay(5)
    order = [event.id for event in reversed(world.client.v1.events.list({"limit": 100}).data)]
    world.sandbox.control("POST", "/_sandbox/webhooks", flush=True)
    places = [order.index(event["id"]) for event in world.arrived()]
    assert sorted(places) == list(range(len(order)))
    held = {order.index(deed["to"]) for deed in world.deeds()}
    assert any(early in held and early < late for late, early in pairwise(places))


def test_delays_are_held_until_flushed(world: World) -> None:
    """With `delay`, events are held back until they are flushed."""
    world.begin(1, "delay", time_scale=100.0)
    world.pay()
    assert world.receiver.received == []
    assert world.deliveries()["held"] == world.deliveries()["pending"] == 4
    flushed = world.sandbox.control("POST", "/_sandbox/webhooks", flush=True)
    assert flushed["flushed"] == 4
    assert {event["id"] for event in world.arrived()} == world.made_ids()


def test_delays_end_by_themselves(world: World) -> None:
    """With `delay`, events arrive later even if they are not flushed."""
    world.begin(1, "delay")
    world.pay()
    assert len(world.arrived()) == 4


def test_a_dropped_event_is_still_listed(world: World) -> None:
    """With `drop`, events never arrive, and Stripe's list shows them as not delivered."""
    world.begin(1, "drop")
    world.pay()
    assert world.arrived() == []
    undelivered = world.client.v1.events.list({"delivery_success": False}).data
    assert {event.id for event in undelivered} == world.made_ids()


def test_old_versions_arrive(world: World) -> None:
    """With `old_version`, events arrive in the format of older API versions."""
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
    """Each kind of fault in an answer is in the report and in the request log."""
    world.begin(1, kind)
    # tests/sandbox/test_trouble.py checks how the SDK reacts to each kind.
    with suppress(stripe.StripeError):
        world.client.v1.checkout.sessions.create(SESSION)
    (deed,) = world.deeds()
    assert (deed["kind"], deed["to"]) == (kind, "POST /v1/checkout/sessions")
    (logged,) = world.sandbox.control("GET", "/_sandbox/requests")
    assert logged["trouble"] == kind


def test_mischief_stops_without_a_seed(world: World) -> None:
    """Setting the seed to None stops mischief; the report of it is kept until a new seed is set."""
    world.begin(1, "drop")
    world.pay()
    world.begin(None)
    world.pay()
    assert len(world.arrived()) == len(world.deeds()) == 4
    world.begin(1, "drop")
    assert world.deeds() == []


def test_a_rate_is_kept() -> None:
    """With a mischief rate of 0.2, about a fifth of all requests get a fault."""
    failures = 0
    for seed in range(500):
        mischief = Mischief(None, lambda _: None)
        mischief.begin(MischiefSettings(seed, rate=0.2))
        failures += mischief.trouble_for("GET", "/v1/charges") is not None
    assert 70 < failures < 130


def test_invalid_settings_are_refused(world: World) -> None:
    """Mischief with an unknown kind, no kinds or an invalid rate is refused."""
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


def test_mischief_from_the_command_line_is_reported(
    mischievous: RunningSandbox, lines_told: list[str], http_client: stripe.HTTPClient
) -> None:
    """With `donate sandbox --mischief 4`, every fault is reported, and a reset keeps the seed."""
    client = client_of(mischievous, http_client)
    mischievous.control("POST", "/_sandbox/mischief", seed=4, time_scale=QUICK)
    for _ in range(8):
        try:
            mischievous.pay(client.v1.checkout.sessions.create(SESSION).id)
        except (stripe.StripeError, AttributeError):
            continue
    deeds = mischievous.control("GET", "/_sandbox/mischief")["done"]
    assert [deed["line"] for deed in deeds] == lines_told
    assert any("/v1/checkout/sessions " in line for line in lines_told)
    assert any(line.startswith("evt_1") for line in lines_told)
    mischievous.control("DELETE", "/_sandbox/state")
    assert mischievous.control("GET", "/_sandbox/mischief")["seed"] == 4
