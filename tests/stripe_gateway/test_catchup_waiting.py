"""What a catch-up fetched and another process has in hand is waited for, unless we are stopped."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from donate.storage.database import Database
from donate.stripe_gateway.catchup.catchup import Stopped
from donate.stripe_gateway.catchup.runs import SOURCE
from donate.stripe_gateway.webhooks.inbox import Arrival
from tests.real_parts import Postgres
from tests.stripe_gateway.away import Away
from tests.stripe_gateway.given import as_bytes, event


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
    """Another process, as the database sees it."""
    with psycopg.connect(url) as other:
        yield other


def claim_one_more(away: Away, other: psycopg.Connection) -> None:
    """Fetch an event that the other process claims at once."""
    told = event("customer.created", {"id": "cus_1"})
    away.inbox.store_now(Arrival(as_bytes(told), away.clock.now(), source=SOURCE))
    lock = "SELECT id FROM stripe_event WHERE event_id = %s FOR UPDATE"
    assert other.execute(lock, [told["id"]]).fetchall()


def test_what_another_process_settles_is_waited_for(away: Away, other: psycopg.Connection) -> None:
    """A run reports when all that it fetched is settled, though another process had it in hand."""
    letting_go = threading.Timer(0.5, other.rollback)

    def tell(told: str) -> None:
        if told.startswith("disputes"):
            claim_one_more(away, other)
            letting_go.start()

    (report,) = away.catchup.run(None, tell)
    letting_go.join()
    assert report.by_state == {"ignored": 1}


def test_who_waits_for_another_process_can_be_stopped(
    away: Away, other: psycopg.Connection
) -> None:
    """A process that ends while it waits for another breaks off; the next run reports."""
    stopping = threading.Timer(0.3, away.catchup.stop)

    def tell(told: str) -> None:
        if told.startswith("disputes"):
            claim_one_more(away, other)
            stopping.start()

    with pytest.raises(Stopped):
        away.catchup.run(None, tell)
    other.rollback()
    resumed, fresh = away.another().run()
    assert (resumed.by_state, fresh.by_state) == ({"ignored": 1}, {})
