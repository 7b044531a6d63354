"""A hundred thousand strangers knock, each as oddly as the dice say: nobody is answered 500.

As a program: python -m tests.faults.strangers --requests 100000 --seed 7
Half of them knock on SQLite and half on PostgreSQL. A request follows from the seed and its number
alone: --only NUMBER sends that one again.
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

from donate.finance.models import Role
from donate.finance.sessions import find_session, start_session
from donate.finance.staff.accounts import add_staff
from donate.storage.database import Database
from donate.stripe_gateway.models import EventState, StripeEvent
from tests.faults.good_requests import Known, Request
from tests.faults.odd_requests import draw_request
from tests.faults.processes import a_fresh
from tests.faults.quick_start import Forked, nursery
from tests.finance.room import CHEAP, PASSWORD
from tests.journeys.travelling import until
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET, free_port
from tests.stripe_gateway.given import give

AT_ONCE: Final = 24
# Who sent a whole request gets an answer; of the others, most are waited for in vain.
PATIENCE_S: Final = 30.0
IMPATIENCE_S: Final = 0.1
# What the service may need more at the end than when a tenth of them had come.
MOST_GROWTH_MB: Final = 120.0
_STATUS: Final = re.compile(rb"(?:^|\r\n)HTTP/1\.1 (\d{3})[ \r]")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


@dataclass
class Report:
    """What the strangers were answered, and what is wrong."""

    backend: str
    answers: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    grown_mb: float = 0.0
    wrong: list[str] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return self.answers.total()

    def line(self) -> str:
        answers = ", ".join(f"{n}x{status or '-'}" for status, n in sorted(self.answers.items()))
        return (
            f"{self.backend:<11}{self.requests:>6} requests  {self.requests / self.seconds:>5.0f}/s"
            f"  {self.seconds:>4.0f} s  memory +{self.grown_mb:.0f} MB  answers {answers}  "
            f"{'WRONG' if self.wrong else 'all in order'}"
        )


class Strangers:
    """They knock over raw connections, some at a time, in the order of their numbers."""

    def __init__(self, port: int, known: Known, seed: int, report: Report) -> None:
        self._port = port
        self._known = known
        self._seed = seed
        self._report = report

    def request(self, number: int) -> Request:
        return draw_request(self._known, Random(f"{self._seed}:{number}"))

    def knock(self, numbers: Iterator[int]) -> None:
        """Send the requests of these numbers; returns when all are answered."""

        async def all_of_them() -> None:
            await asyncio.gather(*(self._go_on(numbers) for _ in range(AT_ONCE)))

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(all_of_them())

    async def _go_on(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            if len(self._report.wrong) >= 20:
                return
            request = self.request(number)
            said = await self._say(request)
            statuses = [int(status) for status in _STATUS.findall(said)]
            self._report.answers[statuses[0] if statuses else 0] += 1
            if any(status >= 500 and status != 503 for status in statuses):
                self._tell(number, request, f"was answered {statuses}")
            elif said == b"TIMEOUT" and request.whole:
                self._tell(number, request, "was not answered")

    def _tell(self, number: int, request: Request, what: str) -> None:
        raw = request.as_bytes()
        shown = raw if len(raw) < 1_500 else raw[:1_500] + b"..."
        self._report.wrong.append(
            f"request {number} of seed {self._seed} {what}; again: --seed {self._seed} "
            f"--only {number}\n    {shown!r}"
        )

    async def _say(self, request: Request) -> bytes:
        """Return what is said back until the line ends, or the first answer is complete."""
        said = b""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return b"TIMEOUT"  # nobody is there, which is what the end of the run looks at, too
        try:
            async with asyncio.timeout(PATIENCE_S if request.whole else IMPATIENCE_S):
                writer.write(request.as_bytes())
                with suppress(ConnectionError):
                    while piece := await reader.read(65_536):
                        said += piece
                        if _is_complete(said):
                            break
        except TimeoutError:
            return said or b"TIMEOUT"
        finally:
            writer.transport.abort()
        return said


def _is_complete(said: bytes) -> bool:
    end = said.find(b"\r\n\r\n")
    length = _LENGTH.search(said[: end + 2]) if end >= 0 else None
    return length is not None and len(said) >= end + 4 + int(length[1])


def acquaint(database: Database) -> Known:
    """Put into the database what strangers have found out."""
    now = datetime.now(UTC)
    with database.writing() as session:
        staff = add_staff(
            session,
            "ann@example.org",
            name="Ann Lee",
            role=Role.FINANCE,
            password=PASSWORD,
            now=now,
            passwords=CHEAP,
        )
        assert staff.id is not None
        cookie = start_session(session, staff.id, now=now)
        aside = StripeEvent(
            event_id="evt_aside",
            type="checkout.session.completed",
            source="webhook",
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
    """Run `donate serve`, without a Stripe and behind a proxy that it trusts."""
    port = free_port()
    settings = {
        "DATABASE_URL": database_url,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "STRIPE_SECRET_KEY": SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "STRIPE_API_BASE": "http://127.0.0.1:9",
        "CATCHUP_EVERY_MINUTES": "0",
        "TRUSTED_PROXIES": "127.0.0.1",
        "LOG_LEVEL": "ERROR",
        # A limit would shield the rooms behind it; cards keep theirs, or all would wait for Stripe.
        **dict.fromkeys(("GIFTS_PER_NETWORK", "GIFTS_IN_ALL"), "1000000"),
    }
    with nursery(folder) as start:
        process = start.start("serve", folder=folder, settings=settings)
        with httpx.Client(base_url=settings["PUBLIC_URL"], verify=False, trust_env=False) as http:
            until(lambda: _is_ready(http), patience_s=60)
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
    """Send the requests of these numbers, and look at the service afterwards."""
    report = Report("sqlite" if database_url.startswith("sqlite") else "postgresql")
    database = Database(database_url)
    known = acquaint(database)
    database.close()
    with a_service(database_url, folder) as (process, port):
        strangers = Strangers(port, known, seed, report)
        began, tenth = time.monotonic(), len(numbers) // 10
        strangers.knock(iter(numbers[:tenth]))
        early_mb = memory_mb(process.pid)
        strangers.knock(iter(numbers[tenth:]))
        report.seconds = time.monotonic() - began
        if process.ended() is not None:
            report.wrong.append(f"the service ended with {process.status}")
        else:
            report.grown_mb = memory_mb(process.pid) - early_mb
            if report.grown_mb > MOST_GROWTH_MB:
                report.wrong.append(f"it grew by {report.grown_mb:.0f} MB")
            with httpx.Client(verify=False, trust_env=False, timeout=20) as http:
                if http.get(f"http://127.0.0.1:{port}/give/LWCAN").status_code != 200:
                    report.wrong.append("afterwards, the Give page does not open")
    # Each trace once, however often it was met: what it ends with tells them apart.
    lines = (folder / "log").read_text().splitlines()
    traces = {line.rstrip('"}')[-90:]: line for line in lines if "Traceback" in line}
    report.wrong += [f"the log has a trace: {line[-4_000:]}" for line in traces.values()]
    return report


def _on(backend: str, numbers: range, seed: int) -> Report:
    with (
        tempfile.TemporaryDirectory(prefix="strangers-") as name,
        a_fresh(backend, Path(name)) as database_url,
    ):
        return run_strangers(database_url, Path(name), numbers=numbers, seed=seed)


def main(arguments: list[str] | None = None, tell: Callable[[str], None] = print) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=Random().randrange(1_000_000))
    parser.add_argument("--only", type=int, metavar="NUMBER", help="send this one request again")
    given = parser.parse_args(arguments)
    tell(f"strangers: seed {given.seed}")
    half = given.requests // 2
    shares = {"sqlite": range(half), "postgresql": range(half, given.requests)}
    if given.only is not None:
        shares = dict.fromkeys(shares, range(given.only, given.only + 1))
    with ProcessPoolExecutor(len(shares)) as pool:
        runs = [pool.submit(_on, backend, share, given.seed) for backend, share in shares.items()]
        reports = [run.result() for run in runs]
    for report in reports:
        tell(report.line())
        for line in report.wrong:
            tell(f"  {line}")
    return 1 if any(report.wrong for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
