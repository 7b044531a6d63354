"""Sends a hundred thousand odd requests to the service; none may get a 500.

As a program: python -m tests.faults.strangers --requests 100000 --seed 7
Half of the requests go to a service on SQLite and half to one on PostgreSQL. The seed and a
request's number determine the request, so --only NUMBER repeats a single request.
"""

import argparse
import asyncio
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

import httpx
import uvloop

from donate.finance.sessions import find_session
from donate.storage.database import Database
from donate.stripe_gateway.models import EventSource, EventState, StripeEvent
from tests.faults.good_requests import Known, Request
from tests.faults.odd_requests import draw_request
from tests.faults.processes import a_fresh
from tests.faults.quick_start import Forked, forker
from tests.finance.finance_site import start_staff_session
from tests.links import LINK_KEY
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET, free_port
from tests.stripe_gateway.gifts_and_events import give
from tests.waiting import until

PARALLEL: Final = 24
# A complete request must get an answer. Most incomplete ones get none, so the wait is short.
TIMEOUT_S: Final = 30.0
TIMEOUT_PARTIAL_S: Final = 0.1
# The most that the service's memory may grow after the first tenth of the requests.
MOST_GROWTH_MB: Final = 120.0
_STATUS: Final = re.compile(rb"(?:^|\r\n)HTTP/1\.1 (\d{3})[ \r]")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


@dataclass
class Report:
    """The statuses that requests got on one database, and the errors found."""

    backend: str
    answers: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    grown_mb: float = 0.0
    errors: list[str] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return self.answers.total()

    def line(self) -> str:
        answers = ", ".join(f"{n}x{status or '-'}" for status, n in sorted(self.answers.items()))
        return (
            f"{self.backend:<11}{self.requests:>6} requests  {self.requests / self.seconds:>5.0f}/s"
            f"  {self.seconds:>4.0f} s  memory +{self.grown_mb:.0f} MB  answers {answers}  "
            f"{'WRONG' if self.errors else 'correct'}"
        )


class Strangers:
    """Sends numbered requests over TCP connections, several at a time."""

    def __init__(self, port: int, known: Known, seed: int, report: Report) -> None:
        self._port = port
        self._known = known
        self._seed = seed
        self._report = report

    def request(self, number: int) -> Request:
        return draw_request(self._known, Random(f"{self._seed}:{number}"))

    def send_all(self, numbers: Iterator[int]) -> None:
        """Send the requests with these numbers, and wait until all are answered or timed out."""

        async def run_parallel() -> None:
            await asyncio.gather(*(self._send_each(numbers) for _ in range(PARALLEL)))

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run_parallel())

    async def _send_each(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            if len(self._report.errors) >= 20:
                return
            request = self.request(number)
            received = await self._send(request)
            statuses = [int(status) for status in _STATUS.findall(received)]
            self._report.answers[statuses[0] if statuses else 0] += 1
            if any(status >= 500 and status != 503 for status in statuses):
                self._report_error(number, request, f"got {statuses}")
            elif received == b"TIMEOUT" and request.whole:
                self._report_error(number, request, "got no answer")

    def _report_error(self, number: int, request: Request, problem: str) -> None:
        raw = request.as_bytes()
        shown = raw if len(raw) < 1_500 else raw[:1_500] + b"..."
        self._report.errors.append(
            f"request {number} of seed {self._seed} {problem}; again: --seed {self._seed} "
            f"--only {number}\n    {shown!r}"
        )

    async def _send(self, request: Request) -> bytes:
        """Send a request; return the bytes of its answer, or b"TIMEOUT" if there was none."""
        received = b""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return b"TIMEOUT"  # the service has stopped; `run_strangers` checks that separately
        try:
            async with asyncio.timeout(TIMEOUT_S if request.whole else TIMEOUT_PARTIAL_S):
                writer.write(request.as_bytes())
                with suppress(ConnectionError):
                    while piece := await reader.read(65_536):
                        received += piece
                        if _is_complete(received):
                            break
        except TimeoutError:
            return received or b"TIMEOUT"
        finally:
            writer.transport.abort()
        return received


def _is_complete(received: bytes) -> bool:
    end = received.find(b"\r\n\r\n")
    length = _LENGTH.search(received[: end + 2]) if end >= 0 else None
    return length is not None and len(received) >= end + 4 + int(length[1])


def add_known_data(database: Database) -> Known:
    """Store the gifts, the event and the staff account that requests refer to."""
    now = datetime.now(UTC)
    with database.writing() as session:
        cookie = start_staff_session(session, now=now)
        aside = StripeEvent(
            event_id="evt_aside",
            type="checkout.session.completed",
            source=EventSource.WEBHOOK,
            payload=b'{"id": "evt_aside"}',
            received_at=now,
            state=EventState.SET_ASIDE,
            reason="for staff to look at",
            due_at=now,
        )
        session.add(aside)
        session.flush()
        assert aside.id is not None
        signed_in = find_session(session, cookie, now=now)
        assert signed_in
    return Known(
        card=give(database),
        interac=give(database, mode="interac"),
        cookie=cookie,
        csrf=signed_in.csrf_token,
        aside=aside.id,
    )


@contextmanager
def a_service(database_url: str, folder: Path) -> Iterator[tuple[Forked, int]]:
    """Run `donate serve` with a Stripe that refuses connections; audit the database at the end."""
    port = free_port()
    settings = {
        "DATABASE_URL": database_url,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "STRIPE_SECRET_KEY": SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "LINK_KEY": LINK_KEY,
        "STRIPE_API_BASE": "http://127.0.0.1:9",
        "CATCHUP_EVERY_MINUTES": "0",
        # Gifts of many tests were opened long before the present.
        "KEEP_NEVER_PAID_DAYS": "0",
        "TRUSTED_PROXIES": "127.0.0.1",
        "LOG_LEVEL": "ERROR",
        # Without limits on gifts, requests reach the routes. The limit on card gifts stays, or
        # most requests would wait for Stripe.
        **dict.fromkeys(("GIFTS_PER_NETWORK", "GIFTS_IN_ALL"), "1000000"),
    }
    with forker(folder) as start:
        process = start.start("serve", folder=folder, settings=settings)
        with httpx.Client(base_url=settings["PUBLIC_URL"], verify=False, trust_env=False) as http:
            until(lambda: _is_ready(http))
        yield process, port
        process.kill()
        audit = start.start("audit", folder=folder, settings=settings)
        if audit.wait(120):
            raise AssertionError(f"the audit: {(folder / 'log').read_text()[-3_000:]}")


def _is_ready(http: httpx.Client) -> bool:
    try:
        return http.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(re.finditer(r"VmRSS:\s*(\d+)", status))[1]) / 1024


def run_strangers(database_url: str, folder: Path, *, numbers: range, seed: int) -> Report:
    """Send the requests with these numbers, and check the service's state and log afterwards."""
    report = Report("sqlite" if database_url.startswith("sqlite") else "postgresql")
    database = Database(database_url)
    known = add_known_data(database)
    database.close()
    with a_service(database_url, folder) as (process, port):
        strangers = Strangers(port, known, seed, report)
        start_time, tenth = time.monotonic(), len(numbers) // 10
        strangers.send_all(iter(numbers[:tenth]))
        early_mb = memory_mb(process.pid)
        strangers.send_all(iter(numbers[tenth:]))
        report.seconds = time.monotonic() - start_time
        if process.ended() is not None:
            report.errors.append(f"the service ended with {process.status}")
        else:
            report.grown_mb = memory_mb(process.pid) - early_mb
            if report.grown_mb > MOST_GROWTH_MB:
                report.errors.append(f"it grew by {report.grown_mb:.0f} MB")
            with httpx.Client(verify=False, trust_env=False, timeout=20) as http:
                if http.get(f"http://127.0.0.1:{port}/give/LWCAN").status_code != 200:
                    report.errors.append("afterwards the Give page does not open")
    # Two log lines with the same end hold the same traceback; only one of them is reported.
    lines = (folder / "log").read_text().splitlines()
    traces = {line.rstrip('"}')[-90:]: line for line in lines if "Traceback" in line}
    report.errors += [f"the log has a traceback: {line[-4_000:]}" for line in traces.values()]
    return report


def _on(backend: str, numbers: range, seed: int) -> Report:
    with (
        tempfile.TemporaryDirectory(prefix="strangers-") as name,
        a_fresh(backend, Path(name)) as database_url,
    ):
        return run_strangers(database_url, Path(name), numbers=numbers, seed=seed)


def main(arguments: list[str] | None = None, print_line: Callable[[str], None] = print) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=Random().randrange(1_000_000))
    parser.add_argument("--only", type=int, metavar="NUMBER", help="send this one request again")
    options = parser.parse_args(arguments)
    print_line(f"strangers: seed {options.seed}")
    half = options.requests // 2
    shares = {"sqlite": range(half), "postgresql": range(half, options.requests)}
    if options.only is not None:
        shares = dict.fromkeys(shares, range(options.only, options.only + 1))
    with ProcessPoolExecutor(len(shares)) as pool:
        runs = [pool.submit(_on, backend, share, options.seed) for backend, share in shares.items()]
        reports = [run.result() for run in runs]
    for report in reports:
        print_line(report.line())
        for line in report.errors:
            print_line(f"  {line}")
    return 1 if any(report.errors for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
