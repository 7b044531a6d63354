"""The state of a pledge for each status of its subscription, its planned end, and why it ended."""

from typing import Any

import pytest

from donate.gifts.models import Gift
from donate.gifts.pledges import Pledge, PledgeState, pledge_of
from donate.gifts.queries import facts_of
from donate.storage.database import Database
from donate.stripe_gateway.events.synthetic import as_subscription_event
from tests.stripe_gateway.gifts_and_events import AMOUNT, NOW, event_now, give, settle
from tests.stripe_gateway.months import subscription_event


def pledge_now(database: Database, gift: Gift) -> Pledge:
    with database.reading() as session:
        facts = [row.as_fact() for row in facts_of(session, gift.id)]
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
def test_either_sign_means_that_it_ends(
    database: Database, more: dict[str, Any], ends_at: int | None
) -> None:
    """With a time or the flag the pledge is ending; if both are taken back, it continues."""
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


def test_a_moment_that_is_none_is_set_aside(database: Database) -> None:
    """An end at an invalid time is set aside."""
    gift = give(database, frequency="monthly")
    updated = subscription_event(gift, "updated", cancel_at="soon")
    settle(database, updated)
    assert event_now(database, updated).reason == "cancel_at is not a time"


def test_what_is_to_end_is_told_under_another_name() -> None:
    """Catch-up gives a subscription a new event id when its end is set, moved or removed."""
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
def test_every_status_is_told(
    database: Database, step: str, status: str, state: PledgeState
) -> None:
    """The pledge has the state of Stripe's status, from the first event on."""
    gift = give(database, frequency="monthly")
    settle(database, subscription_event(gift, step, status=status))
    assert pledge_now(database, gift).state is state


@pytest.mark.parametrize("reason", ["payment_failed", "payment_disputed", None])
def test_why_stripe_ended_it_is_kept(database: Database, reason: str | None) -> None:
    """The reason of an end is in the fact, from an event and from catch-up."""
    gift, other = (give(database, frequency="monthly") for _ in range(2))
    more: dict[str, Any] = {"status": "canceled", "cancellation_details": {"reason": reason}}
    deleted = subscription_event(gift, "deleted", **more)
    listed = subscription_event(other, "deleted", **more)["data"]["object"]
    settle(database, deleted, as_subscription_event(listed | {"livemode": False}, NOW))
    for one in (gift, other):
        assert pledge_now(database, one).end_reason == reason
