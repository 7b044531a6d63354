"""`python -m tests.benchmarks.bank_lines`: a bank statement of 10,000 lines, and 50,000 gifts.

Imports the statement through its pages, opens the pages of bank lines, and accepts the certain
lines. Prints the fastest of several requests, in milliseconds of the clock and of this process.
"""

import argparse
import re
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Final, TypeVar

from donate.storage.database import Database
from tests.bank.matching.generated_months import Mix
from tests.finance.finance_site import csrf, open_site
from tests.finance.many_transfers import AFTER_IT, as_csv, big_month, record_month
from tests.real_parts import Postgres, Sqlite

HOME: Final = "/finance/statements"
CERTAIN: Final = f"{HOME}/certain"
T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bank_lines")
    parser.add_argument("--only", choices=["sqlite", "postgresql"], help="one database")
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--gifts", type=int, default=50_000)
    options = parser.parse_args()
    for kind in ("sqlite", "postgresql"):
        if options.only in (None, kind):
            measure(kind, options.lines, options.gifts)


def measure(kind: str, lines: int, gifts: int) -> None:
    """Print the figures of one kind of database."""
    with tempfile.TemporaryDirectory(prefix="donate-bench-") as name:
        postgres = Postgres(Path(name) / "postgres") if kind == "postgresql" else None
        with closing(postgres) if postgres else nullcontext():
            database = Database((postgres or Sqlite(Path(name))).fresh_url())
            month = big_month(lines, gifts, Mix())
            record_month(database, month)
            statement = as_csv(month)
            _use(kind, database, statement)
            database.close()


def _use(kind: str, database: Database, statement: bytes) -> None:
    site = open_site(database)
    site.clock.instant = AFTER_IT
    browser = site.signed_in()

    def post(path: str, **data: str) -> str:
        answer = browser.post(path, data={"csrf": csrf(browser)} | data)
        return str(answer.headers.get("location", "")) or answer.text

    files = {"file": ("accountactivity.csv", statement, "text/csv")}
    uploaded = browser.post(f"{HOME}/uploaded", data={"csrf": csrf(browser)}, files=files)
    address = uploaded.headers["location"]
    chosen = {"new_account_0": "Chequing", "shape": "td"}
    seen = _hidden("seen", post(address, **chosen))
    _timed(kind, "import", lambda: post(address, **chosen, seen=seen, compared="yes"), 1)
    for path in (HOME, f"{HOME}?show=certain", f"{HOME}?show=all", f"{HOME}/lines/1", CERTAIN):
        _timed(kind, path, lambda path=path: browser.get(path), 8)  # type: ignore[misc]
    found = _hidden("lines", browser.get(CERTAIN).text)
    print(_timed(kind, "accept 250 lines", lambda: post(CERTAIN, lines=found), 1))
    _timed(kind, "match again after that", lambda: post(f"{HOME}/matched"), 1)
    accepted, took = 0, 0.0
    while found := _hidden("lines", browser.get(CERTAIN).text):
        start = time.perf_counter()
        post(CERTAIN, lines=found)
        took += time.perf_counter() - start
        accepted += found.count(",") + 1
        if accepted >= 4_500:
            break
    print(f"{kind:10}  accept {accepted} more, 250 at a time, with matching: {took:.1f} s")


def _hidden(name: str, page: str) -> str:
    value = re.search(rf'name="{name}" value="([^"]*)"', page)
    return value[1] if value else ""


def _timed(kind: str, what: str, call: Callable[[], T], times: int) -> T:
    clock, processor, results = [], [], []
    for _ in range(times):
        start, used = time.perf_counter(), time.process_time()
        results.append(call())
        clock.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    print(
        f"{kind:10}  {what:32} {1000 * min(clock):8.0f} ms, "
        f"of this process {1000 * min(processor):8.0f} ms",
        flush=True,
    )
    return results[-1]


if __name__ == "__main__":
    main()
