"""The connection to Stripe fails in each way: donors get an answer in time, and pay once.

The pretend Stripe sends no webhooks here, so the service learns of payments only by asking Stripe.
"""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from donate.app import create_app
from donate.gifts.models import Gift
from donate.storage.constraints import broken_constraints
from donate.storage.database import Database
from donate.stripe_gateway.client import DEADLINE_S
from donate.stripe_gateway.requests.checkout_polling import MIN_PAUSE
from tests.faults.proxy import Proxy, proxy_to
from tests.journeys.donor_steps import AMOUNT, RECEIVED, World
from tests.machine_speed import Stopwatch, slowness
from tests.real_parts import Sqlite, caller, free_port, make_settings, served
from tests.sandbox.running import run_sandbox

FAULTS: Final[dict[str, dict[str, Any]]] = {
    "refused": {"refuses": True},
    "hangs": {"hangs": True},
    "silent": {"silent": True},
    "late": {"delay_s": 5.0},
    "drips": {"drip_s": 0.5},
    "request cut": {"cut_there": 150},
    "no answer": {"cut_back": 0},
    "answer cut": {"cut_back": 700},
    "reset": {"reset": True},
    "answer lost": {"lose_answer_to": b"1"},
}
# The seconds that a page may take in addition to the wait for Stripe, on a busy machine.
MARGIN_S: Final = 2.5
NOT_OPENED: Final = "We can’t open the payment page right now"


@dataclass
class Outcome:
    """What a donor saw, how long the donor waited, and what was recorded in the end."""

    waited_s: float = 0.0
    first_answer: int = 0
    first_page: str = ""
    keys: int = 0
    sessions: Any = None
    looked_s: float = 0.0
    page_while_failing: str = ""
    page_in_the_end: str = ""
    gift: Gift | None = None
    facts: Any = None
    broken: Any = None


@contextmanager
def a_world(database_url: str) -> Iterator[tuple[World, Proxy]]:
    """Run a service that reaches a pretend Stripe through a proxy."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(run_sandbox())
        address = urlsplit(sandbox.url)
        assert address.hostname
        assert address.port
        proxy = stack.enter_context(proxy_to((address.hostname, address.port)))
        port = free_port()
        settings = make_settings(
            database_url,
            public_url=f"http://127.0.0.1:{port}",
            stripe_api_base=f"http://127.0.0.1:{proxy.port}",
            checkout_hosts=address.netloc,
        )
        url = stack.enter_context(served(create_app(settings), port))
        http = stack.enter_context(caller(url, timeout_s=30))
        database = Database(database_url)
        stack.callback(database.close)
        yield World(url, http, database, sandbox), proxy


def outcome_of(database_url: str, fault: dict[str, Any]) -> Outcome:
    """Try a fault with a service of its own."""
    with a_world(database_url) as (world, proxy):
        return live_through(world, proxy, fault)


def live_through(world: World, proxy: Proxy, fault: dict[str, Any]) -> Outcome:
    """Give during the fault, end it and pay, then cause it again and open the gift's page."""
    outcome = Outcome()
    form = world.fill_in()
    proxy.fail(**fault)
    with Stopwatch() as first_wait:
        answer = world.http.post("/give/LWCAN", data=form)
        page = world.page(answer.headers["location"])
    outcome.waited_s = first_wait.seconds
    outcome.first_answer, outcome.first_page = answer.status_code, page
    proxy.heal()
    proxy.end_calls()
    gift = answer.headers["location"].partition("?")[0]
    checkout = world.http.post(f"{gift}/checkout").headers["location"]
    assert world.submit(form) == checkout
    back = world.pay(checkout)
    requests = world.sandbox.control("GET", "/_sandbox/requests")
    outcome.keys = len(
        {request["idempotency_key"] for request in requests if request["idempotency_key"]}
    )

    proxy.fail(**fault)
    proxy.end_calls()
    with Stopwatch() as second_wait:
        outcome.page_while_failing = world.page(back)
    outcome.looked_s = second_wait.seconds
    proxy.heal()
    proxy.end_calls()
    time.sleep(MIN_PAUSE.total_seconds() + 0.2)
    outcome.page_in_the_end = world.page(back)
    outcome.sessions = world.sandbox.control("GET", "/_sandbox/state")["counts"]["sessions"]
    outcome.gift, outcome.facts = world.gift(), Counter(world.facts())
    with world.database.reading() as session:
        outcome.broken = list(broken_constraints(session))
    return outcome


@pytest.fixture(scope="module")
def outcomes(sqlite: Sqlite) -> Iterator[dict[str, Future[Outcome]]]:
    """Try faults in parallel, each with its own service, because the tests mostly wait.

    Five services at most: ten in one process would themselves make each other late.
    """
    with ThreadPoolExecutor(5) as pool:
        yield {
            name: pool.submit(outcome_of, sqlite.fresh_url(), fault)
            for name, fault in FAULTS.items()
        }


@pytest.mark.parametrize("name", FAULTS)
def test_a_donor_is_told_in_time_and_pays_once(
    outcomes: dict[str, Future[Outcome]], name: str
) -> None:
    """Under each fault, the donor reads in time that paying failed, and later pays exactly once."""
    outcome = outcomes[name].result()
    assert (outcome.first_answer, outcome.waited_s < DEADLINE_S + MARGIN_S * slowness()) == (
        303,
        True,
    )
    assert NOT_OPENED in outcome.first_page, outcome.first_page
    assert not any(word in outcome.first_page for word in ("Traceback", "httpx", "timed out"))
    assert (outcome.keys, outcome.sessions) == (1, {"complete": 1})
    assert outcome.gift
    assert (outcome.gift.status, outcome.gift.received_minor) == ("confirmed", AMOUNT)
    assert outcome.facts["payment_succeeded"] == 1
    assert outcome.broken == []


@pytest.mark.parametrize("name", FAULTS)
def test_the_payment_is_shown_after_the_fault(
    outcomes: dict[str, Future[Outcome]], name: str
) -> None:
    """A gift's page opens in time while Stripe does not answer, and later shows the payment."""
    outcome = outcomes[name].result()
    assert outcome.looked_s < DEADLINE_S + MARGIN_S * slowness()
    assert RECEIVED not in outcome.page_while_failing
    assert RECEIVED in outcome.page_in_the_end
