"""Delivery schedules drawn from a seed: events late, twice, backwards or never, and one catch-up.

Whatever the schedule, each gift ends as its story says, to the cent. As a program it runs as many
as it is told to: python -m tests.laws.schedules --schedules 10000
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random

from sqlmodel import select

from donate.clock import FixedClock
from donate.gifts.audit import differences
from donate.gifts.models import Gift
from donate.storage.constraints import broken_constraints
from donate.storage.database import Database
from donate.stripe_gateway.models import EventState, StripeEvent
from tests.laws.stories import End, Story, Told, draw_story
from tests.real_parts import Postgres, Sqlite
from tests.stripe_gateway.given import NOW, settler_of, store

# So many share a database, which is audited as a whole at their end.
TO_A_DATABASE = 200
_DROPPED, _REPEATED = 0.15, 0.25


class WrongEnd(AssertionError):
    """A gift did not end as its story says, or the audit found something."""


def run_schedule(database: Database, seed: int) -> int:
    """Run one schedule; returns how many deliveries it had. Raises WrongEnd."""
    dice, clock = Random(seed), FixedClock(NOW)
    stories = [draw_story(database, dice) for _ in range(dice.randrange(1, 4))]
    told = [one for story in stories for one in story.told]
    deliveries = _as_they_come(told, dice)
    waiting = list(deliveries)
    while waiting:
        group = [waiting.pop(0) for _ in range(min(len(waiting), dice.randrange(1, 6)))]
        store(database, *group, now=clock.now())
        clock.instant += timedelta(seconds=dice.choice([0, 0, 1, 60, 7_200, -3_600]))
        if dice.random() < 0.6:
            _settle(database, clock, dice)
    # What a catch-up does: everything Stripe lists goes through the same inbox once more.
    store(database, *dice.sample(told, len(told)), now=clock.now())
    _settle(database, clock, dice)
    while _still_waiting(database):
        clock.instant += timedelta(hours=9)
        _settle(database, clock, dice)
    for story in stories:
        check_story(database, story, seed)
    return len(deliveries) + len(told)


def _as_they_come(told: list[Told], dice: Random) -> list[Told]:
    """Drop some, repeat some, and bring them out of order: a little, or altogether."""
    disorder = dice.choice([0.0, 2.0, 1_000.0])
    placed = []
    for place, one in enumerate(told):
        if dice.random() < _DROPPED:
            continue
        times = dice.randrange(2, 6) if dice.random() < _REPEATED else 1
        placed += [(place + dice.random() * disorder, one) for _ in range(times)]
    return [one for _, one in sorted(placed, key=lambda pair: pair[0])]


def _settle(database: Database, clock: FixedClock, dice: Random) -> None:
    at_once = 2 if dice.random() < 0.2 else 1
    if at_once == 1:
        while settler_of(database, clock).settle_due():
            pass
        return
    with ThreadPoolExecutor(at_once) as settlers:
        list(settlers.map(lambda _: settler_of(database, clock).settle_due(), range(at_once)))
    while settler_of(database, clock).settle_due():
        pass


def _still_waiting(database: Database) -> bool:
    with database.reading() as session:
        waiting = select(StripeEvent.id).where(StripeEvent.state == EventState.WAITING).limit(1)
        return session.exec(waiting).first() is not None


def check_story(database: Database, story: Story, seed: int) -> None:
    with database.reading() as session:
        gifts = session.exec(
            select(Gift).where((Gift.id == story.gift.id) | (Gift.pledge_id == story.gift.id))
        ).all()
    ends: dict[bool, list[End]] = {True: [], False: []}
    for gift in gifts:
        ends[gift.id == story.gift.id].append((gift.status, gift.received_minor, gift.net_minor))
    if ends[True] != [story.end] or sorted(ends[False]) != sorted(story.months):
        raise WrongEnd(
            f"seed {seed}: {story.gift.reference} ended as {ends}, "
            f"its story says {story.end} and {story.months}"
        )


def run_schedules(database: Database, seeds: range) -> int:
    """Run a schedule for each seed, then audit the whole; returns the number of deliveries."""
    deliveries = sum(run_schedule(database, seed) for seed in seeds)
    with database.reading() as session:
        found = [*broken_constraints(session), *differences(session)]
    if found:
        raise WrongEnd(f"seeds {seeds.start} to {seeds.stop - 1}: {found[:5]}")
    return deliveries


@contextmanager
def _databases(backend: str, folder: Path) -> Iterator[Sqlite | Postgres]:
    if backend == "sqlite":
        yield Sqlite(folder)
        return
    server = Postgres(folder / "postgresql")
    try:
        yield server
    finally:
        server.close()


def _run_share(backend: str, seeds: range) -> tuple[str, int, int, float]:
    start, deliveries = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder, _databases(backend, Path(folder)) as databases:
        for first in range(seeds.start, seeds.stop, TO_A_DATABASE):
            some = range(first, min(first + TO_A_DATABASE, seeds.stop))
            database = Database(databases.fresh_url())
            deliveries += run_schedules(database, some)
            database.close()
            done, seconds = some.stop - seeds.start, time.monotonic() - start
            print(
                f"{backend}: {done:,} of {len(seeds):,} schedules, {seconds:.0f} s",
                file=sys.stderr,
                flush=True,
            )
    return backend, len(seeds), deliveries, time.monotonic() - start


def main() -> int:
    """Run schedules on both databases side by side, half on each; says what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1, help="the first seed; each schedule has one")
    given = parser.parse_args()
    middle, end = given.seed + given.schedules // 2, given.seed + given.schedules
    shares = [("sqlite", range(given.seed, middle)), ("postgresql", range(middle, end))]
    with ProcessPoolExecutor(2) as processes:
        running = [
            processes.submit(_run_share, backend, seeds) for backend, seeds in shares if seeds
        ]
        for one in running:
            backend, schedules, deliveries, seconds = one.result()
            print(
                f"{backend}: {schedules:,} schedules, {deliveries:,} deliveries, "
                f"0 lost, 0 doubled, {seconds:.0f} s"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
