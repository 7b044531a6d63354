"""A catch-up waits for events that another process has locked, unless it is stopped."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from donate.storage.database import Database
from donate.stripe_gateway.catchup.catchup import Stopped
from donate.stripe_gateway.models import EventSource
from donate.stripe_gateway.webhooks.inbox import Arrival
from tests.real_parts import Postgres
from tests.stripe_gateway.gifts_and_events import as_bytes, event
from tests.stripe_gateway.without_webhooks import Away


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.fresh_url()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def other(url: str) -> Iterator[psycopg.Connection]:
    """A database connection, as another process would have."""
    with psycopg.connect(url) as other:
        yield other


def claim_one_more(away: Away, other: psycopg.Connection) -> None:
    """Store an event as catch-up would, and lock it on the other connection."""
    created = event("customer.created", {"id": "cus_1"})
    away.inbox.store_now(Arrival(as_bytes(created), away.clock.now(), source=EventSource.CATCHUP))
    lock = "SELECT id FROM stripe_event WHERE event_id = %s FOR UPDATE"
    assert other.execute(lock, [created["id"]]).fetchall()


def test_a_catchup_waits_for_a_locked_event(away: Away, other: psycopg.Connection) -> None:
    """A catch-up reports only when its last event is settled, even if another process locked it."""
    letting_go = threading.Timer(0.5, other.rollback)

    def tell(line: str) -> None:
        if line.startswith("disputes"):
            claim_one_more(away, other)
            letting_go.start()

    (report,) = away.catchup.run(None, tell)
    letting_go.join()
    assert report.by_state == {"ignored": 1}


def test_a_waiting_catchup_can_be_stopped(away: Away, other: psycopg.Connection) -> None:
    """A catch-up can be stopped while it waits for a locked event, and the next one resumes it."""
    stopping = threading.Timer(0.3, away.catchup.stop)

    def tell(line: str) -> None:
        if line.startswith("disputes"):
            claim_one_more(away, other)
            stopping.start()

    with pytest.raises(Stopped):
        away.catchup.run(None, tell)
    other.rollback()
    resumed, fresh = away.another().run()
    assert (resumed.by_state, fresh.by_state) == ({"ignored": 1}, {})
