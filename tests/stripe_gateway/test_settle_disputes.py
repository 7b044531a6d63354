"""Disputes as they go on: inquiries, chargebacks, and ends that are revised, in any order."""

from random import Random

import pytest

from donate.gifts.audit import differences
from donate.storage.database import Database
from donate.stripe_gateway.models import EventState
from tests.stripe_gateway.given import (
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
    ("steps", "meant"),
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
)
def test_a_dispute_takes_the_money_until_it_is_won(
    database: Database, steps: list[str], meant: tuple[str, int]
) -> None:
    """An open or lost dispute takes the gift's money away, a won one gives it back."""
    gift = give(database)
    session = session_for(gift)
    settle(database, event(COMPLETED, session))
    dispute = dispute_of(session["payment_intent"])
    for minute, status in enumerate(steps):
        told = event("charge.dispute.updated", dispute | {"status": status})
        settle(database, told | {"created": told["created"] + 60 * minute})
    now = gift_now(database, gift)
    assert (now.status, now.net_minor) == meant


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
    ("steps", "meant"),
    [
        (1, "confirmed"),
        (2, "disputed"),
        (4, "charged_back"),
        (5, "confirmed"),
        (6, "charged_back"),
        (7, "confirmed"),
    ],
)
def test_however_a_dispute_goes_on_the_order_is_nothing(
    database: Database, steps: int, meant: str
) -> None:
    """Inquiry, chargeback, lost, won, lost, won: heard in any order, the last one holds."""
    dice = Random(steps)
    for _ in range(6):
        gift = give(database)
        session = session_for(gift)
        dispute = dispute_of(session["payment_intent"])
        told = [event(COMPLETED, session)]
        for minute, (step, status, amounts) in enumerate(ROUNDS[:steps]):
            at = int(NOW.timestamp()) + 60 * minute
            moves = [{"amount": one, "created": at, "fee": 0, "currency": "cad"} for one in amounts]
            about = dispute | {"status": status, "balance_transactions": moves}
            told.append(event(f"charge.dispute.{step}", about) | {"created": at})
        dice.shuffle(told)
        for one in told:
            settle(database, one)
        assert gift_now(database, gift).status == meant
        assert {event_now(database, one).state for one in told} == {EventState.SETTLED}
    with database.reading() as reading:
        assert list(differences(reading)) == []
