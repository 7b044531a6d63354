"""On PostgreSQL, settlers (threads that settle events) never deadlock."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from donate.clock import FixedClock
from donate.storage.database import Database
from donate.stripe_gateway.webhooks.queue import RETRY_AFTER, due_events
from tests.real_parts import Postgres
from tests.stripe_gateway.gifts_and_events import (
    NOW,
    event,
    gift_now,
    give,
    refund_of,
    session_for,
    settle,
    store,
)
from tests.waiting import PATIENCE_S

COMPLETED = "checkout.session.completed"


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.fresh_url()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url, busy_timeout_s=2)
    yield database
    database.close()


def test_a_locked_event_is_not_waited_for(url: str, database: Database) -> None:
    """A payment is settled even if another thread has locked its refund, which is settled later."""
    gift = give(database)
    session = session_for(gift)
    settle(database, event("refund.created", refund_of(session["payment_intent"], 1_000)))
    with psycopg.connect(url) as other:
        assert other.execute("SELECT id FROM stripe_event FOR UPDATE").fetchall()
        settle(database, event(COMPLETED, session))
        assert gift_now(database, gift).status == "confirmed"
    settle(database, clock=FixedClock(NOW + RETRY_AFTER.pauses[0]))
    assert gift_now(database, gift).status == "partly_refunded"


def test_two_settlers_claim_different_events(database: Database) -> None:
    """Two threads that look for events to settle at the same time get different events."""
    store(database, *(event("customer.created", {"id": f"cus_{n}"}) for n in range(5)))
    with database.writing() as one, database.writing() as other:
        claims = [due_events(one, NOW, 3), due_events(other, NOW, 3)]
    assert [[event_row.id for event_row in claim] for claim in claims] == [[1, 2, 3], [4, 5]]


def test_gifts_are_locked_in_one_order(url: str, database: Database) -> None:
    """A thread that settles events locks the gifts of a batch in the order of their ids."""
    first, second = sorted((give(database), give(database)), key=lambda gift: gift.id)
    paid = session_for(first)
    settle(database, event(COMPLETED, paid))
    batch = [
        event(COMPLETED, session_for(second)),
        event("refund.created", refund_of(paid["payment_intent"], 1_000)),
    ]
    lock = "SELECT id FROM gift WHERE id = %s FOR UPDATE NOWAIT"
    with ThreadPoolExecutor(1) as settler, psycopg.connect(url) as other:
        other.execute(lock, [first.id])
        settling = settler.submit(settle, database, *batch)
        until = time.monotonic() + PATIENCE_S
        while not other.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event_type = 'Lock'"
        ).fetchall():
            assert time.monotonic() < until, "the settler never came to the first gift"
        # NOWAIT makes this statement fail if the settler has locked the second gift.
        other.execute(lock, [second.id])
        other.rollback()
        settling.result(10)
    assert gift_now(database, first).status == "partly_refunded"
    assert gift_now(database, second).status == "confirmed"
