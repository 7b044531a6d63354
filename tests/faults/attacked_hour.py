"""Lets strangers attack for an hour of the service's clock, and measures what it leaves behind.

As a program: python -m tests.faults.attacked_hour --minutes 60
Requests go through the whole application, sessions are opened at a pretend Stripe, and the worker's
jobs run each minute. The attack begins with a burst, and then brings in any ten minutes more
attempts than all together may make in them, so every limit is used up all the time.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, product
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import text

from donate.app import build_app
from donate.breaker.attack_log import open_attacks
from donate.breaker.levels import LaneLimits
from donate.clock import FixedClock
from donate.errors import ChallengeNeeded
from donate.wiring.parts import build_parts
from tests.breaker.attempts import work_for
from tests.faults.attackers import MOST_STEPS, PATTERNS, body
from tests.faults.processes import a_fresh
from tests.keys import key_of
from tests.real_parts import make_settings
from tests.sandbox.running import RunningSandbox, run_sandbox

MODES: Final = ("card", "interac")
USUAL: Final = {"card": LaneLimits(60, 200), "interac": LaneLimits(120, 400)}
MOST_BYTES: Final = 2**20
CALM_WITHIN_MIN: Final = 15
# Gifts of honest donors, so that each table has a page before anything is measured.
_BEFORE: Final = 20
_HONEST: Final = {"card": "192.0.2.1", "interac": "192.0.2.2"}
_TABLES: Final = {
    True: "SELECT name, sum(pgsize) FROM dbstat GROUP BY name",
    False: "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' "
    "AND relnamespace = 'public'::regnamespace",
}
# By autovacuum's usual threshold and scale factor.
_TO_VACUUM: Final = text(
    "SELECT relname FROM pg_stat_user_tables WHERE n_dead_tup > 50 + 0.2 * n_live_tup"
)


@dataclass
class Hour:
    """What an hour of attack came to. Times are whole minutes; 99 means never.

    Steps are requests: two with a challenge. Honest people give by card and by Interac.
    """

    pattern: str
    mode: str
    answers: Counter[int] = field(default_factory=Counter)
    grown: Counter[str] = field(default_factory=Counter)
    seen_min: int = 99
    calm_min: int = 99
    steps: dict[str, int] = field(default_factory=dict)

    @property
    def grown_bytes(self) -> int:
        return sum(self.grown.values())

    @property
    def is_well(self) -> bool:
        return (
            self.grown_bytes < MOST_BYTES
            and self.seen_min <= 1
            and self.calm_min <= CALM_WITHIN_MIN
            and max(self.steps.values()) <= MOST_STEPS
            and self.steps["interac"] <= (2 if self.mode == "interac" else 1)
        )

    def lines(self) -> Iterator[str]:
        answers = ", ".join(f"{n}x{status}" for status, n in sorted(self.answers.items()))
        yield (
            f"{self.pattern:<16}{self.mode:<8}+{self.grown_bytes / 1024:>5.0f} kB  seen after "
            f"{self.seen_min} min  calm after {self.calm_min} min  honest card and interac "
            f"{self.steps['card']} and {self.steps['interac']} steps  answers {answers}"
        )
        most = ", ".join(f"{name} {n // 1024}" for name, n in self.grown.most_common(6))
        yield f"{'':<24}kB most: {most}"


class AttackedTown:
    """The whole service with a clock of its own, and everybody who gives to it."""

    def __init__(self, url: str, sandbox: RunningSandbox, limits: dict[str, LaneLimits]) -> None:
        # Stripe's clock goes on from now, and sessions may last a day of it at most.
        self.clock = FixedClock(datetime.now(UTC) - timedelta(hours=2))
        self.limits = limits
        settings = make_settings(
            url,
            stripe_api_base=sandbox.url,
            checkout_hosts=urlsplit(sandbox.url).netloc,
            card_gifts_per_network=limits["card"].per_network,
            card_gifts_in_all=limits["card"].in_all,
            gifts_per_network=limits["interac"].per_network,
            gifts_in_all=limits["interac"].in_all,
        )
        self.parts = build_parts(settings, self.clock)
        self._app = build_app(self.parts, settings)
        self._numbers = count()
        for number in range(_BEFORE):
            self.give(f"192.0.2.{100 + number}", MODES[number % 2])
        self.pass_minutes(12)

    def give(self, address: str, mode: str, proof: str = "", number: int | None = None) -> Response:
        number = next(self._numbers) if number is None else number
        gift = body(number, mode)
        headers = {"Idempotency-Key": key_of(f"gift {number}"), "Donate-Proof": proof}
        client = TestClient(self._app, client=(address, 50_000))
        return client.post("/api/v1/gifts", json=gift, headers=headers)

    def honest_steps(self, address: str, mode: str) -> int:
        """Give as a person does; return the number of requests, or 99 if that is refused."""
        number, proof = next(self._numbers), ""
        for steps in (1, 2):
            answer = self.give(address, mode, proof, number)
            if answer.status_code == 201:
                return steps
            if answer.status_code != 403:
                break
            proof = work_for(ChallengeNeeded(**answer.json()["challenge"]))
        return 99

    def pass_minutes(self, minutes: int = 1) -> None:
        """Let time pass, in which the worker does its jobs."""
        for _ in range(minutes):
            self.clock.instant += timedelta(minutes=1)
            for job in self.parts.worker._jobs:
                rounds = 0
                while job() and rounds < 100:
                    rounds += 1
            if not self.parts.database.is_sqlite:
                self._vacuum()

    def _vacuum(self) -> None:
        """Do what PostgreSQL's autovacuum does every minute, for whose clock no minute passed."""
        with self.parts.database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            for name in connection.scalars(_TO_VACUUM).all():
                connection.execute(text(f'VACUUM "{name}"'))

    def is_attacked(self) -> bool:
        """Return what the banner on each staff page follows."""
        with self.parts.database.reading() as session:
            return bool(open_attacks(session))

    def bytes_of_tables(self) -> Counter[str]:
        """Return the bytes of each table and index that are in use."""
        with self.parts.database.reading() as session:
            rows = session.execute(text(_TABLES[self.parts.database.is_sqlite]))
            return Counter({name: int(size) for name, size in rows})

    def attack(self, pattern: str, mode: str, minutes: int) -> Hour:
        result, address_of = Hour(pattern, mode), PATTERNS[pattern]
        in_all = self.limits[mode].in_all
        before = self.bytes_of_tables()
        numbers = count()
        for minute in range(minutes):
            for _ in range(in_all // 8 if minute else in_all + 160):
                # Seven networks apart, because no two neighbours attack after each other.
                address = address_of(7 * next(numbers))
                result.answers[self.give(address, mode).status_code] += 1
            self.pass_minutes()
            if self.is_attacked():
                result.seen_min = min(result.seen_min, minute + 1)
        result.steps = {each: self.honest_steps(_HONEST[each], each) for each in MODES}
        after = self.bytes_of_tables()
        result.grown = Counter({t: after[t] - before[t] for t in after if after[t] != before[t]})
        for minute in range(1, 2 * CALM_WITHIN_MIN):
            self.pass_minutes()
            if not self.is_attacked():
                result.calm_min = minute
                break
        return result


@contextmanager
def attacked_town(url: str, limits: dict[str, LaneLimits] | None = None) -> Iterator[AttackedTown]:
    with run_sandbox() as sandbox:
        town = AttackedTown(url, sandbox, limits or USUAL)
        yield town
        town.parts.close()


def main(arguments: list[str] | None = None, print_line: Callable[[str], None] = print) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--patterns", nargs="*", default=list(PATTERNS))
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    options = parser.parse_args(arguments)
    failed = False
    for pattern, mode in product(options.patterns, MODES):
        with (
            tempfile.TemporaryDirectory() as name,
            a_fresh(options.database, Path(name)) as url,
            attacked_town(url) as town,
        ):
            hour = town.attack(pattern, mode, options.minutes)
        for line in hour.lines():
            print_line(line)
        failed |= not hour.is_well
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
