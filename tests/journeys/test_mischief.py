"""Even if Stripe misbehaves, our books match Stripe's."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlmodel import select

from donate.clock import SystemClock
from donate.gifts.audit import differences
from donate.gifts.models import Gift
from donate.stripe_gateway.models import EventState, StripeEvent
from donate.wiring.parts import Parts, build_parts
from tests.journeys.donor_steps import World
from tests.keys import key_of
from tests.real_parts import make_settings
from tests.stripe_gateway.without_webhooks import our_totals, their_totals
from tests.waiting import until

GIFTS = 12
# The factor for the pretend Stripe's delays: a minute takes a third of a second.
QUICK = 0.005


def give(world: World, number: int) -> str:
    """Give through the API, with retries; return the id of the checkout session to pay."""
    choice = {
        "code": "LWCAN",
        "mode": "card",
        "amount_minor": 1_000 + number,
        "currency": "CAD",
        "frequency": "once",
        "country": "CA",
        "donor": {"name": "Ann Lee", "email": "ann@example.com"},
    }
    headers = {"Idempotency-Key": key_of(f"donor {number}")}
    for _ in range(20):
        answer = world.http.post("/api/v1/gifts", json=choice, headers=headers)
        if answer.status_code == 201:
            return str(urlsplit(answer.json()["next"]["url"]).path.rpartition("/")[2])
        assert answer.status_code == 503, answer.text
    raise AssertionError("no session after twenty attempts")


def change_afterwards(world: World, number: int, intent: str) -> None:
    """After a payment, make a refund, a refund that fails later, a dispute, or nothing."""

    def use_control(name: str, **body: Any) -> dict[str, Any]:
        answer: dict[str, Any] = world.sandbox.control("POST", f"/_sandbox/{name}", **body)
        return answer

    match number % 4:
        case 0:
            use_control("refund", payment_intent=intent, amount=250)
        case 1:
            refund = use_control("refund", payment_intent=intent)["refund"]
            use_control(f"refund/{refund['id']}", status="failed")
        case 2:
            dispute = use_control("dispute", payment_intent=intent, inquiry=True)["dispute"]
            use_control(f"dispute/{dispute['id']}/escalate")


def catch_up(world: World, database_url: str) -> None:
    """Let Stripe deliver its delayed events, and run a catch-up for those never delivered."""
    world.sandbox.control("POST", "/_sandbox/mischief", seed=None)
    world.webhooks(flush=True)
    until(lambda: not world.sandbox.control("GET", "/_sandbox/state")["deliveries"]["pending"])
    with_stripe: dict[str, Any] = {
        "stripe_api_base": world.sandbox.url,
        "checkout_hosts": urlsplit(world.sandbox.url).netloc,
    }
    parts: Parts = build_parts(make_settings(database_url, **with_stripe), SystemClock())
    parts.inbox.start()
    try:
        parts.catchup.run(datetime.now(UTC) - timedelta(hours=1))
    finally:
        parts.inbox.stop()
        parts.close()


@pytest.mark.parametrize("seed", [4, 5])
def test_totals_match_although_stripe_misbehaves(
    world: World, database_url: str, seed: int
) -> None:
    """Our totals match Stripe's despite repeated, late, lost and forged events and bad answers."""
    options: dict[str, Any] = {"seed": seed, "rate": 0.4, "time_scale": QUICK}
    world.sandbox.control("POST", "/_sandbox/mischief", **options)
    for number in range(GIFTS):
        paid = world.sandbox.pay(give(world, number))["session"]
        change_afterwards(world, number, paid["payment_intent"])
    done = {
        misdeed["kind"] for misdeed in world.sandbox.control("GET", "/_sandbox/mischief")["done"]
    }
    assert {"drop", "duplicate", "forge"} <= done
    catch_up(world, database_url)
    until(lambda: our_totals(world.database) == their_totals(world.sandbox))
    with world.database.reading_snapshot() as session:
        assert list(differences(session)) == []
        statuses = {gift.status for gift in session.exec(select(Gift))}
        forged = select(StripeEvent).where(StripeEvent.event_id.startswith("evt_1Forged"))
        states = {event.state for event in session.exec(forged)}
    assert statuses == {"confirmed", "partly_refunded", "disputed"}
    assert states <= {EventState.SET_ASIDE, EventState.FOREIGN}
