"""How the objects on Stripe's lists are requested: parameters, pace, retries and timeouts."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from donate.clock import FixedClock
from donate.errors import StripeRefused, StripeUnavailable
from donate.stripe_gateway.catchup.lists import (
    RETRY_PAUSES_S,
    StripeLists,
    reading_client,
)
from donate.stripe_gateway.catchup.plan import Listing, ListRange
from donate.stripe_gateway.client import PER_ATTEMPT_S
from donate.stripe_gateway.events.types import EVENT_TYPES
from tests.real_parts import SECRET_KEY
from tests.sandbox.running import RunningSandbox, run_sandbox
from tests.waiting import until

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
    Listing.PAYOUTS: "/v1/payouts",
    Listing.BALANCE: "/v1/balance_transactions",
}
EXPANDED = ["data.payment_intent.latest_charge.balance_transaction"]
MORE: dict[Listing, dict[str, Any]] = {
    Listing.EVENTS: {"types": list(EVENT_TYPES)},
    Listing.PAID_SESSIONS: {"status": "complete", "expand": EXPANDED},
    Listing.EXPIRED_SESSIONS: {"status": "expired"},
    Listing.INVOICES: {"status": "paid", "expand": ["data.payments"]},
    Listing.SUBSCRIPTIONS: {"status": "all"},
    Listing.BALANCE: {"expand": ["data.source"]},
}


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with run_sandbox() as sandbox:
        yield sandbox


class ListReader:
    """Reads a sandbox's lists. Instead of pausing, it notes the seconds and advances its clock."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.sandbox = sandbox
        self.clock = FixedClock(FROM)
        self.waits: list[float] = []
        self.stop_in_wait = 0
        self.stopping = threading.Event()
        self.lists = StripeLists(reading_client(SECRET_KEY, sandbox.url), self._wait)
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
def reader(running: RunningSandbox) -> Iterator[ListReader]:
    reader = ListReader(running)
    yield reader
    reader.lists.close()


@pytest.mark.parametrize("listing", list(Listing), ids=str)
def test_the_parameters_of_each_list(reader: ListReader, listing: Listing) -> None:
    """A page of a list is requested with its range of time in seconds and a limit of 100."""
    reader.page(ListRange(listing, FROM))
    reader.page(ListRange(listing, FROM, FROM + timedelta(days=1)))
    more = MORE.get(listing, {})
    assert reader.requests() == [
        (PATHS[listing], {"created": created, "limit": "100"} | more)
        for created in ({"gte": str(AT)}, {"gte": str(AT), "lt": str(AT + 86_400)})
    ]


def test_the_next_page_follows_the_last_object(reader: ListReader) -> None:
    """The next page is requested with starting_after, the id of the last object."""
    with pytest.raises(StripeRefused):
        reader.page(ListRange(Listing.REFUNDS, FROM), "re_nobody")
    ((_, parameters),) = reader.requests()
    assert parameters["starting_after"] == "re_nobody"
    assert reader.waits == []


def test_retries_of_a_list_end_after_a_minute(
    reader: ListReader, caplog: pytest.LogCaptureFixture
) -> None:
    """A page of a list is requested seven times, with longer pauses and smaller limits each time.

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


def test_a_stopped_process_does_not_retry(reader: ListReader) -> None:
    """If the process is stopped during the pause before a retry, the retry is not sent."""
    reader.trouble("500", 100)
    reader.stop_in_wait = 2
    with pytest.raises(StripeUnavailable):
        reader.page(ListRange(Listing.DISPUTES, FROM))
    assert reader.waits == [1.0, 2.0]


def test_two_slow_requests_for_lists_are_the_most(
    reader: ListReader, running: RunningSandbox
) -> None:
    """While two requests for a list wait for Stripe, a third one fails immediately."""
    reader.trouble("hang", 2, seconds=PER_ATTEMPT_S + 0.5)
    client = reading_client(SECRET_KEY, running.url)
    with ThreadPoolExecutor(2) as two:
        pages = [two.submit(client.list_page, "disputes", {"limit": 10}) for _ in range(2)]
        until(lambda: len(reader.requests()) == 2)
        with pytest.raises(StripeUnavailable, match="too many"):
            client.list_page("disputes", {"limit": 10})
        assert [page.result().objects for page in pages] == [[], []]
    assert len(reader.requests()) == 2
    client.close()


def test_closed_lists_ask_nothing(reader: ListReader) -> None:
    """After StripeLists is closed, it sends no request to Stripe."""
    reader.lists.close()
    with pytest.raises(RuntimeError):
        reader.page(ListRange(Listing.DISPUTES, FROM))
    assert reader.requests() == []
