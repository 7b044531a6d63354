"""Forged webhooks, which the sandbox can add to the real ones to test a receiver."""

import json
from collections import Counter
from typing import Any

import stripe

from donate.sandbox.mischief.forgery import possible_lies
from tests.real_parts import WEBHOOK_SECRET
from tests.sandbox.mischievous import World
from tests.sandbox.running import Received
from tests.sandbox.subscriptions import begin


def test_forged_events_name_real_gifts(world: World) -> None:
    """A forged event has a false amount for a real session, and may have a second fault."""
    world.begin(1, "forge")
    world.pay(12)
    paid = {
        s.id: s.amount_total for s in world.client.v1.checkout.sessions.list({"limit": 99}).data
    }
    lies = Counter[str]()
    for received in world.received():
        event = json.loads(received.body)
        thing = event["data"]["object"]
        if thing["object"] != "checkout.session" or thing["amount_total"] == paid[thing["id"]]:
            continue
        lies[lie_in(event, received)] += 1
    assert set(lies) == {"wrong_amount", "foreign_account", "other_livemode", "bad_signature"}
    assert lies.total() == len(world.deeds()) == 12


def lie_in(event: dict[str, Any], received: Received) -> str:
    """Return what gives a forged event away: its signature, account, mode or only its amount."""
    try:
        stripe.WebhookSignature.verify_header(
            received.body.decode(), received.signature, WEBHOOK_SECRET, tolerance=300
        )
    except stripe.SignatureVerificationError:
        return "bad_signature"
    if "account" in event:
        return "foreign_account"
    return "other_livemode" if event["livemode"] else "wrong_amount"


def test_forged_events_move_no_money(world: World) -> None:
    """Forged events change neither the sandbox's totals nor its list of events."""
    states = []
    for seed in (None, 1):
        world.sandbox.control("DELETE", "/_sandbox/state")
        world.begin(seed, "forge")
        world.pay(3)
        state = world.sandbox.control("GET", "/_sandbox/state")
        states.append((state["totals"], state["counts"], len(world.made_ids())))
    assert states[0] == states[1]


def test_a_later_month_is_forged_only_where_it_can_be_found_out(world: World) -> None:
    """A forgery with a valid signature has a false amount only if the receiver can notice that.

    A receiver does not know the amount of a later month, because the donor may have changed it.
    """
    subscription_id = begin(world.client, world.sandbox)["subscription"]
    world.sandbox.renew(subscription_id)
    later, first = world.client.v1.events.list({"type": "invoice.paid"}).data
    assert "wrong_amount" in possible_lies(first.to_dict())
    assert "wrong_amount" not in possible_lies(later.to_dict())
    created: Any = world.client.v1.events.list({"type": "invoice.created"}).data[0]
    assert possible_lies(created.to_dict()) == ()
