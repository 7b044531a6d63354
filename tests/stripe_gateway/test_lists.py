"""What is asked of Stripe's lists, word for word, and how gently."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from donate.clock import FixedClock
from donate.errors import StripeRefused, StripeUnavailable
from donate.stripe_gateway.catchup.lists import PATIENCE_S, PAUSE, StripeLists, reading_client
from donate.stripe_gateway.catchup.plan import Listing, ListRange
from donate.stripe_gateway.client import PER_TRY_S
from donate.stripe_gateway.events.types import EVENT_TYPES
from tests.real_parts import SECRET_KEY
from tests.sandbox.running import RunningSandbox, run_sandbox, wait_until

FROM = datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)
AT = int(FROM.timestamp())
PATHS = {
    Listing.EVENTS: "/v1/events",
    Listing.PAID_SESSIONS: "/v1/checkout/sessions",
    Listing.EXPIRED_SESSIONS: "/v1/checkout/sessions",
    Listing.INVOICES: "/v1/invoices",
    Listing.SUBSCRIPTIONS: "/v1/subscriptions",
    Listing.REFUNDS: "/v1/refunds",
    Listing.DISPUTES: "/v1/disputes",
}
WHOLE = ["data.payment_intent.latest_charge.balance_transaction"]
MORE: dict[Listing, dict[str, Any]] = {
    Listing.EVENTS: {"types": list(EVENT_TYPES)},
    Listing.PAID_SESSIONS: {"status": "complete", "expand": WHOLE},
    Listing.EXPIRED_SESSIONS: {"status": "expired"},
    Listing.INVOICES: {"status": "paid", "expand": ["data.payments"]},
    Listing.SUBSCRIPTIONS: {"status": "all"},
}


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with run_sandbox() as sandbox:
        yield sandbox


class Asking:
    """Lists of a sandbox, a clock that stands still, and every wait."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.sandbox = sandbox
        self.clock = FixedClock(FROM)
        self.waits: list[float] = []
        self.stop_in_wait = 0
        self.stopping = threading.Event()
        self.lists = StripeLists(reading_client(SECRET_KEY, sandbox.url), self.clock, self._wait)
        sandbox.control("DELETE", "/_sandbox/trouble")
        self._before = len(sandbox.control("GET", "/_sandbox/requests"))

    def _wait(self, stopping: threading.Event, seconds: float) -> bool:
        assert stopping is self.stopping
        self.waits.append(seconds)
        self.clock.instant += timedelta(seconds=seconds)
        return len(self.waits) == self.stop_in_wait

    def page(self, stretch: ListRange, cursor: str = "") -> None:
        assert self.lists.page(stretch, cursor, self.stopping).objects == []

    def asked(self) -> list[tuple[str, dict[str, Any]]]:
        log = self.sandbox.control("GET", "/_sandbox/requests")[self._before :]
        return [(one["path"], one["parameters"]) for one in log if one["method"] == "GET"]

    def trouble(self, kind: str, times: int, seconds: float = 0) -> None:
        told = {"path": "/v1/*", "method": "GET", "kind": kind, "times": times, "seconds": seconds}
        self.sandbox.control("POST", "/_sandbox/trouble", **told)


@pytest.fixture
def asking(running: RunningSandbox) -> Iterator[Asking]:
    asking = Asking(running)
    yield asking
    asking.lists.close()


@pytest.mark.parametrize("listing", list(Listing), ids=str)
def test_each_list_is_asked_for_in_its_own_words(asking: Asking, listing: Listing) -> None:
    """From whole seconds on, before whole seconds where an end is named, a hundred at a time."""
    asking.page(ListRange(listing, FROM))
    asking.page(ListRange(listing, FROM, FROM + timedelta(days=1)))
    more = MORE.get(listing, {})
    assert asking.asked() == [
        (PATHS[listing], {"created": created, "limit": "100"} | more)
        for created in ({"gte": str(AT)}, {"gte": str(AT), "lt": str(AT + 86_400)})
    ]


def test_the_next_page_follows_the_last_object(asking: Asking) -> None:
    """With a cursor the page after that object is asked for; the first page has none."""
    with pytest.raises(StripeRefused):
        asking.page(ListRange(Listing.REFUNDS, FROM), "re_nobody")
    ((_, parameters),) = asking.asked()
    assert parameters["starting_after"] == "re_nobody"
    assert asking.waits == []


@pytest.mark.parametrize(
    ("passes", "waits"),
    [
        (timedelta(0), [PAUSE.total_seconds()]),
        (PAUSE - timedelta(milliseconds=10), [0.01]),
        (PAUSE, []),
        (timedelta(days=1), []),
    ],
    ids=["at once", "a little early", "just in time", "much later"],
)
def test_twenty_questions_a_second_are_the_most(
    asking: Asking, passes: timedelta, waits: list[float]
) -> None:
    """A twentieth of a second lies between two questions; what is left of it is waited for."""
    asking.page(ListRange(Listing.DISPUTES, FROM))
    asking.clock.instant += passes
    asking.page(ListRange(Listing.DISPUTES, FROM))
    assert asking.waits == pytest.approx(waits)


def test_patience_ends_after_a_minute(asking: Asking, caplog: pytest.LogCaptureFixture) -> None:
    """Seven tries with longer and longer pauses, for half as much each time, down to ten.

    The log has a line for each time that Stripe is asked again.
    """
    asking.trouble("500", 100)
    with pytest.raises(StripeUnavailable, match="no usable answer about disputes"):
        asking.page(ListRange(Listing.DISPUTES, FROM))
    assert asking.waits == list(PATIENCE_S)
    assert PATIENCE_S == (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
    limits = list(dict.fromkeys(asked["limit"] for _, asked in asking.asked()))
    assert limits == ["100", "50", "25", "12", "10"]
    lines = [line for line in caplog.messages if "asking Stripe again for disputes" in line]
    assert len(lines) == len(PATIENCE_S)


def test_who_is_stopped_asks_no_more(asking: Asking) -> None:
    """When the process ends while it waits, the wait ends and no further try follows."""
    asking.trouble("500", 100)
    asking.stop_in_wait = 2
    with pytest.raises(StripeUnavailable):
        asking.page(ListRange(Listing.DISPUTES, FROM))
    assert asking.waits == [1.0, 2.0]


def test_a_slow_page_is_waited_for_by_two(asking: Asking, running: RunningSandbox) -> None:
    """A page may take longer than a donor would wait; who would be the third is told at once."""
    asking.trouble("hang", 2, seconds=PER_TRY_S + 0.5)
    client = reading_client(SECRET_KEY, running.url)
    with ThreadPoolExecutor(2) as two:
        pages = [two.submit(client.list_page, "disputes", {"limit": 10}) for _ in range(2)]
        wait_until(lambda: len(asking.asked()) == 2)
        with pytest.raises(StripeUnavailable, match="too many"):
            client.list_page("disputes", {"limit": 10})
        assert [page.result().objects for page in pages] == [[], []]
    assert len(asking.asked()) == 2
    client.close()


def test_closed_lists_ask_nothing(asking: Asking) -> None:
    """After the process has hung up, nothing more goes out to Stripe."""
    asking.lists.close()
    with pytest.raises(RuntimeError):
        asking.page(ListRange(Listing.DISPUTES, FROM))
    assert asking.asked() == []
