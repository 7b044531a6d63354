"""If Stripe answers badly, the donor gets an error in time, and later a working session."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from anyio import to_thread

from donate.app import create_app
from donate.clock import FixedClock
from donate.errors import StripeKeyRefused, StripeRefused, StripeUnavailable
from donate.sandbox.requests.trouble import DoneAndSpoiled, NotDone
from donate.storage.database import Database
from donate.stripe_gateway.client import DEADLINE_S, MAX_WAITING, PER_ATTEMPT_S, StripeClient
from tests.real_parts import SECRET_KEY, Sqlite, free_port, make_settings
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.checkouts import (
    SESSIONS,
    checkouts_of,
    client_of,
    kinds,
    session_requests,
    sessions,
)
from tests.stripe_gateway.gifts_and_events import gift_now, give

NOT_DONE, DONE = get_args(NotDone), get_args(DoneAndSpoiled)
# Faulty answers of Stripe after which its SDK retries by itself.
RETRIED = ("502_before", "409", "reset_before", "reset_after", "cut_body")
RAISED = {"400": StripeRefused, "500": StripeRefused, "401": StripeKeyRefused}
# These timeouts are a quarter of production's, and still long enough for a busy machine.
QUICK = {"deadline_s": 2.4, "per_attempt_s": 0.8}
HANG_S = 2.8


@pytest.fixture
def database(sqlite: Sqlite) -> Iterator[Database]:
    database = Database(sqlite.fresh_url())
    yield database
    database.close()


@pytest.mark.alone
@pytest.mark.parametrize("kind", NOT_DONE + DONE)
def test_the_donor_gets_an_error_and_later_a_session(
    database: Database, sandbox: RunningSandbox, kind: str
) -> None:
    """If Stripe fails, the donor gets an error in time, without key or URL, and later a session."""
    gift = give(database, attempts=0)
    client = client_of(sandbox, **QUICK)
    clock = FixedClock(datetime.now(UTC))
    checkouts = checkouts_of(database, client, clock)
    sandbox.control("POST", "/_sandbox/trouble", path=SESSIONS, kind=kind, times=2, seconds=HANG_S)
    start = time.monotonic()
    with pytest.raises(StripeUnavailable) as raised:
        checkouts.open_for(gift)
    assert time.monotonic() - start < QUICK["deadline_s"] + 0.5
    assert type(raised.value) is RAISED.get(kind, StripeUnavailable)
    assert not any(secret in str(raised.value) for secret in (SECRET_KEY, sandbox.url, "ann@"))
    assert gift_now(database, gift).status == "awaited"
    assert kinds(database, gift)[:2] == ["checkout_requested", "gift_opened"] or (
        "checkout_refused" in kinds(database, gift)
    )

    sandbox.control("DELETE", "/_sandbox/trouble")
    if kind == "hang":
        time.sleep(HANG_S)
    clock.instant += timedelta(minutes=1)
    url = checkouts.open_for(gift)
    client.close()
    assert sandbox.http.get(url).status_code == 200
    assert sessions(sandbox) == {"open": 1}
    keys = [request["idempotency_key"].rpartition(":")[2] for request in session_requests(sandbox)]
    assert len(set(keys[:-1])) == 1
    # After a refusal a second attempt begins; without an answer the first one is repeated.
    assert (keys[-1] == "2") == (kind in RAISED)
    again = [
        request["parameters"] for request in session_requests(sandbox) if request["parameters"]
    ]
    if keys[-1] == "1":
        assert all(parameters == again[0] for parameters in again)


@pytest.mark.parametrize("kind", RETRIED)
def test_a_single_failure_is_retried(
    database: Database, sandbox: RunningSandbox, kind: str
) -> None:
    """After a single bad answer the request is retried, and the donor sees no error."""
    gift = give(database, attempts=0)
    client = client_of(sandbox)
    sandbox.control("POST", "/_sandbox/trouble", path=SESSIONS, kind=kind, times=1)
    url = checkouts_of(database, client).open_for(gift)
    client.close()
    assert sandbox.http.get(url).status_code == 200
    assert (sessions(sandbox), len(session_requests(sandbox))) == ({"open": 1}, 2)


def test_a_refused_connection(database: Database) -> None:
    """If the connection to Stripe is refused, the error does not show Stripe's address."""
    gift = give(database, attempts=0)
    port = free_port()
    client = StripeClient(SECRET_KEY, f"http://127.0.0.1:{port}", (f"127.0.0.1:{port}",))
    with pytest.raises(StripeUnavailable) as raised:
        checkouts_of(database, client).open_for(gift)
    client.close()
    assert str(port) not in str(raised.value)
    assert gift_now(database, gift).status == "awaited"


def test_no_donor_waits_longer_than_eight_seconds() -> None:
    """A donor waits for Stripe for at most eight seconds, enough to send the request twice."""
    assert DEADLINE_S <= 8.0
    assert 2 * PER_ATTEMPT_S < DEADLINE_S


@pytest.mark.parametrize("host", ["checkout.example.net", "127.0.0.1", "checkout.stripe.com"])
def test_a_donor_is_sent_to_a_known_host_only(
    database: Database, sandbox: RunningSandbox, host: str
) -> None:
    """If Stripe's answer has a page on an unknown host, the donor is not redirected there."""
    gift = give(database, attempts=0)
    client = StripeClient(SECRET_KEY, sandbox.url, (host,))
    with pytest.raises(StripeUnavailable, match="no address to send the donor to"):
        checkouts_of(database, client).open_for(gift)
    client.close()
    assert "checkout_opened" not in kinds(database, gift)


def test_a_wrong_key_has_an_error_of_its_own(database: Database, sandbox: RunningSandbox) -> None:
    """An API key that Stripe does not know raises StripeKeyRefused, which never shows the key."""
    gift = give(database, attempts=0)
    client = StripeClient("sk_test_a_revoked_one_4242", sandbox.url, ("127.0.0.1",))
    with pytest.raises(StripeKeyRefused) as raised:
        checkouts_of(database, client).open_for(gift)
    client.close()
    assert "4242" not in str(raised.value)


@pytest.mark.alone
def test_the_number_of_waiting_calls_is_limited(sandbox: RunningSandbox) -> None:
    """Only so many calls wait for Stripe at the same time; any further call fails immediately."""
    client = client_of(sandbox, **QUICK, max_waiting=1)
    hang = {"path": f"{SESSIONS}/*", "method": "GET", "kind": "hang", "seconds": HANG_S}
    sandbox.control("POST", "/_sandbox/trouble", **hang, times=2)
    with ThreadPoolExecutor(1) as another:
        waits = another.submit(client.retrieve_session, "cs_1")
        time.sleep(0.2)
        start = time.monotonic()
        with pytest.raises(StripeUnavailable, match="too many"):
            client.retrieve_session("cs_1")
        assert time.monotonic() - start < 0.1
        assert isinstance(waits.exception(timeout=5), StripeUnavailable)
    with pytest.raises(StripeRefused):
        client.retrieve_session("cs_1")
    client.close()


def test_the_server_has_threads_for_others(sqlite: Sqlite) -> None:
    """The server has more threads than calls that may wait for Stripe."""
    app = create_app(make_settings(sqlite.fresh_url()))

    async def threads() -> float:
        async with app.router.lifespan_context(app):
            return to_thread.current_default_thread_limiter().total_tokens

    assert asyncio.run(threads()) >= MAX_WAITING + 30
