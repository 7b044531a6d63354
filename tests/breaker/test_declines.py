"""Declines that Stripe reports raise the breaker, and end the session in which cards are tried."""

from datetime import timedelta
from typing import Any

from donate.breaker.models import Lane, Level
from donate.clock import FixedClock
from donate.gifts.models import Gift
from donate.storage.database import Database
from tests.breaker.attempts import breaker_for
from tests.stripe_gateway.gifts_and_events import (
    NOW,
    event,
    give,
    give_many,
    session_for,
    settle,
)

CLOCK = FixedClock(NOW)


def decline(gift: Gift, number: int, **more: Any) -> dict[str, Any]:
    charge = {"id": f"ch_{gift.id.hex[-12:]}_{number}", "object": "charge"}
    return event("charge.failed", charge | {"metadata": {"gift_id": str(gift.id)}}, **more)


def level(database: Database) -> Level:
    with database.reading() as session:
        return breaker_for(database, CLOCK).level(session, Lane.STRIPE)


def test_the_tenth_decline_in_one_session_raises(database: Database) -> None:
    """Ten declines in one session challenge everybody; a thousand in it do not pause."""
    gift = give(database)
    settle(database, *(decline(gift, number) for number in range(9)))
    assert level(database) is Level.CALM
    settle(database, decline(gift, 8), decline(gift, 9))
    assert level(database) is Level.CHALLENGED
    settle(database, *(decline(gift, number) for number in range(10, 1_000)))
    assert level(database) is Level.CHALLENGED


def test_the_tenth_decline_over_many_sessions_raises(database: Database) -> None:
    """Ten declines over ten sessions challenge everybody, and forty pause card gifts."""
    gifts = give_many(database, 40)
    levels = []
    for number, gift in enumerate(gifts):
        settle(database, decline(gift, number))
        levels.append(level(database))
    assert levels == [Level.CALM] * 9 + [Level.CHALLENGED] * 30 + [Level.PAUSED]


def test_cards_that_are_paid_explain_declines(database: Database) -> None:
    """Where as many cards are paid as declined, it stays calm."""
    for gift in give_many(database, 12):
        settle(database, decline(gift, 1), event("checkout.session.completed", session_for(gift)))
    assert level(database) is Level.CALM


def test_bank_debits_say_nothing_of_cards(database: Database) -> None:
    """A debit that bounces is no declined card, and a debit that is paid explains none."""
    debits = [give(database, mode="bank_debit") for _ in range(12)]
    settle(database, *(decline(debit, number) for number, debit in enumerate(debits)))
    assert level(database) is Level.CALM
    for debit in debits:
        settle(database, event("checkout.session.completed", session_for(debit)))
    for number, gift in enumerate(give_many(database, 10)):
        settle(database, decline(gift, number))
    assert level(database) is Level.CHALLENGED


def test_an_event_that_comes_twice_counts_once(database: Database) -> None:
    """The same decline in two events, or in one that is delivered twice, counts once."""
    gift = give(database)
    for _ in range(3):
        settle(database, *(decline(gift, number) for number in range(4)))
    assert level(database) is Level.CALM


def test_old_declines_do_not_count(database: Database) -> None:
    """Declines of last week, which catch-up finds, are no card testing of today."""
    gift = give(database)
    at = int((NOW - timedelta(minutes=11)).timestamp())
    settle(database, *(decline(gift, number, created=at) for number in range(20)))
    assert level(database) is Level.CALM


def test_later_months_say_nothing_of_cards(database: Database) -> None:
    """Nobody types a card for them: a failed one is no decline, and a paid one explains none."""
    pledge = give(database, frequency="monthly")
    settle(database, *(month(pledge, number, "payment_failed") for number in range(20)))
    assert level(database) is Level.CALM
    settle(database, *(month(pledge, number, "paid") for number in range(20, 40)))
    for gift in give_many(database, 10):
        settle(database, decline(gift, 1))
    assert level(database) is Level.CHALLENGED


def month(gift: Gift, number: int, outcome: str) -> dict[str, Any]:
    invoice = {
        "id": f"in_{number}",
        "object": "invoice",
        "amount_due": gift.amount_minor,
        "amount_paid": gift.amount_minor if outcome == "paid" else 0,
        "currency": "cad",
        "billing_reason": "subscription_cycle",
        "created": int(NOW.timestamp()),
        "parent": {
            "subscription_details": {
                "subscription": "sub_1",
                "metadata": {"gift_id": str(gift.id), "reference": gift.reference},
            }
        },
    }
    return event(f"invoice.{outcome}", invoice)
