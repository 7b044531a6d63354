"""If PostgreSQL rolls back a transaction because of a conflict, the service retries it."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlmodel import select

from donate.clock import FixedClock
from donate.errors import DatabaseBusy
from donate.gifts.audit import differences
from donate.gifts.models import Gift, GiftFact
from donate.storage.constraints import broken_constraints
from donate.storage.database import Database
from tests.real_parts import Postgres
from tests.stripe_gateway.gifts_and_events import (
    NOW,
    as_bytes,
    event,
    gift_now,
    give,
    give_many,
    session_for,
    settler_of,
    store,
)
from tests.stripe_gateway.service import serving
from tests.waiting import PATIENCE_S, until


def test_the_victim_of_a_deadlock_tries_again(postgres: Postgres) -> None:
    """If PostgreSQL aborts the settling of an event to end a deadlock, a later try settles it."""
    url = postgres.fresh_url()
    database = Database(url, busy_timeout_s=30)  # PostgreSQL ends deadlocks well within 30 s
    gift = give(database)
    store(database, event("checkout.session.completed", session_for(gift)))
    settler = settler_of(database, FixedClock(NOW))
    errors: list[Exception] = []

    def settle() -> None:
        try:
            settler.settle_due()
        except DatabaseBusy as busy:
            errors.append(busy)

    with psycopg.connect(url) as other:
        # PostgreSQL aborts the transaction whose deadlock timeout ends first. With a long timeout
        # for this connection, that is the transaction that settles the event.
        other.execute("SET deadlock_timeout = '20s'")
        other.execute("SELECT 1 FROM gift FOR UPDATE")
        thread = threading.Thread(target=settle)
        thread.start()
        with psycopg.connect(url, autocommit=True) as observer:
            waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            until(lambda: observer.execute(waits).fetchall()[0][0])
        other.execute("UPDATE stripe_event SET tries = tries")
        thread.join()
        assert [("deadlock" in str(busy)) for busy in errors] == [True]
        assert gift_now(database, gift).status == "awaited"
        other.rollback()
    assert settler.settle_due() == 1
    assert gift_now(database, gift).status == "confirmed"
    database.close()


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_stricter_isolation_counts_payments_once(postgres: Postgres, level: str) -> None:
    """With an isolation level stricter than the default, each payment is still counted once."""
    url = postgres.fresh_url()
    with psycopg.connect(url, autocommit=True) as admin:
        name = admin.info.dbname
        admin.execute(f'ALTER DATABASE "{name}" SET default_transaction_isolation = "{level}"')
    database = Database(url)
    gifts = give_many(database, 60)
    bodies = [
        as_bytes(event(f"checkout.session.{step}", checkout))
        for checkout in map(session_for, gifts)
        for step in ("completed", "async_payment_succeeded")
    ]
    answers: Counter[int] = Counter()
    # Two services settle the same events, so that their transactions conflict.
    with serving(url) as one, serving(url) as two, ThreadPoolExecutor(8) as callers:
        left = [(body, service) for body in bodies for service in (one, two)]
        deadline = time.monotonic() + PATIENCE_S
        while left:
            assert time.monotonic() < deadline
            statuses = list(callers.map(lambda pair: pair[1].deliver(pair[0]).status_code, left))
            answers.update(statuses)
            left = [pair for pair, status in zip(left, statuses, strict=True) if status != 200]
        assert set(answers) <= {200, 503}

        def confirmed() -> int:
            with database.reading() as session:
                return len(session.exec(select(Gift.id).where(Gift.status == "confirmed")).all())

        until(lambda: confirmed() == len(gifts))
    with database.reading_snapshot() as session:
        kinds = Counter(session.exec(select(GiftFact.kind)))
        assert kinds["payment_succeeded"] == len(gifts)
        assert [*broken_constraints(session), *differences(session)] == []
    database.close()
