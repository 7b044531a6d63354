"""A service that is killed again and again, and the moments at which it is killed.

Half of the kills happen on SQLite and half on PostgreSQL. The seed decides when, or at which
crash point (see killed_at.py), the service is killed, but not what people do at that moment.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx

from donate.storage.database import Database
from tests.faults.processes import a_fresh
from tests.faults.quick_start import Forked, Forker, forker
from tests.finance.finance_site import start_staff_session
from tests.links import LINK_KEY
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET, caller
from tests.sandbox.running import RunningSandbox
from tests.waiting import until

# If a run does not reach its crash point, it is killed this long after its first answer.
STEP_TIMEOUT_S: Final = 0.7
LONGEST_LIFE_S: Final = 0.5
START_S: Final = 0.2
# On a busy machine a service starts and answers more slowly, so its life has to be longer, or
# nobody would ever get an answer.
USUAL_START_S: Final = 0.5
LONGEST_TIMES: Final = 8


@dataclass(frozen=True)
class Life:
    """When one run of the service is killed: at the crash point `step`, or else after `moment_s`.

    These seconds count from the first answer, or from the start if `while_starting`.
    """

    step: str
    moment_s: float
    while_starting: bool


def draw_life(rng: Random, steps: Sequence[str], longer: float = 1) -> Life:
    """Draw when the next run is killed; each call draws equally many numbers from `rng`.

    The lives of a service with slow pages have to be so many times longer.
    """
    step = f"{rng.choice(steps)}:{rng.choice([1, 1, 2, 5])}"
    fraction, kind = rng.random(), rng.random()
    if kind < 0.6:
        return Life(step, longer * STEP_TIMEOUT_S, while_starting=False)
    if kind < 0.7:
        return Life("", fraction * START_S, while_starting=True)
    return Life("", longer * fraction * LONGEST_LIFE_S, while_starting=False)


@dataclass
class Report:
    """What was counted on one database, and the errors found at the end."""

    backend: str
    kills: int = 0
    at_steps: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    errors: list[str] = field(default_factory=list)

    def add(self, other: "Report") -> None:
        """Add what was counted on another database of the same kind."""
        self.kills += other.kills
        self.at_steps += other.at_steps
        self.answers += other.answers
        self.results += other.results
        self.seconds += other.seconds
        self.errors += other.errors

    def line(self) -> str:
        answers = ", ".join(f"{n}x{status}" for status, n in sorted(self.answers.items()))
        results = ", ".join(f"{n:,} {name}" for name, n in self.results.items())
        return (
            f"{self.backend:<11}{self.kills:>5} kills ({self.at_steps.total()} at "
            f"{len(self.at_steps)} steps)  {results}  {self.seconds:>4.0f} s  answers {answers}  "
            f"{'WRONG' if self.errors else 'correct'}"
        )


class Town:
    """A service that is killed and restarted, its database, and a pretend Stripe."""

    def __init__(
        self, start: Forker, database_url: str, folder: Path, sandbox: RunningSandbox, port: int
    ) -> None:
        self._start = start
        self.folder = folder
        self.sandbox = sandbox
        self.database = Database(database_url)
        self.url = f"http://127.0.0.1:{port}"
        self.http = caller(self.url)
        self._settings = {
            "DATABASE_URL": database_url,
            "PUBLIC_URL": self.url,
            "PORT": str(port),
            "STRIPE_SECRET_KEY": SECRET_KEY,
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "LINK_KEY": LINK_KEY,
            "STRIPE_API_BASE": sandbox.url,
            "CHECKOUT_HOSTS": urlsplit(sandbox.url).netloc,
            "CATCHUP_EVERY_MINUTES": "1",
            # Gifts of many tests were opened long before the present.
            "KEEP_NEVER_PAID_DAYS": "0",
            "LOG_LEVEL": "ERROR",
            **dict.fromkeys(("CARD_GIFTS_PER_NETWORK", "CARD_GIFTS_IN_ALL"), "1000000"),
            **dict.fromkeys(("GIFTS_PER_NETWORK", "GIFTS_IN_ALL"), "1000000"),
            "KILLED_MARK": str(folder / "killed"),
        }

    def run(self, *arguments: str, killed_at: str = "") -> Forked:
        settings = self._settings | {"KILLED_AT": killed_at}
        return self._start.start(*arguments, folder=self.folder, settings=settings)

    def staff_token(self) -> str:
        now = datetime.now(UTC)
        with self.database.writing() as session:
            return start_staff_session(session, now=now)

    def live(self, life: Life, report: Report) -> None:
        """Start the service and kill it; report whether it ended at the chosen crash point."""
        start, longer = time.monotonic(), 1.0
        process = self.run("serve", killed_at=life.step)
        if not life.while_starting:
            until(lambda: process.ended() is not None or self.answers())
            times = (time.monotonic() - start) / USUAL_START_S
            longer = min(max(times, 1.0), LONGEST_TIMES)
        moment = time.monotonic() + longer * life.moment_s
        while time.monotonic() < moment and process.ended() is None:
            time.sleep(0.01)
        if process.ended() is not None:
            report.at_steps[life.step] += 1
        process.kill()
        if process.status != -9:
            raise AssertionError(f"it ended unexpectedly with {process.status}")

    def answers(self) -> bool:
        try:
            return self.http.get("/healthz").is_success
        except httpx.TransportError:
            return False

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def audit(self, report: Report) -> None:
        """Run `donate audit`; report what it finds, and any traceback of the service."""
        if self.run("audit").wait(60):
            report.errors.append(f"the audit found differences: {self.log()[-1_500:]}")
        log = self.log()
        if "Traceback" in log:
            report.errors.append(f"traceback in the log: {log[log.index('Traceback') :][:3000]}")

    def close(self) -> None:
        self.http.close()
        self.database.close()


class KillRun(Protocol):
    """Kills a service up to `kills` times, and reports what was wrong at the end."""

    def __call__(
        self, start: Forker, database_url: str, folder: Path, *, kills: int, seed: int
    ) -> Report: ...


def new_report(database_url: str) -> Report:
    return Report("sqlite" if database_url.startswith("sqlite") else "postgresql")


def run_as_program(
    run: KillRun, arguments: Sequence[str], say: Callable[[str], None] = print
) -> int:
    """Run a proof on both databases with the kills and the seed of its command line."""
    parser = argparse.ArgumentParser(description=run.__doc__)
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=Random().randrange(1_000_000))
    options = parser.parse_args(arguments)
    say(f"seed {options.seed}")
    backends = ("sqlite", "postgresql")
    per_backend = -(-options.kills // len(backends))
    with ProcessPoolExecutor(len(backends)) as pool:
        runs = [pool.submit(_on, backend, run, per_backend, options.seed) for backend in backends]
        reports = [run.result() for run in runs]
    for report in reports:
        say("\n  ".join([report.line(), *report.errors[:20]]))
    return 1 if any(report.errors for report in reports) else 0


def _on(backend: str, run: KillRun, kills: int, seed: int) -> Report:
    """Repeat the run on a new database as often as it ends before the last kill."""
    report = Report(backend)
    while report.kills < kills and not report.errors:
        with (
            tempfile.TemporaryDirectory() as name,
            a_fresh(backend, Path(name)) as database_url,
            forker(Path(name)) as start,
        ):
            left = kills - report.kills
            report.add(run(start, database_url, Path(name), kills=left, seed=seed + report.kills))
    return report
