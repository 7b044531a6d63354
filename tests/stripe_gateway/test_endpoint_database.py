"""When the database cannot store an event, the endpoint answers 503, and Stripe retries."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy.engine import make_url

from donate.clock import SystemClock
from donate.storage.database import Database
from donate.stripe_gateway.webhooks.endpoint import WebhookEndpoint
from donate.stripe_gateway.webhooks.inbox import Inbox
from tests.real_parts import WEBHOOK_SECRET, served
from tests.stripe_gateway.gifts_and_events import as_bytes, event
from tests.stripe_gateway.service import Service, calling, seconds_since, serving

BUSY_S = 0.5


@contextmanager
def endpoint(
    database_url: str, *, queue_limit: int = 100, timeout_s: float = 8.0
) -> Iterator[Service]:
    database = Database(database_url, busy_timeout_s=BUSY_S)
    inbox = Inbox(database, on_stored=lambda: None, queue_limit=queue_limit, timeout_s=timeout_s)
    app = FastAPI()
    app.router.routes += WebhookEndpoint(inbox, [WEBHOOK_SECRET], SystemClock()).router.routes
    inbox.start()
    with served(app) as base:
        yield from calling(base, database_url)
    inbox.stop()
    database.close()


@contextmanager
def writes_blocked(database_url: str) -> Iterator[None]:
    """Lock the database on another connection, so that every insert waits."""
    if database_url.startswith("sqlite"):
        other = sqlite3.connect(make_url(database_url).database or "", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.rollback()
            other.close()
    else:
        with psycopg.connect(database_url) as connection:
            connection.execute("LOCK TABLE stripe_event IN EXCLUSIVE MODE")
            yield
            connection.rollback()


def new_event() -> bytes:
    return as_bytes(event("customer.created", {"id": "cus_1"}))


def test_an_event_that_cannot_be_stored_gets_a_503(database_url: str) -> None:
    """An event that cannot be stored gets a 503 with Retry-After; its retry gets a 200."""
    body = new_event()
    with endpoint(database_url) as service:
        with writes_blocked(database_url):
            answer = service.deliver(body)
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
            assert service.stored() == 0
        assert service.deliver(body).status_code == 200
        assert service.stored() == 1


@pytest.mark.alone
def test_storing_times_out(database_url: str) -> None:
    """If storing takes too long the answer is 503; after a retry, the event is stored once."""
    body = new_event()
    with endpoint(database_url, timeout_s=0.1) as service:
        with writes_blocked(database_url):
            start = time.monotonic()
            assert service.deliver(body).status_code == 503
            assert seconds_since(start) < BUSY_S
        until = time.monotonic() + 5
        while service.deliver(body).status_code != 200:
            assert time.monotonic() < until
        assert service.stored() == 1


@pytest.mark.alone
def test_a_full_queue_answers_at_once(database_url: str) -> None:
    """When the queue of unstored events is full, the next event gets a 503 immediately."""
    bodies = [new_event() for _ in range(12)]
    with endpoint(database_url, queue_limit=2) as service, ThreadPoolExecutor(12) as callers:
        with writes_blocked(database_url):
            answers = list(callers.map(service.deliver, bodies))
        assert {answer.status_code for answer in answers} == {503}
        waited = sorted(answer.elapsed.total_seconds() for answer in answers)
        assert waited[0] < BUSY_S / 2 < BUSY_S * 0.9 < waited[-1]
        assert {service.deliver(body).status_code for body in bodies} == {200}
        assert service.stored() == 12


def test_events_outlive_ended_connections(postgres_url: str) -> None:
    """If PostgreSQL ends our connections, every event that we answered with a 200 is stored."""
    accepted: list[bytes] = []
    unexpected: list[httpx.Response] = []
    with serving(postgres_url) as service:
        stop = threading.Event()

        def deliver() -> None:
            while not stop.is_set():
                body = new_event()
                answer = service.deliver(body)
                if answer.status_code == 200:
                    accepted.append(body)
                elif answer.status_code != 503:
                    unexpected.append(answer)

        callers = [threading.Thread(target=deliver) for _ in range(4)]
        for caller in callers:
            caller.start()
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            for _ in range(15):
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                    "datname = current_database() AND application_name = 'donate'"
                )
                time.sleep(0.05)
        stop.set()
        for caller in callers:
            caller.join()
        assert (unexpected, len(accepted) > 0) == ([], True)
        assert service.deliver(new_event()).status_code == 200
        assert service.stored() >= len(accepted) + 1


@pytest.mark.alone
def test_a_killed_transaction_is_a_503(postgres_url: str) -> None:
    """If the connection ends before the commit, the answer is 503, and a retry stores the event."""
    body = new_event()
    ended = 0
    with (
        endpoint(postgres_url) as service,
        psycopg.connect(postgres_url, autocommit=True) as admin,
        ThreadPoolExecutor(1) as caller,
    ):
        with writes_blocked(postgres_url):
            answer = caller.submit(service.deliver, body)
            until = time.monotonic() + BUSY_S * 0.8
            while not ended and time.monotonic() < until:
                ended = admin.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                    "datname = current_database() AND application_name = 'donate' "
                    "AND wait_event_type = 'Lock'"
                ).fetchall()[0][0]
            assert (ended, answer.result().status_code) == (1, 503)
        assert service.deliver(body).status_code == 200
        assert service.stored() == 1


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("postgres").fresh_url()
    return url
