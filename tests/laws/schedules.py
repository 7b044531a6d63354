"""Delivers events late, repeated, out of order or never, and then runs one catch-up.

A schedule is a random order of these deliveries. A story (stories.py) is a gift with all events
about it. After a schedule, each gift must be in the state that its story says, to the cent.
As a program: python -m tests.laws.schedules --schedules 10000
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
from tests.laws.stories import End, Event, Story, draw_story
from tests.real_parts import Postgres, Sqlite
from tests.stripe_gateway.gifts_and_events import NOW, settler_of, store

# The number of schedules that run on one database before the database is audited.
PER_DATABASE = 200
_DROPPED, _REPEATED = 0.15, 0.25


class WrongEnd(AssertionError):
    """A gift's final state is not that of its story, or the audit found a difference."""


def run_schedule(database: Database, seed: int) -> int:
    """Deliver events in the order that the seed decides; return their number. Raises WrongEnd."""
    rng, clock = Random(seed), FixedClock(NOW)
    stories = [draw_story(database, rng) for _ in range(rng.randrange(1, 4))]
    events = [event for story in stories for event in story.events]
    deliveries = _disarrange(events, rng)
    waiting = list(deliveries)
    while waiting:
        group = [waiting.pop(0) for _ in range(min(len(waiting), rng.randrange(1, 6)))]
        store(database, *group, now=clock.now())
        clock.instant += timedelta(seconds=rng.choice([0, 0, 1, 60, 7_200, -3_600]))
        if rng.random() < 0.6:
            _settle(database, clock, rng)
    # As in a catch-up, every event that Stripe lists goes through the inbox again.
    store(database, *rng.sample(events, len(events)), now=clock.now())
    _settle(database, clock, rng)
    while _still_waiting(database):
        clock.instant += timedelta(hours=9)
        _settle(database, clock, rng)
    for story in stories:
        check_story(database, story, seed)
    return len(deliveries) + len(events)


def _disarrange(events: list[Event], rng: Random) -> list[Event]:
    """Return the events with some dropped, some repeated, and their order changed."""
    disorder = rng.choice([0.0, 2.0, 1_000.0])
    positions = []
    for number, event in enumerate(events):
        if rng.random() < _DROPPED:
            continue
        times = rng.randrange(2, 6) if rng.random() < _REPEATED else 1
        positions += [(number + rng.random() * disorder, event) for _ in range(times)]
    return [event for _, event in sorted(positions, key=lambda pair: pair[0])]


def _settle(database: Database, clock: FixedClock, rng: Random) -> None:
    parallel = 2 if rng.random() < 0.2 else 1
    if parallel == 1:
        while settler_of(database, clock).settle_due():
            pass
        return
    with ThreadPoolExecutor(parallel) as settlers:
        list(settlers.map(lambda _: settler_of(database, clock).settle_due(), range(parallel)))
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
    """Run a schedule for each seed, and audit the database; return the number of deliveries."""
    deliveries = sum(run_schedule(database, seed) for seed in seeds)
    with database.reading_snapshot() as session:
        problems = [*broken_constraints(session), *differences(session)]
    if problems:
        raise WrongEnd(f"seeds {seeds.start} to {seeds.stop - 1}: {problems[:5]}")
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
        for first in range(seeds.start, seeds.stop, PER_DATABASE):
            batch = range(first, min(first + PER_DATABASE, seeds.stop))
            database = Database(databases.fresh_url())
            deliveries += run_schedules(database, batch)
            database.close()
            done, seconds = batch.stop - seeds.start, time.monotonic() - start
            print(
                f"{backend}: {done:,} of {len(seeds):,} schedules, {seconds:.0f} s",
                file=sys.stderr,
                flush=True,
            )
    return backend, len(seeds), deliveries, time.monotonic() - start


def main() -> int:
    """Run half of the schedules on SQLite and half on PostgreSQL, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1, help="the first seed; each schedule has one")
    options = parser.parse_args()
    middle, end = options.seed + options.schedules // 2, options.seed + options.schedules
    shares = [("sqlite", range(options.seed, middle)), ("postgresql", range(middle, end))]
    with ProcessPoolExecutor(2) as processes:
        running = [
            processes.submit(_run_share, backend, seeds) for backend, seeds in shares if seeds
        ]
        for run in running:
            backend, schedules, deliveries, seconds = run.result()
            print(
                f"{backend}: {schedules:,} schedules, {deliveries:,} deliveries, "
                f"0 lost, 0 doubled, {seconds:.0f} s"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
