"""The power goes again and again while people give: at the end, the books are Stripe's to the cent.

python -m tests.faults.kills --kills 1000 --seed 7, half of them on SQLite, half on PostgreSQL. The
seed chooses when, or at which beat, the power goes; what people do at that moment is theirs.
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
from donate.finance.models import Role
from donate.finance.sessions import start_session
from donate.finance.staff.accounts import add_staff
from donate.storage.database import Database
from donate.stripe_gateway.models import EventState, OpenCheckout, OpenRefund, StripeEvent
from tests.faults.people import People
from tests.faults.processes import a_fresh
from tests.faults.quick_start import Forked, Nursery, nursery
from tests.faults.reckoning import listed, wrongs
from tests.finance.room import CHEAP, PASSWORD
from tests.journeys.travelling import pretend_stripe, until
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET, caller, free_port
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.given import as_bytes, sign
from tests.stripe_gateway.service import WEBHOOK_PATH

GATEWAY: Final = "donate.stripe_gateway"
BEATS: Final = (
    f"{GATEWAY}.checkout:Checkouts.open_for:before",
    f"{GATEWAY}.client:StripeClient.create_session:before",
    f"{GATEWAY}.client:StripeClient.create_session:after",
    f"{GATEWAY}.checkout:Checkouts._remember:after",
    f"{GATEWAY}.inbox:Inbox._commit:before",
    f"{GATEWAY}.inbox:_answer:before",
    f"{GATEWAY}.settle:Settler._settle:after",
    f"{GATEWAY}.settle:Settler.settle_due:after",
    f"{GATEWAY}.client:StripeClient.retrieve_session:before",
    f"{GATEWAY}.client:StripeClient.retrieve_session:after",
    f"{GATEWAY}.inbox:Inbox.store_now:before",
    f"{GATEWAY}.inbox:Inbox.store_now:after",
    f"{GATEWAY}.refunds:Refunds._take_due:after",
    f"{GATEWAY}.client:StripeClient.create_refund:before",
    f"{GATEWAY}.client:StripeClient.create_refund:after",
    f"{GATEWAY}.catchup:Catchup._take_events:after",
    f"{GATEWAY}.catchup:Catchup._take_objects:before",
    f"{GATEWAY}.catchup:Catchup._close:before",
    "donate.gifts.ledger:record_facts:after",
    "donate.storage.database:Database.upgrade:after",
)
# Once it answers. A beat perhaps never comes.
PATIENCE_S: Final = 0.7
LONGEST_LIFE_S: Final = 0.5
START_S: Final = 0.2
DELIVERERS: Final = 4


@dataclass(frozen=True)
class Life:
    """How one life of the service ends: at a beat, when it comes for that time, or at a moment.

    The moment counts from when it answers, or, `while_starting`, from when it is started.
    """

    beat: str
    moment_s: float
    while_starting: bool


def draw_life(dice: Random) -> Life:
    """Draw how the next life ends. Always as many throws, so that a seed stays in step."""
    beat = f"{dice.choice(BEATS)}:{dice.choice([1, 1, 2, 5])}"
    share, kind = dice.random(), dice.random()
    if kind < 0.6:
        return Life(beat, PATIENCE_S, while_starting=False)
    if kind < 0.7:
        return Life("", share * START_S, while_starting=True)
    return Life("", share * LONGEST_LIFE_S, while_starting=False)


@dataclass
class Report:
    """What happened on one database, and what is wrong at its end."""

    backend: str
    kills: int = 0
    at_beats: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    gifts: int = 0
    paid_minor: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def line(self) -> str:
        answers = ", ".join(f"{n}x{status}" for status, n in sorted(self.answers.items()))
        return (
            f"{self.backend:<11}{self.kills:>5} kills ({self.at_beats.total()} at "
            f"{len(self.at_beats)} beats)  {self.gifts:>5} gifts  {self.paid_minor / 100:>12,.2f} "
            f"paid  {self.seconds:>4.0f} s  answers {answers}  "
            f"{'WRONG' if self.wrong else 'all in order'}"
        )


class Town:
    """A service that is killed and started again, its people, and a pretend Stripe."""

    def __init__(
        self, start: Nursery, database_url: str, folder: Path, sandbox: RunningSandbox, port: int
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

    def run(self, *words: str, killed_at: str = "") -> Forked:
        settings = self._settings | {"KILLED_AT": killed_at}
        return self._start.start(*words, folder=self.folder, settings=settings)

    def staff_token(self) -> str:
        now = datetime.now(UTC)
        with self.database.writing() as session:
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
            return start_session(session, staff.id, now=now)

    def live(self, life: Life) -> bool:
        """Live once, and be killed; returns whether it was at the beat."""
        process = self.run("serve", killed_at=life.beat)
        if not life.while_starting:
            until(lambda: process.ended() is not None or self.answers(), 30)
        moment = time.monotonic() + life.moment_s
        while time.monotonic() < moment and process.ended() is None:
            time.sleep(0.01)
        at_its_beat = process.ended() is not None
        process.kill()
        if process.status != -9:
            raise AssertionError(f"it ended by itself with {process.status}")
        return at_its_beat

    def answers(self) -> bool:
        try:
            return self._http.get("/healthz").is_success
        except httpx.TransportError:
            return False

    def make_due(self) -> None:
        """Have every question to Stripe asked now, as time would."""
        now = datetime.now(UTC)
        try:
            with self.database.writing() as session:
                for table in (OpenCheckout, OpenRefund):
                    waits = col(table.ask_at).is_not(None)
                    session.execute(update(table).where(waits).values(ask_at=now))
        except DatabaseBusy:
            pass  # the next time, then

    def deliver_everything_again(self, dice: Random) -> Counter[int]:
        """Hand over each event once more, in any order; returns the answers."""
        told = listed(self.sandbox, "/v1/events")
        bodies = [as_bytes(one) for one in dice.sample(told, len(told))]

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
            waits = StripeEvent.state == EventState.WAITING
            return session.exec(select(func.count()).where(waits)).one()


def run_kills(start: Nursery, database_url: str, folder: Path, *, kills: int, seed: int) -> Report:
    """Kill the service so many times, end everything, and reckon."""
    dice, port, began = Random(seed), free_port(), time.monotonic()
    report = Report("sqlite" if database_url.startswith("sqlite") else "postgresql")
    with pretend_stripe(f"http://127.0.0.1:{port}{WEBHOOK_PATH}") as sandbox:
        town = Town(start, database_url, folder, sandbox, port)
        people = People(town.url, sandbox, town.database, town.staff_token(), seed)
        people.come()
        for report.kills in range(1, kills + 1):
            life, silent, due = draw_life(dice), dice.random() < 0.15, dice.random() < 0.3
            sandbox.control("POST", "/_sandbox/webhooks", paused=silent, deliver_missed=not silent)
            if due:
                town.make_due()
            if town.live(life):
                report.at_beats[life.beat] += 1
        process = town.run("serve")
        people.leave()
        report.answers, report.gifts = people.answers, len(people.begun)
        report.wrong += people.odd
        _end_everything(town, dice, report)
        process.kill()
        if town.run("audit").wait(60):
            report.wrong.append(f"the audit found differences: {town.log()[-1_500:]}")
        report.wrong += wrongs(town.database, sandbox, people.begun)
        report.paid_minor = sandbox.control("GET", "/_sandbox/state")["totals"]["cad"]["paid"]
        log = town.log()
        if "Traceback" in log:
            report.wrong.append(f"the log has a trace: ...{log[log.index('Traceback') :][:3000]}")
        town.close()
    report.seconds = time.monotonic() - began
    return report


def _end_everything(town: Town, dice: Random, report: Report) -> None:
    """Deliver, ask and catch up until nothing is left to hear, then deliver all of it again."""
    sandbox = town.sandbox
    sandbox.control("POST", "/_sandbox/webhooks", paused=False, deliver_missed=True)
    until(lambda: not sandbox.control("GET", "/_sandbox/state")["deliveries"]["pending"], 120)
    town.make_due()
    # The service may be catching up by itself; whoever asks meanwhile is told so, and ends with 1.
    last = time.monotonic() + 120
    while town.run("catchup").wait(120):
        if time.monotonic() > last:
            report.wrong.append(f"the catch-up did not come to an end: {town.log()[-1_500:]}")
            break
        time.sleep(1)
    again = town.deliver_everything_again(dice)
    report.answers.update(again)
    if set(again) != {200}:
        report.wrong.append(f"delivered again, events were answered {dict(again)}")
    until(lambda: not town.waiting(), 120)


def _on(backend: str, kills: int, seed: int) -> Report:
    with (
        tempfile.TemporaryDirectory() as name,
        a_fresh(backend, Path(name)) as database_url,
        nursery(Path(name)) as start,
    ):
        return run_kills(start, database_url, Path(name), kills=kills, seed=seed)


def main(arguments: list[str] | None = None, tell: Callable[[str], None] = print) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=Random().randrange(1_000_000))
    given = parser.parse_args(arguments)
    tell(f"kills: seed {given.seed}")
    backends = ("sqlite", "postgresql")
    share = -(-given.kills // len(backends))
    with ProcessPoolExecutor(len(backends)) as pool:
        runs = [pool.submit(_on, backend, share, given.seed) for backend in backends]
        reports = [run.result() for run in runs]
    for report in reports:
        tell("\n  ".join([report.line(), *report.wrong[:20]]))
    return 1 if any(report.wrong for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
