"""The status of a gift during inquiries and disputes, in any order of their events."""

from random import Random

import pytest

from donate.gifts.audit import differences
from donate.storage.database import Database
from donate.stripe_gateway.models import EventState
from tests.stripe_gateway.gifts_and_events import (
    AMOUNT,
    NOW,
    dispute_of,
    event,
    event_now,
    gift_now,
    give,
    session_for,
    settle,
)

COMPLETED = "checkout.session.completed"


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (["needs_response"], ("disputed", 0)),
        (["needs_response", "under_review"], ("disputed", 0)),
        (["needs_response", "won"], ("confirmed", AMOUNT)),
        (["needs_response", "lost"], ("charged_back", 0)),
        (["lost"], ("charged_back", 0)),
        (["warning_needs_response"], ("confirmed", AMOUNT)),
        (["warning_needs_response", "warning_closed"], ("confirmed", AMOUNT)),
        (["warning_needs_response", "needs_response"], ("disputed", 0)),
        (["warning_closed", "needs_response"], ("disputed", 0)),
        (["warning_under_review", "needs_response", "won"], ("confirmed", AMOUNT)),
        (["needs_response", "lost", "won"], ("confirmed", AMOUNT)),
        (["needs_response", "won", "lost"], ("charged_back", 0)),
    ],
    ids=lambda value: ", ".join(map(str, value)),
)
def test_a_dispute_takes_the_money_until_it_is_won(
    database: Database, steps: list[str], expected: tuple[str, int]
) -> None:
    """A dispute takes the gift's money away until it is won; an inquiry takes nothing."""
    gift = give(database)
    session = session_for(gift)
    settle(database, event(COMPLETED, session))
    dispute = dispute_of(session["payment_intent"])
    for minute, status in enumerate(steps):
        event_body = event("charge.dispute.updated", dispute | {"status": status})
        settle(database, event_body | {"created": event_body["created"] + 60 * minute})
    now = gift_now(database, gift)
    assert (now.status, now.net_minor) == expected


ROUNDS = [
    ("created", "warning_needs_response", []),
    ("updated", "needs_response", []),
    ("funds_withdrawn", "needs_response", [-AMOUNT]),
    ("closed", "lost", [-AMOUNT]),
    ("funds_reinstated", "won", [-AMOUNT, AMOUNT]),
    ("updated", "lost", [-AMOUNT, AMOUNT, -AMOUNT]),
    ("updated", "won", [-AMOUNT, AMOUNT, -AMOUNT, AMOUNT]),
]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (1, "confirmed"),
        (2, "disputed"),
        (4, "charged_back"),
        (5, "confirmed"),
        (6, "charged_back"),
        (7, "confirmed"),
    ],
)
def test_events_of_a_dispute_in_random_order(database: Database, steps: int, expected: str) -> None:
    """The last step of a dispute decides the gift's status, in any order of the events."""
    random = Random(steps)
    for _ in range(6):
        gift = give(database)
        session = session_for(gift)
        dispute = dispute_of(session["payment_intent"])
        events = [event(COMPLETED, session)]
        for minute, (step, status, amounts) in enumerate(ROUNDS[:steps]):
            at = int(NOW.timestamp()) + 60 * minute
            moves = [{"amount": one, "created": at, "fee": 0, "currency": "cad"} for one in amounts]
            about = dispute | {"status": status, "balance_transactions": moves}
            events.append(event(f"charge.dispute.{step}", about) | {"created": at})
        random.shuffle(events)
        for one in events:
            settle(database, one)
        assert gift_now(database, gift).status == expected
        assert {event_now(database, one).state for one in events} == {EventState.SETTLED}
    with database.reading() as reading:
        assert list(differences(reading)) == []
