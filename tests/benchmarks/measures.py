"""The measurements of the benchmark.

A ceiling is what the same server reaches without storing events (bare.py). It is measured in the
same run, and the table has the ratio of other values to it.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from tests.benchmarks import desk
from tests.benchmarks.callers import Answers, offer, pour
from tests.benchmarks.events import paid, sign_all
from tests.benchmarks.processes import Running, bare, serving
from tests.benchmarks.stock import Stock
from tests.benchmarks.targets import TARGETS, Target
from tests.real_parts import Postgres, Sqlite

# The letter of each measurement: a is rates, c latencies, d a backlog, e the cost of many gifts, f
# the staff's pages and exports. No measurement has the letter b.
PARTS: Final = "acdef"
OFFERED: Final = (100, 350, 1_000)
POLL_S: Final = 0.02
# The longest wait for all events to be settled; a hundred thousand of them take a minute.
TIMEOUT_S: Final = 400.0
WAITING: Final = "stripe_event WHERE state = 'waiting'"
CONFIRMED: Final = "gift WHERE status = 'confirmed'"
EVENTS: Final = "stripe_event"


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Measurement e is done with each number of stored gifts in `stores`; the first is that of the
    small database, with which the others are compared. Measurement f uses the last number, and
    reads each page `turns` times.
    """

    burst: int
    rounds: int
    offered_s: float
    backlog: int
    stores: tuple[int, ...]
    turns: int = 100


QUICK: Final = Size(burst=200, rounds=1, offered_s=0.2, backlog=500, stores=(200, 1_000), turns=3)
FULL: Final = Size(
    burst=4_000, rounds=3, offered_s=6, backlog=100_000, stores=(1_000, 10_000, 100_000, 1_000_000)
)


@dataclass(frozen=True)
class Figure:
    """One line of the benchmark's table, a measured value; `ratio` is its ratio to the ceiling."""

    database: str
    what: str
    value: float
    unit: str
    ratio: float | None = None
    ceiling: str = ""

    @property
    def target(self) -> Target | None:
        """Return the figure's target on a machine with two cores, if there is one."""
        return TARGETS[self.database].get(self.what)


@dataclass
class Place:
    """A running service and its database, to which events are sent."""

    stock: Stock
    service: Running

    def requests(self, how_many: int) -> list[bytes]:
        """Add awaited gifts, and return the webhook requests that say that they were paid."""
        return sign_all(paid(names.as_words()) for names in self.stock.add_awaited(how_many))

    def deliver(self, how_many: int) -> tuple[float, float]:
        """Send events as fast as possible; return the rates of answers and of confirmed gifts."""
        requests = self.requests(how_many)
        before = self.stock.count(CONFIRMED)
        start = time.perf_counter()
        answers = pour(self.service.port, requests)
        self.wait_until_settled()
        seconds = time.perf_counter() - start
        self.check(answers, before + how_many)
        return answers.rate, how_many / seconds

    def offer(self, rate: int, seconds: float) -> Answers:
        """Send events at this rate per second, and wait until all are settled."""
        requests = self.requests(int(rate * seconds))
        before = self.stock.count(CONFIRMED)
        answers = offer(self.service.port, requests, rate)
        self.wait_until_settled()
        self.check(answers, before + len(requests))
        return answers

    def wait_until_settled(self) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while self.stock.count(WAITING):
            assert time.monotonic() < deadline, "events are not settled"
            time.sleep(POLL_S)

    def check(self, answers: Answers, confirmed: int) -> None:
        """Check that no event was refused, and that the number of confirmed gifts is right."""
        count = self.stock.count(CONFIRMED)
        assert (answers.refused, count) == (0, confirmed), (answers.refused, count, confirmed)


class Bench:
    """Measures the service on one kind of database."""

    def __init__(self, parts: Sqlite | Postgres, folder: Path, size: Size) -> None:
        self._parts = parts
        self._folder = folder
        self._size = size
        self._name = "SQLite" if isinstance(parts, Sqlite) else "PostgreSQL"

    def run(self, parts: str = PARTS) -> Iterator[Figure]:
        """Yield the figures of the measurements whose letters are in `parts`."""
        if "a" in parts or "c" in parts:
            with ExitStack() as stack:
                ceiling = stack.enter_context(bare(self._folder))
                place = self._place(stack, self._size.stores[0])
                if "a" in parts:
                    yield from self._bursts(place, ceiling)
                if "c" in parts:
                    yield from self._latencies(place, ceiling)
                yield self._figure("peak memory so far", place.service.peak_megabytes(), "MB")
        if "d" in parts:
            yield from self._backlog()
        if "e" in parts:
            yield from self._cost_curve()
        if "f" in parts:
            yield from self._desk()

    def _bursts(self, place: Place, ceiling: Running) -> Iterator[Figure]:
        """Measurement a: the rates when 32 connections send events as fast as possible."""
        size = self._size
        place.deliver(size.burst // 4)  # not measured, to warm up the caches
        bares, durable, confirmed = [], [], []
        for _ in range(size.rounds):
            bares.append(pour(ceiling.port, place.requests(size.burst)).rate)
            acknowledged, settled = place.deliver(size.burst)
            durable.append(acknowledged)
            confirmed.append(settled)
        best, ceiling_name = median(bares), "answers without a database"
        yield self._figure("answers without a database", best, "/s", 1.0, ceiling_name)
        for what, rates in (("durable answers", durable), ("confirmed gifts", confirmed)):
            yield self._figure(what, median(rates), "/s", median(rates) / best, ceiling_name)

    def _latencies(self, place: Place, ceiling: Running) -> Iterator[Figure]:
        """Measurement c: the latencies when events are sent at a given average rate (an open loop).

        If the service stalls, the latencies of all events that are due meanwhile grow.
        """
        for rate in OFFERED:
            seconds = self._size.offered_s
            ceiling_answers = offer(ceiling.port, place.requests(int(rate * seconds)), rate)
            answers = place.offer(rate, seconds)
            for share, name in ((0.5, "p50"), (0.99, "p99")):
                yield self._figure(
                    f"{name} at {rate:,}/s offered",
                    answers.percentile_ms(share),
                    "ms",
                    answers.percentile_ms(share) / ceiling_answers.percentile_ms(share),
                    "the same without a database",
                )

    def _backlog(self) -> Iterator[Figure]:
        """Measurement d: how long it takes to settle the events that wait after an outage."""
        stock = self._stock(self._size.stores[0])
        before = stock.count(CONFIRMED)
        stock.add_awaited(self._size.backlog, with_events=True)
        stock.rest()
        with serving(stock.url, self._folder) as service:
            place = Place(stock, service)
            start = time.perf_counter()
            place.wait_until_settled()
            seconds = time.perf_counter() - start
            place.check(Answers(seconds, [], 0), before + self._size.backlog)
            what = f"backlog of {self._size.backlog:,} settled in"
            yield self._figure(what, seconds, "s")
            yield self._figure("peak memory meanwhile", service.peak_megabytes(), "MB")
        stock.close()

    def _cost_curve(self) -> Iterator[Figure]:
        """Measurement e: how much slower the service is with many gifts than with few.

        A growing database and a small one are measured in turns, under the same conditions.
        """
        first, *larger = self._size.stores
        growing = self._stock(first)
        with ExitStack() as stack:
            small = self._place(stack, first)
            stored = first
            for gifts in larger:
                growing.add_confirmed(gifts - stored)
                growing.rest()
                stored = gifts
                with serving(growing.url, self._folder) as service:
                    yield from self._compare(small, Place(growing, service), first, gifts)
        growing.close()

    def _compare(self, small: Place, large: Place, first: int, gifts: int) -> Iterator[Figure]:
        how_many = self._size.burst // 2
        large.deliver(how_many // 4)
        rates = [
            (small.deliver(how_many), large.deliver(how_many)) for _ in range(self._size.rounds)
        ]
        for index, what in enumerate(("durable answers", "confirmed gifts")):
            few = median(pair[0][index] for pair in rates)
            many = median(pair[1][index] for pair in rates)
            name = f"{what} with {gifts:,} gifts stored"
            yield self._figure(name, many, "/s", many / few, f"with {first:,} stored")

    def _desk(self) -> Iterator[Figure]:
        """Measurement f: staff's pages and exports with many gifts, also while webhooks arrive."""
        gifts = self._size.stores[-1]
        url = self._parts.fresh_url()
        seconds, cookie = desk.fill(url, gifts)
        yield self._figure(f"{gifts:,} gifts made in", seconds, "s")
        with serving(url, self._folder) as service:
            staff = desk.Desk(url, service, cookie)
            bare_page = staff.bare_page(self._size.turns)
            for path in desk.PAGES:
                yield self._page(path, staff.latencies(path, self._size.turns), bare_page)
            yield self._page("older pages", staff.turned_pages(desk.DEPTH), bare_page)
            yield from self._exports(staff, gifts)
            place = Place(Stock(url), service)
            with staff.downloading("/finance/gifts.csv"):
                answers = place.offer(100, self._size.offered_s)
            yield self._figure("p99 at 100/s during exports", answers.percentile_ms(0.99), "ms")
            place.stock.close()

    def _page(self, path: str, seconds: list[float], bare_page: float) -> Figure:
        value, ceiling = desk.p99(seconds), 1000 * bare_page
        return self._figure(f"p99 of {path}", value, "ms", value / ceiling, "a bare page of rows")

    def _exports(self, staff: desk.Desk, gifts: int) -> Iterator[Figure]:
        """Yield each export's rate, its ratio to the driver's rate, and the memory it took."""
        ceiling = gifts / staff.bare_csv()
        for ending in ("csv", "xlsx"):
            before = staff.megabytes()
            seconds, _ = staff.download(f"/finance/gifts.{ending}")
            rate, what = gifts / seconds, f"gifts a second as {ending.upper()}"
            name = "the driver's cursor and csv.writer"
            yield self._figure(what, rate, "/s", rate / ceiling, name)
            yield self._figure(f"memory for {ending.upper()}", staff.megabytes() - before, "MB")

    def _place(self, stack: ExitStack, gifts: int) -> Place:
        stock = self._stock(gifts)
        stack.callback(stock.close)
        return Place(stock, stack.enter_context(serving(stock.url, self._folder)))

    def _stock(self, gifts: int) -> Stock:
        stock = Stock(self._parts.fresh_url())
        stock.add_confirmed(gifts)
        stock.rest()
        return stock

    def _figure(
        self, what: str, value: float, unit: str, ratio: float | None = None, ceiling: str = ""
    ) -> Figure:
        return Figure(self._name, what, value, unit, ratio, ceiling)
