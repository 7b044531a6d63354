"""Events that cannot be settled yet are retried later, and set aside after the last retry."""

import uuid
from datetime import timedelta

from sqlalchemy import text

from donate.clock import FixedClock
from donate.storage.database import Database
from donate.stripe_gateway.models import EventState
from donate.stripe_gateway.webhooks.queue import RETRY_AFTER
from tests.stripe_gateway.gifts_and_events import (
    AMOUNT,
    NOW,
    dispute_of,
    event,
    event_now,
    gift_now,
    give,
    give_many,
    refund_of,
    session_for,
    settle,
    stored_events,
)
from tests.stripe_gateway.statuses import COMPLETED, status_of

WAITING, SETTLED, SET_ASIDE = EventState.WAITING, EventState.SETTLED, EventState.SET_ASIDE


def test_two_sessions_paid_for_one_gift_are_both_kept(database: Database) -> None:
    """If a donor pays one gift in two sessions, both payments count and the gift is flagged."""
    gift = give(database, attempts=2)
    for attempt in ("1", "2"):
        metadata = {"gift_id": str(gift.id), "attempt": attempt}
        settle(database, event(COMPLETED, session_for(gift, metadata=metadata)))
    assert status_of(database, gift) == (
        "confirmed",
        2 * AMOUNT,
        2 * AMOUNT,
        "amount_differs,paid_more_than_once",
    )


def test_a_refund_waits_for_its_payment(database: Database) -> None:
    """If a refund arrives before its payment, it waits and is settled with the payment."""
    gift, other = give(database), give(database)
    session = session_for(gift)
    payment = session["payment_intent"]
    refund = event("refund.created", refund_of(payment, 2_000))
    dispute = event("charge.dispute.created", dispute_of(payment, amount=3_000))
    settle(database, refund, dispute)
    settle(database, event(COMPLETED, session_for(other)))
    for early in (refund, dispute):
        row = event_now(database, early)
        assert (row.state, row.waits_for, row.tries) == (WAITING, payment, 1)
        assert row.reason == "the payment that it is about is not known yet"
    settle(database, event(COMPLETED, session))
    assert event_now(database, refund).state == event_now(database, dispute).state == SETTLED
    assert status_of(database, gift) == ("disputed", AMOUNT, 0, "")
    assert status_of(database, other) == ("confirmed", AMOUNT, AMOUNT, "")


def test_a_refund_of_an_unknown_payment_is_set_aside(database: Database) -> None:
    """A refund whose payment never arrives is retried eight times, then set aside."""
    refund = event("refund.created", refund_of("pi_of_another_shop", 100))
    clock = FixedClock(NOW)
    settle(database, refund, clock=clock)
    for attempt, pause in enumerate(RETRY_AFTER.pauses, start=1):
        clock.instant += pause - timedelta(milliseconds=1)
        settle(database, clock=clock)
        assert (event_now(database, refund).state, event_now(database, refund).tries) == (
            WAITING,
            attempt,
        )
        clock.instant += timedelta(milliseconds=1)
        settle(database, clock=clock)
    assert event_now(database, refund).state == SET_ASIDE
    assert event_now(database, refund).reason == "the payment that it is about is not known yet"


def test_a_refund_set_aside_is_settled_after_its_payment(database: Database) -> None:
    """A refund that was set aside for lack of its payment is settled when the payment arrives."""
    gift = give(database)
    session = session_for(gift)
    refund = event("refund.created", refund_of(session["payment_intent"], 2_000))
    clock = FixedClock(NOW)
    settle(database, refund, clock=clock)
    for pause in RETRY_AFTER.pauses:
        clock.instant += pause
        settle(database, clock=clock)
    assert event_now(database, refund).state == SET_ASIDE
    settle(database, event(COMPLETED, session), clock=clock)
    assert event_now(database, refund).state == SETTLED
    assert status_of(database, gift) == ("partly_refunded", AMOUNT, AMOUNT - 2_000, "")


def test_an_event_about_an_unknown_gift_is_set_aside(database: Database) -> None:
    """An event about an unknown gift is retried for three days, then set aside."""
    gift = give(database)
    metadata = {"gift_id": str(uuid.uuid4()), "attempt": "1"}
    completed = event(COMPLETED, session_for(gift, metadata=metadata))
    clock = FixedClock(NOW)
    settle(database, completed, clock=clock)
    assert event_now(database, completed).state == WAITING
    for pause in RETRY_AFTER.pauses:
        clock.instant += pause
        settle(database, clock=clock)
    row = event_now(database, completed)
    assert (row.state, row.reason) == (SET_ASIDE, "no gift with this id is known")
    assert clock.instant - NOW > timedelta(days=3)
    assert status_of(database, gift)[0] == "awaited"


def test_an_event_before_the_session_is_recorded(database: Database) -> None:
    """A paid session confirms its gift even if we have not recorded the session's id yet."""
    gift = give(database)
    session = session_for(gift)
    settle(database, event(COMPLETED, session))
    other = event(COMPLETED, session_for(gift))
    settle(database, other)
    assert event_now(database, other).reason == f"the gift's checkout session is {session['id']}"
    assert status_of(database, gift) == ("confirmed", AMOUNT, AMOUNT, "")


def poison(database: Database, payment: str) -> None:
    """Add a trigger with which the database refuses facts about this payment."""
    trigger = "CREATE TRIGGER poison BEFORE INSERT ON gift_fact"
    when = f"NEW.source_id = '{payment}'"
    if database.is_sqlite:
        statements = [f"{trigger} WHEN {when} BEGIN SELECT RAISE(ABORT, 'poison'); END"]
    else:
        body = "$$ BEGIN RAISE EXCEPTION 'poison'; END $$"
        statements = [
            f"CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS {body}",
            f"{trigger} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION poison()",
        ]
    with database.writing() as session:
        for statement in statements:
            session.execute(text(statement))


def test_one_failing_event_does_not_delay_others(database: Database) -> None:
    """One event that fails in the database is retried later; 199 others are settled at once."""
    gifts = give_many(database, 200)
    sessions = [session_for(gift) for gift in gifts]
    poison(database, sessions[77]["payment_intent"])
    events = [event(COMPLETED, session) for session in sessions]
    settle(database, *events)
    states = [row.state for row in stored_events(database)]
    assert (states.count(SETTLED), states.count(WAITING)) == (199, 1)
    failed = event_now(database, events[77])
    assert (failed.state, failed.tries) == (WAITING, 1)
    assert failed.reason.startswith("it failed here: ")
    assert gift_now(database, gifts[77]).status == "awaited"
    assert status_of(database, gifts[78])[0] == "confirmed"
    with database.writing() as session:
        session.execute(
            text("DROP TRIGGER poison" + ("" if database.is_sqlite else " ON gift_fact"))
        )
    settle(database, clock=FixedClock(NOW + RETRY_AFTER.pauses[0]))
    assert status_of(database, gifts[77])[0] == "confirmed"
