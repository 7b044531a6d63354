"""The state of a pledge for each status of its Stripe subscription, and why it ended."""

from typing import Any

import pytest

from donate.gifts.models import Gift
from donate.gifts.monthly.pledge_state import Pledge, PledgeState, pledge_of
from donate.gifts.queries import plain_facts_of
from donate.storage.database import Database
from donate.stripe_gateway.events.synthetic import as_subscription_event
from tests.stripe_gateway.gifts_and_events import AMOUNT, NOW, event_now, give, settle
from tests.stripe_gateway.months import subscription_event


def pledge_now(database: Database, gift: Gift) -> Pledge:
    with database.reading() as session:
        facts = plain_facts_of(session, gift.id)
    return pledge_of(facts, gift.amount)


LATER = int(NOW.timestamp()) + 30 * 86_400
ITEM = {"price": {"unit_amount": AMOUNT}, "quantity": 1}
SINCE_BASIL = {"items": {"data": [ITEM | {"current_period_end": LATER}]}}
BEFORE = {"items": {"data": [ITEM]}, "current_period_end": LATER}


@pytest.mark.parametrize(
    ("more", "ends_at"),
    [
        ({"cancel_at": LATER}, LATER),
        ({"cancel_at": LATER, "cancel_at_period_end": True}, LATER),
        ({"cancel_at_period_end": True, **SINCE_BASIL}, LATER),
        ({"cancel_at_period_end": True, **BEFORE}, LATER),
        ({"cancel_at_period_end": True}, None),
        ({"cancel_at_period_end": True, "current_period_end": 10**15}, None),
    ],
    ids=[
        "portal",
        "both",
        "flag since basil",
        "flag before basil",
        "flag without a period",
        "odd period",
    ],
)
def test_when_a_pledge_is_ending(
    database: Database, more: dict[str, Any], ends_at: int | None
) -> None:
    """A pledge is ending if Stripe gives an end time or the cancel_at_period_end flag."""
    gift = give(database, frequency="monthly")
    settle(
        database,
        subscription_event(gift, "created"),
        subscription_event(gift, "updated", at=1, **more),
    )
    pledge = pledge_now(database, gift)
    assert (pledge.state, pledge.is_ending) == (PledgeState.ACTIVE, True)
    assert (pledge.ends_at and int(pledge.ends_at.timestamp())) == ends_at
    settle(database, subscription_event(gift, "updated", at=2, cancel_at=None))
    assert pledge_now(database, gift).is_ending is False


def test_an_invalid_end_time_is_set_aside(database: Database) -> None:
    """A subscription event whose end time is invalid is set aside."""
    gift = give(database, frequency="monthly")
    updated = subscription_event(gift, "updated", cancel_at="soon")
    settle(database, updated)
    assert event_now(database, updated).reason == "cancel_at is not a time"


def test_a_new_end_time_gives_a_new_event_id() -> None:
    """Catch-up's event for a subscription has a new id whenever the end time has changed."""
    subscription = {"id": "sub_1", "status": "active", "items": {}, "cancel_at_period_end": False}
    names = [
        as_subscription_event(subscription | {"cancel_at": at}, NOW)["id"]
        for at in (None, LATER, LATER + 1)
    ]
    assert len(set(names)) == 3
    assert names[0] == as_subscription_event(subscription, NOW)["id"]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("trialing", PledgeState.NOT_CHARGED_YET),
        ("past_due", PledgeState.PAST_DUE),
        ("unpaid", PledgeState.UNPAID),
        ("paused", PledgeState.ON_HOLD),
        ("hibernating", PledgeState.UNKNOWN),
    ],
)
@pytest.mark.parametrize("step", ["created", "updated"])
def test_each_status_gives_a_state(
    database: Database, step: str, status: str, state: PledgeState
) -> None:
    """The status of a Stripe subscription gives the state of the pledge."""
    gift = give(database, frequency="monthly")
    settle(database, subscription_event(gift, step, status=status))
    assert pledge_now(database, gift).state is state


@pytest.mark.parametrize("reason", ["payment_failed", "payment_disputed", None])
def test_the_reason_of_an_end_is_kept(database: Database, reason: str | None) -> None:
    """The pledge has Stripe's reason for its end, whether a webhook or catch-up reported it."""
    gift, other = (give(database, frequency="monthly") for _ in range(2))
    more: dict[str, Any] = {"status": "canceled", "cancellation_details": {"reason": reason}}
    deleted = subscription_event(gift, "deleted", **more)
    listed = subscription_event(other, "deleted", **more)["data"]["object"]
    settle(database, deleted, as_subscription_event(listed | {"livemode": False}, NOW))
    for one in (gift, other):
        assert pledge_now(database, one).end_reason == reason
