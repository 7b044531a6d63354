"""A gift has the same status in the end, in whichever order its events arrive."""

from collections import Counter
from itertools import permutations
from random import Random
from typing import Any

import pytest
from sqlalchemy import func
from sqlmodel import select

from donate.clock import FixedClock
from donate.gifts.audit import differences
from donate.gifts.models import Gift
from donate.storage.database import Database
from donate.stripe_gateway.models import EventState, StripeEvent
from tests.real_parts import Sqlite
from tests.stripe_gateway.gifts_and_events import (
    AMOUNT,
    NOW,
    dispute_of,
    event,
    give_many,
    refund_of,
    session_for,
    settle,
)

Events = list[dict[str, Any]]
End = tuple[str, int, int, str]

SESSION = "checkout.session"


def paid_late(gift: Gift, *, dispute: str) -> Events:
    """Return the events of a gift that was paid, partly refunded and disputed.

    The last event says that its checkout session expired.
    """
    session = session_for(gift)
    payment = session["payment_intent"]
    refund, claim = refund_of(payment, 1_000, "pending"), dispute_of(payment, amount=4_000)
    return [
        event(f"{SESSION}.completed", session | {"payment_status": "unpaid"}),
        event(f"{SESSION}.async_payment_succeeded", session),
        event("refund.created", refund),
        event("refund.updated", refund | {"status": "succeeded"}),
        event("charge.dispute.created", claim),
        event("charge.dispute.closed", claim | {"status": dispute}),
        event(f"{SESSION}.expired", session | {"payment_status": "unpaid"}),
    ]


def won(gift: Gift) -> Events:
    return paid_late(gift, dispute="won")


def lost(gift: Gift) -> Events:
    return paid_late(gift, dispute="lost")


def escalated(gift: Gift) -> Events:
    """Return events of a paid gift whose inquiry becomes a dispute that is lost and then won."""
    session = session_for(gift)
    claim = dispute_of(session["payment_intent"])
    steps = [
        ("created", "warning_needs_response"),
        ("updated", "needs_response"),
        ("funds_withdrawn", "needs_response"),
        ("closed", "lost"),
        ("funds_reinstated", "won"),
    ]
    at = int(NOW.timestamp())
    return [event(f"{SESSION}.completed", session)] + [
        event(f"charge.dispute.{step}", claim | {"status": status}, created=at + 60 * minute)
        for minute, (step, status) in enumerate(steps)
    ]


def failed(gift: Gift) -> Events:
    """Return events of a gift whose debit failed."""
    session = session_for(gift, payment_status="unpaid")
    metadata = {"gift_id": str(gift.id)}
    intent = {"id": "pi", "metadata": metadata, "latest_charge": f"py_{gift.reference}"}
    return [
        event(f"{SESSION}.completed", session),
        event(f"{SESSION}.async_payment_failed", session),
        event("payment_intent.payment_failed", intent),
        event("charge.failed", {"id": f"py_{gift.reference}", "metadata": metadata}),
    ]


def ends(database: Database, histories: list[Events]) -> Counter[End]:
    """Settle the first event of every gift, then the second, and so on; count the outcomes."""
    clock = FixedClock(NOW)
    for place in range(len(histories[0])):
        settle(database, *(history[place] for history in histories), clock=clock)
    # No event still waits: an early refund is settled as soon as its payment is known.
    with database.reading_snapshot() as session:
        by_state = select(StripeEvent.state, func.count()).group_by(StripeEvent.state)
        assert session.exec(by_state).all() == [(EventState.SETTLED, sum(map(len, histories)))]
        assert list(differences(session)) == []
        return Counter(
            (gift.status, gift.received_minor, gift.net_minor, gift.flags)
            for gift in session.exec(select(Gift))
        )


def histories_of(database: Database, events_of: Any, orders: list[tuple[int, ...]]) -> list[Events]:
    gifts = give_many(database, len(orders))
    return [
        [events[place] for place in order]
        for order, events in zip(orders, map(events_of, gifts), strict=True)
    ]


RANDOM = Random(5)
EVERY = [
    (*order[:place], 6, *order[place:])
    for order in permutations(range(6))
    for place in [RANDOM.randrange(7)]
]
SOME = RANDOM.sample(list(permutations(range(7))), 150)

WON: End = ("partly_refunded", AMOUNT, AMOUNT - 1_000, "")
LOST: End = ("charged_back", AMOUNT, 0, "")
FAILED: End = ("failed", 0, 0, "")
WHOLE: End = ("confirmed", AMOUNT, AMOUNT, "")
ESCALATED = RANDOM.sample(list(permutations(range(6))), 150)


def test_every_order_ends_the_same(sqlite: Sqlite) -> None:
    """All 720 orders of six events about a gift give the same status.

    A seventh event, that a session expired, is put at a random position of each order.
    """
    database = Database(sqlite.fresh_url())
    assert ends(database, histories_of(database, won, EVERY)) == {WON: len(EVERY)}
    database.close()


@pytest.mark.parametrize(
    ("events_of", "orders", "end"),
    [
        (won, SOME, WON),
        (lost, SOME, LOST),
        (failed, list(permutations(range(4))), FAILED),
        (escalated, ESCALATED, WHOLE),
    ],
    ids=["won", "lost", "failed", "escalated"],
)
def test_random_orders_end_the_same(
    database: Database, events_of: Any, orders: list[tuple[int, ...]], end: End
) -> None:
    """Random orders of events give the same status for a won, lost, failed or escalated gift."""
    assert ends(database, histories_of(database, events_of, orders)) == {end: len(orders)}
