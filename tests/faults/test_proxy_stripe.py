"""The line to Stripe fails in each of its ways: the donor hears in time, and pays once in the end.

Nothing delivers webhooks here: that a gift was paid is found out by asking, over the same line.
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
from tests.journeys.travelling import AMOUNT, RECEIVED, World
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
# What a page costs beside the wait for Stripe, on a busy machine.
BESIDE_S: Final = 2.5
NOT_OPENED: Final = "We can’t open the payment page right now"


@dataclass
class Outcome:
    """What a donor met, in order."""

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
    """Run a service with a line to a pretend Stripe that can be made to fail."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(run_sandbox())
        there = urlsplit(sandbox.url)
        assert there.hostname
        assert there.port
        proxy = stack.enter_context(proxy_to((there.hostname, there.port)))
        port = free_port()
        settings = make_settings(
            database_url,
            public_url=f"http://127.0.0.1:{port}",
            stripe_api_base=f"http://127.0.0.1:{proxy.port}",
            checkout_hosts=there.netloc,
        )
        url = stack.enter_context(served(create_app(settings), port))
        http = stack.enter_context(caller(url, timeout_s=30))
        database = Database(database_url)
        stack.callback(database.close)
        yield World(url, http, database, sandbox), proxy


def live_through(world: World, proxy: Proxy, fault: dict[str, Any]) -> Outcome:
    """Give while the line fails, try again when it is healed, pay, and look while it fails."""
    found = Outcome()
    form = world.fill_in()
    proxy.fail(**fault)
    start = time.monotonic()
    answer = world.http.post("/give/LWCAN", data=form)
    page = world.page(answer.headers["location"])
    found.waited_s = time.monotonic() - start
    found.first_answer, found.first_page = answer.status_code, page
    proxy.heal()
    proxy.end_calls()
    gift = answer.headers["location"].partition("?")[0]
    checkout = world.http.post(f"{gift}/checkout").headers["location"]
    assert world.submit(form) == checkout
    back = world.pay(checkout)
    asked = world.sandbox.control("GET", "/_sandbox/requests")
    found.keys = len({one["idempotency_key"] for one in asked if one["idempotency_key"]})

    proxy.fail(**fault)
    proxy.end_calls()
    start = time.monotonic()
    found.page_while_failing = world.page(back)
    found.looked_s = time.monotonic() - start
    proxy.heal()
    proxy.end_calls()
    time.sleep(MIN_PAUSE.total_seconds() + 0.2)
    found.page_in_the_end = world.page(back)
    found.sessions = world.sandbox.control("GET", "/_sandbox/state")["counts"]["sessions"]
    found.gift, found.facts = world.gift(), Counter(world.facts())
    with world.database.reading() as session:
        found.broken = list(broken_constraints(session))
    return found


@pytest.fixture(scope="module")
def outcomes(sqlite: Sqlite) -> Iterator[dict[str, Future[Outcome]]]:
    """Every fault at once, each with a service of its own: most of the time they wait."""
    with ExitStack() as stack:
        worlds = [stack.enter_context(a_world(sqlite.fresh_url())) for _ in FAULTS]
        pool = stack.enter_context(ThreadPoolExecutor(len(FAULTS)))
        yield {
            name: pool.submit(live_through, *world, fault)
            for world, (name, fault) in zip(worlds, FAULTS.items(), strict=True)
        }


@pytest.mark.parametrize("name", FAULTS)
def test_a_donor_hears_in_time_and_pays_once(
    outcomes: dict[str, Future[Outcome]], name: str
) -> None:
    """However the line fails: a plain sentence within eight seconds, then one paid session."""
    found = outcomes[name].result()
    assert (found.first_answer, found.waited_s < DEADLINE_S + BESIDE_S) == (303, True)
    assert NOT_OPENED in found.first_page, found.first_page
    assert not any(word in found.first_page for word in ("Traceback", "httpx", "timed out"))
    assert (found.keys, found.sessions) == (1, {"complete": 1})
    assert found.gift
    assert (found.gift.status, found.gift.received_minor) == ("confirmed", AMOUNT)
    assert found.facts["payment_succeeded"] == 1
    assert found.broken == []


@pytest.mark.parametrize("name", FAULTS)
def test_asking_outlives_the_line(outcomes: dict[str, Future[Outcome]], name: str) -> None:
    """Who looks while Stripe cannot be asked is answered in time, and later reads "received"."""
    found = outcomes[name].result()
    assert found.looked_s < DEADLINE_S + BESIDE_S
    assert RECEIVED not in found.page_while_failing
    assert RECEIVED in found.page_in_the_end
