"""How Stripe's lists are requested, parameter by parameter, and how gently."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from donate.clock import FixedClock
from donate.errors import StripeRefused, StripeUnavailable
from donate.stripe_gateway.catchup.lists import (
    MIN_INTERVAL,
    RETRY_PAUSES_S,
    StripeLists,
    reading_client,
)
from donate.stripe_gateway.catchup.plan import Listing, ListRange
from donate.stripe_gateway.client import PER_ATTEMPT_S
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
EXPANDED = ["data.payment_intent.latest_charge.balance_transaction"]
MORE: dict[Listing, dict[str, Any]] = {
    Listing.EVENTS: {"types": list(EVENT_TYPES)},
    Listing.PAID_SESSIONS: {"status": "complete", "expand": EXPANDED},
    Listing.EXPIRED_SESSIONS: {"status": "expired"},
    Listing.INVOICES: {"status": "paid", "expand": ["data.payments"]},
    Listing.SUBSCRIPTIONS: {"status": "all"},
}


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with run_sandbox() as sandbox:
        yield sandbox


class Reader:
    """Lists of a sandbox, a clock that stands still, and a record of every wait."""

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

    def requests(self) -> list[tuple[str, dict[str, Any]]]:
        log = self.sandbox.control("GET", "/_sandbox/requests")[self._before :]
        return [(one["path"], one["parameters"]) for one in log if one["method"] == "GET"]

    def trouble(self, kind: str, times: int, seconds: float = 0) -> None:
        lever = {
            "path": "/v1/*",
            "method": "GET",
            "kind": kind,
            "times": times,
            "seconds": seconds,
        }
        self.sandbox.control("POST", "/_sandbox/trouble", **lever)


@pytest.fixture
def reader(running: RunningSandbox) -> Iterator[Reader]:
    reader = Reader(running)
    yield reader
    reader.lists.close()


@pytest.mark.parametrize("listing", list(Listing), ids=str)
def test_each_list_is_asked_for_in_its_own_words(reader: Reader, listing: Listing) -> None:
    """A list is requested from and to whole seconds, a hundred objects at a time."""
    reader.page(ListRange(listing, FROM))
    reader.page(ListRange(listing, FROM, FROM + timedelta(days=1)))
    more = MORE.get(listing, {})
    assert reader.requests() == [
        (PATHS[listing], {"created": created, "limit": "100"} | more)
        for created in ({"gte": str(AT)}, {"gte": str(AT), "lt": str(AT + 86_400)})
    ]


def test_the_next_page_follows_the_last_object(reader: Reader) -> None:
    """With a cursor, the page after that object is requested."""
    with pytest.raises(StripeRefused):
        reader.page(ListRange(Listing.REFUNDS, FROM), "re_nobody")
    ((_, parameters),) = reader.requests()
    assert parameters["starting_after"] == "re_nobody"
    assert reader.waits == []


@pytest.mark.parametrize(
    ("passes", "waits"),
    [
        (timedelta(0), [MIN_INTERVAL.total_seconds()]),
        (MIN_INTERVAL - timedelta(milliseconds=10), [0.01]),
        (MIN_INTERVAL, []),
        (timedelta(days=1), []),
    ],
    ids=["at once", "a little early", "just in time", "much later"],
)
def test_twenty_questions_a_second_are_the_most(
    reader: Reader, passes: timedelta, waits: list[float]
) -> None:
    """Two requests are at least a twentieth of a second apart."""
    reader.page(ListRange(Listing.DISPUTES, FROM))
    reader.clock.instant += passes
    reader.page(ListRange(Listing.DISPUTES, FROM))
    assert reader.waits == pytest.approx(waits)


def test_patience_ends_after_a_minute(reader: Reader, caplog: pytest.LogCaptureFixture) -> None:
    """A list is attempted seven times with growing pauses and smaller pages, down to ten.

    The log has a line for each retry.
    """
    reader.trouble("500", 100)
    with pytest.raises(StripeUnavailable, match="no usable answer about disputes"):
        reader.page(ListRange(Listing.DISPUTES, FROM))
    assert reader.waits == list(RETRY_PAUSES_S)
    assert RETRY_PAUSES_S == (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
    limits = list(dict.fromkeys(requests["limit"] for _, requests in reader.requests()))
    assert limits == ["100", "50", "25", "12", "10"]
    log_lines = [line for line in caplog.messages if "retrying disputes" in line]
    assert len(log_lines) == len(RETRY_PAUSES_S)


def test_who_is_stopped_asks_no_more(reader: Reader) -> None:
    """A wait ends when the process stops, and no further attempt follows."""
    reader.trouble("500", 100)
    reader.stop_in_wait = 2
    with pytest.raises(StripeUnavailable):
        reader.page(ListRange(Listing.DISPUTES, FROM))
    assert reader.waits == [1.0, 2.0]


def test_a_slow_page_is_waited_for_by_two(reader: Reader, running: RunningSandbox) -> None:
    """Two pages may take long at the same time; a third request fails immediately."""
    reader.trouble("hang", 2, seconds=PER_ATTEMPT_S + 0.5)
    client = reading_client(SECRET_KEY, running.url)
    with ThreadPoolExecutor(2) as two:
        pages = [two.submit(client.list_page, "disputes", {"limit": 10}) for _ in range(2)]
        wait_until(lambda: len(reader.requests()) == 2)
        with pytest.raises(StripeUnavailable, match="too many"):
            client.list_page("disputes", {"limit": 10})
        assert [page.result().objects for page in pages] == [[], []]
    assert len(reader.requests()) == 2
    client.close()


def test_closed_lists_ask_nothing(reader: Reader) -> None:
    """After the lists are closed, nothing is sent to Stripe."""
    reader.lists.close()
    with pytest.raises(RuntimeError):
        reader.page(ListRange(Listing.DISPUTES, FROM))
    assert reader.requests() == []
