"""Measurement f: the staff's pages and exports with many stored gifts."""

import csv
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

import httpx
import psycopg
from sqlalchemy.engine import make_url

from donate.clock import Clock, SystemClock
from donate.demo.many_gifts import add_many_gifts
from donate.finance.roles import Role
from donate.finance.sessions import start_session
from donate.finance.staff.accounts import add_staff
from donate.storage.chain.linker import ChainLinker
from donate.storage.database import Database
from tests.benchmarks.processes import Running

COOKIE: Final = "donate_staff"
PAGES: Final = (
    "/finance",
    "/finance/gifts",
    "/finance/gifts?status=refunded",
    "/finance/gifts?status=disputed",
    "/finance/gifts?sort=amount",
    "/finance/gifts?sort=received",
    "/finance/gifts?sort=status",
    "/finance/gifts?amount_from=1000&status=refunded",
    "/finance/gifts?monthly=yes&status=failed",
    "/finance/gifts?status=charged_back&mode=card",
    "/finance/gifts?mode=interac&from=2025-03-01&to=2025-03-31",
    "/finance/movements",
    "/finance/movements?kind=refund",
    "/finance/movements?from=2024-12-01&to=2024-12-31",
    "/finance/donors",
    "/finance/donors?q=smith",
    "/finance/donors/1",
    "/finance/monthly",
    "/finance/offline",
    "/finance/activity",
    "/finance/search?q=smith",
    "/finance/search?q=50.00",
    "/finance/search?q=donor17@example.org",
    "/finance/search?q=@example.org",
    "/finance/search?q=thanks+work",
    "/finance/search?q=nothing-like-this",
)
DEPTH: Final = 20
"""How many pages of the list of gifts are requested, each by the link on the page before."""
# Reads the rows that the CSV of gifts is made of. To measure the ceiling, `csv.writer` writes them.
ALL_GIFTS: Final = (
    "SELECT gift.*, donor.*, gift_wish.note FROM gift JOIN donor ON donor.id = gift.donor_id "
    "LEFT JOIN gift_wish ON gift_wish.gift_id = coalesce(gift.pledge_id, gift.id) "
    "ORDER BY gift.opened_at, gift.id"
)
ONE_PAGE: Final = (
    "SELECT gift.*, donor.* FROM gift JOIN donor ON donor.id = gift.donor_id "
    "ORDER BY gift.opened_at DESC, gift.id DESC LIMIT 51"
)


class Desk:
    """The staff's pages of a running service, read by a signed-in person."""

    def __init__(self, url: str, service: Running, token: str) -> None:
        self._url = url
        self._service = service
        self._http = httpx.Client(
            base_url=f"http://127.0.0.1:{service.port}",
            cookies={COOKIE: token},
            trust_env=False,
            timeout=600,
        )

    def latencies(self, path: str, times: int) -> list[float]:
        """Return the seconds of each request. The first, which fills the caches, does not count."""
        self._get(path)
        return [self._timed(path)[0] for _ in range(times)]

    def turned_pages(self, times: int) -> list[float]:
        """Request the list of gifts page by page; return the seconds of each request."""
        path, seconds = "/finance/gifts", list[float]()
        while path and len(seconds) < times:
            took, page = self._timed(path)
            seconds.append(took)
            path = _next_page(page)
        return seconds

    def download(self, path: str) -> tuple[float, int]:
        """Download a file without keeping it; return the seconds and the number of bytes."""
        start, size = time.perf_counter(), 0
        with self._http.stream("GET", path) as answer:
            assert answer.status_code == 200, (path, answer.status_code)
            for chunk in answer.iter_raw(1 << 16):
                size += len(chunk)
        return time.perf_counter() - start, size

    @contextmanager
    def downloading(self, path: str) -> Iterator[None]:
        """Download again and again while the block runs."""
        stop = threading.Event()

        def again() -> None:
            while not stop.is_set():
                self.download(path)

        thread = threading.Thread(target=again)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def megabytes(self) -> float:
        """Return the largest amount of memory that the service has used."""
        return self._service.peak_megabytes()

    def bare_page(self, times: int) -> float:
        """Return the median seconds of reading one page of gifts through the driver alone."""
        with _cursor(self._url) as execute:
            seconds = []
            for _ in range(times):
                start = time.perf_counter()
                for _ in execute(ONE_PAGE):
                    pass
                seconds.append(time.perf_counter() - start)
        return median(seconds)

    def bare_csv(self) -> float:
        """Return the seconds of writing all gifts through the driver's cursor and `csv.writer`."""
        start = time.perf_counter()
        with _cursor(self._url) as execute, Path(os.devnull).open("w", encoding="utf-8") as file:
            csv.writer(file).writerows(execute(ALL_GIFTS))
        return time.perf_counter() - start

    def _timed(self, path: str) -> tuple[float, str]:
        start = time.perf_counter()
        page = self._get(path)
        return time.perf_counter() - start, page

    def _get(self, path: str) -> str:
        answer = self._http.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text


def fill(url: str, gifts: int) -> tuple[float, str]:
    """Add gifts and a member of staff. Return the seconds it took, and a session's token."""
    start = time.perf_counter()
    add_many_gifts(url, gifts, lambda _done, _total: None)
    seconds = time.perf_counter() - start
    database, clock = Database(url), SystemClock()
    _extend_chain(database, clock)
    now = clock.now()
    with database.writing() as session:
        staff = add_staff(
            session, "bench@example.org", name="Bench", role=Role.FINANCE, password=token(), now=now
        )
        assert staff.id is not None
        cookie = start_session(session, staff.id, now=now)
    database.close()
    return seconds, cookie


def _extend_chain(database: Database, clock: Clock) -> None:
    """Add all rows to the chain, so that the service does not do so during the measurement."""
    linker = ChainLinker(database, clock, look_every=timedelta(0))
    while linker.link_due():
        pass


def token() -> str:
    """Return a random password; nobody needs it, because a session is begun without it."""
    return os.urandom(16).hex()


def p99(seconds: Sequence[float]) -> float:
    """Return the 99th percentile in milliseconds."""
    return 1000 * sorted(seconds)[int(0.99 * (len(seconds) - 1))]


def _next_page(page: str) -> str:
    link = re.search(r'rel="next" href="([^"]+)"', page)
    return link[1].replace("&amp;", "&") if link else ""


@contextmanager
def _cursor(url: str) -> Iterator[Callable[[str], Iterator[Any]]]:
    if url.startswith("sqlite"):
        with sqlite3.connect(make_url(url).database or "") as connection:
            yield connection.execute
        connection.close()
        return
    with psycopg.connect(url) as postgresql:

        def execute(sql: str) -> Iterator[Any]:
            with postgresql.cursor("rows") as one:
                one.itersize = 1_000
                yield from one.execute(sql)

        yield execute
