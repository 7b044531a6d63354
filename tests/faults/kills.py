"""Kills the service many times while people give, and then compares our books with Stripe's.

As a program: python -m tests.faults.kills --kills 1000 --seed 7
Half of the kills happen on SQLite and half on PostgreSQL. The seed decides when, or at which
crash point (see killed_at.py), the service is killed, but not what people do at that moment.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import urlsplit

import httpx
from sqlalchemy import update
from sqlmodel import col, func, select

from donate.errors import DatabaseBusy
from donate.storage.database import Database
from donate.stripe_gateway.models import EventState, OpenCheckout, OpenRefund, StripeEvent
from tests.faults.book_comparison import find_errors, list_all
from tests.faults.people import People
from tests.faults.processes import a_fresh
from tests.faults.quick_start import Forked, Forker, forker
from tests.finance.finance_site import start_staff_session
from tests.journeys.donor_steps import pretend_stripe, until
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET, caller, free_port
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.gifts_and_events import as_bytes, sign
from tests.stripe_gateway.service import WEBHOOK_PATH

GATEWAY: Final = "donate.stripe_gateway"
STEPS: Final = (
    f"{GATEWAY}.requests.checkout:Checkouts.open_for:before",
    f"{GATEWAY}.client:StripeClient.create_session:before",
    f"{GATEWAY}.client:StripeClient.create_session:after",
    f"{GATEWAY}.requests.checkout:Checkouts._remember:after",
    f"{GATEWAY}.webhooks.inbox:Inbox._commit:before",
    f"{GATEWAY}.webhooks.inbox:_answer:before",
    f"{GATEWAY}.webhooks.settle:Settler._settle:after",
    f"{GATEWAY}.webhooks.settle:Settler.settle_due:after",
    f"{GATEWAY}.client:StripeClient.retrieve_session:before",
    f"{GATEWAY}.client:StripeClient.retrieve_session:after",
    f"{GATEWAY}.webhooks.inbox:Inbox.store_now:before",
    f"{GATEWAY}.webhooks.inbox:Inbox.store_now:after",
    f"{GATEWAY}.requests.refunds:Refunds._take_due:after",
    f"{GATEWAY}.client:StripeClient.create_refund:before",
    f"{GATEWAY}.client:StripeClient.create_refund:after",
    f"{GATEWAY}.catchup.catchup:Catchup._take_events:after",
    f"{GATEWAY}.catchup.catchup:Catchup._take_objects:before",
    f"{GATEWAY}.catchup.catchup:Catchup._close:before",
    "donate.gifts.ledger:record_facts:after",
    "donate.storage.database:Database.upgrade:after",
)
# If a run does not reach its crash point, it is killed this long after its first answer.
STEP_TIMEOUT_S: Final = 0.7
LONGEST_LIFE_S: Final = 0.5
START_S: Final = 0.2
DELIVERERS: Final = 4


@dataclass(frozen=True)
class Life:
    """When one run of the service is killed: at the crash point `step`, or else after `moment_s`.

    These seconds count from the first answer, or from the start if `while_starting`.
    """

    step: str
    moment_s: float
    while_starting: bool


def draw_life(rng: Random) -> Life:
    """Draw when the next run is killed; each call draws equally many numbers from `rng`."""
    step = f"{rng.choice(STEPS)}:{rng.choice([1, 1, 2, 5])}"
    fraction, kind = rng.random(), rng.random()
    if kind < 0.6:
        return Life(step, STEP_TIMEOUT_S, while_starting=False)
    if kind < 0.7:
        return Life("", fraction * START_S, while_starting=True)
    return Life("", fraction * LONGEST_LIFE_S, while_starting=False)


@dataclass
class Report:
    """What was counted on one database, and the errors found at the end."""

    backend: str
    kills: int = 0
    at_steps: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    gifts: int = 0
    paid_minor: int = 0
    seconds: float = 0.0
    errors: list[str] = field(default_factory=list)

    def line(self) -> str:
        answers = ", ".join(f"{n}x{status}" for status, n in sorted(self.answers.items()))
        return (
            f"{self.backend:<11}{self.kills:>5} kills ({self.at_steps.total()} at "
            f"{len(self.at_steps)} steps)  {self.gifts:>5} gifts  {self.paid_minor / 100:>12,.2f} "
            f"paid  {self.seconds:>4.0f} s  answers {answers}  "
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
        self._http = caller(self.url)
        self._settings = {
            "DATABASE_URL": database_url,
            "PUBLIC_URL": self.url,
            "PORT": str(port),
            "STRIPE_SECRET_KEY": SECRET_KEY,
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "STRIPE_API_BASE": sandbox.url,
            "CHECKOUT_HOSTS": urlsplit(sandbox.url).netloc,
            "CATCHUP_EVERY_MINUTES": "1",
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

    def live(self, life: Life) -> bool:
        """Start the service and kill it; return whether it ended at the chosen crash point."""
        process = self.run("serve", killed_at=life.step)
        if not life.while_starting:
            until(lambda: process.ended() is not None or self.answers(), 30)
        moment = time.monotonic() + life.moment_s
        while time.monotonic() < moment and process.ended() is None:
            time.sleep(0.01)
        was_at_step = process.ended() is not None
        process.kill()
        if process.status != -9:
            raise AssertionError(f"it ended unexpectedly with {process.status}")
        return was_at_step

    def answers(self) -> bool:
        try:
            return self._http.get("/healthz").is_success
        except httpx.TransportError:
            return False

    def make_due(self) -> None:
        """Let the service repeat every request that Stripe has not answered, without waiting."""
        now = datetime.now(UTC)
        try:
            with self.database.writing() as session:
                for table in (OpenCheckout, OpenRefund):
                    is_open = col(table.ask_at).is_not(None)
                    session.execute(update(table).where(is_open).values(ask_at=now))
        except DatabaseBusy:
            pass  # the database was locked; this function is called again later

    def deliver_everything_again(self, rng: Random) -> Counter[int]:
        """Deliver each of Stripe's events once more, in random order; count the answers."""
        events = list_all(self.sandbox, "/v1/events")
        bodies = [as_bytes(event) for event in rng.sample(events, len(events))]

        def deliver(body: bytes) -> int:
            headers = {"stripe-signature": sign(body)}
            return self._http.post(WEBHOOK_PATH, content=body, headers=headers).status_code

        with ThreadPoolExecutor(DELIVERERS) as pool:
            return Counter(pool.map(deliver, bodies))

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def close(self) -> None:
        self._http.close()
        self.database.close()

    def waiting(self) -> int:
        with self.database.reading() as session:
            is_open = StripeEvent.state == EventState.WAITING
            return session.exec(select(func.count()).where(is_open)).one()


def run_kills(start: Forker, database_url: str, folder: Path, *, kills: int, seed: int) -> Report:
    """Kill the service `kills` times, let its work finish, and compare our books with Stripe's."""
    rng, port, start_time = Random(seed), free_port(), time.monotonic()
    report = Report("sqlite" if database_url.startswith("sqlite") else "postgresql")
    with pretend_stripe(f"http://127.0.0.1:{port}{WEBHOOK_PATH}") as sandbox:
        town = Town(start, database_url, folder, sandbox, port)
        people = People(town.url, sandbox, town.database, town.staff_token(), seed)
        people.start()
        for report.kills in range(1, kills + 1):
            life, silent, due = draw_life(rng), rng.random() < 0.15, rng.random() < 0.3
            sandbox.control("POST", "/_sandbox/webhooks", paused=silent, deliver_missed=not silent)
            if due:
                town.make_due()
            if town.live(life):
                report.at_steps[life.step] += 1
        process = town.run("serve")
        people.finish()
        report.answers, report.gifts = people.answers, len(people.keys)
        report.errors += people.errors
        _end_everything(town, rng, report)
        process.kill()
        if town.run("audit").wait(60):
            report.errors.append(f"the audit found differences: {town.log()[-1_500:]}")
        report.errors += find_errors(town.database, sandbox, people.keys)
        report.paid_minor = sandbox.control("GET", "/_sandbox/state")["totals"]["cad"]["paid"]
        log = town.log()
        if "Traceback" in log:
            report.errors.append(f"traceback in the log: {log[log.index('Traceback') :][:3000]}")
        town.close()
    report.seconds = time.monotonic() - start_time
    return report


def _end_everything(town: Town, rng: Random, report: Report) -> None:
    """Let webhooks and requests to Stripe finish, run a catch-up, and deliver all events again."""
    sandbox = town.sandbox
    sandbox.control("POST", "/_sandbox/webhooks", paused=False, deliver_missed=True)
    until(lambda: not sandbox.control("GET", "/_sandbox/state")["deliveries"]["pending"], 120)
    town.make_due()
    # While the service's own catch-up runs, the command `catchup` is refused and exits with 1.
    deadline = time.monotonic() + 120
    while town.run("catchup").wait(120):
        if time.monotonic() > deadline:
            report.errors.append(f"the catch-up did not end: {town.log()[-1_500:]}")
            break
        time.sleep(1)
    again = town.deliver_everything_again(rng)
    report.answers.update(again)
    if set(again) != {200}:
        report.errors.append(f"when delivered again, events got {dict(again)}")
    until(lambda: not town.waiting(), 120)


def _on(backend: str, kills: int, seed: int) -> Report:
    with (
        tempfile.TemporaryDirectory() as name,
        a_fresh(backend, Path(name)) as database_url,
        forker(Path(name)) as start,
    ):
        return run_kills(start, database_url, Path(name), kills=kills, seed=seed)


def main(arguments: list[str] | None = None, report_line: Callable[[str], None] = print) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=Random().randrange(1_000_000))
    options = parser.parse_args(arguments)
    report_line(f"kills: seed {options.seed}")
    backends = ("sqlite", "postgresql")
    per_backend = -(-options.kills // len(backends))
    with ProcessPoolExecutor(len(backends)) as pool:
        runs = [pool.submit(_on, backend, per_backend, options.seed) for backend in backends]
        reports = [run.result() for run in runs]
    for report in reports:
        report_line("\n  ".join([report.line(), *report.errors[:20]]))
    return 1 if any(report.errors for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
