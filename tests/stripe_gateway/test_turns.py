"""Turns at asking Stripe: how many a second, who may take the last ones, and backing off."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, select

from donate.clock import FixedClock
from donate.errors import StripeUnavailable
from donate.storage.database import Database
from donate.stripe_gateway.models import Asker, StripeTurn
from donate.stripe_gateway.turns import BACK_OFF, SPARE, Turns
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.checkouts import client_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def donors(database: Database, clock: FixedClock) -> Turns:
    return Turns(database, Asker.DONORS, clock)


def taken(database: Database, turns: Turns, times: int = 20, *, spare: int = 0) -> int:
    """Try to take a turn this many times; return how often there was one."""
    count = 0
    for _ in range(times):
        with database.writing() as session:
            count += turns.take(session, spare=spare)
    return count


def test_each_asker_has_its_turns(database: Database) -> None:
    """Together the askers stay below the 25 requests a second that Stripe allows in test mode."""
    with database.reading() as session:
        askers = Counter(turn.asker for turn in session.exec(select(StripeTurn)))
    assert askers == {Asker.DONORS: 5, Asker.WORKER: 14}


def test_five_turns_a_second(database: Database, donors: Turns, clock: FixedClock) -> None:
    """A turn may be taken again exactly one second after it was taken."""
    assert taken(database, donors, 3) == 3
    clock.instant = NOW + timedelta(seconds=0.5)
    assert taken(database, donors) == 2
    clock.instant = NOW + timedelta(seconds=0.999)
    assert taken(database, donors) == 0
    clock.instant = NOW + timedelta(seconds=1)
    assert taken(database, donors) == 3


def test_who_asks_again_leaves_the_last_turns(database: Database, donors: Turns) -> None:
    """Who asks again finds no turn while those who ask for the first time still find two."""
    assert taken(database, donors, spare=SPARE) == 3
    assert not donors.any_free(spare=SPARE)
    assert taken(database, donors) == 2
    assert not donors.any_free()


def test_who_asks_again_leaves_the_last_turns_at_once(
    database: Database, clock: FixedClock
) -> None:
    """If others take turns between the look and the lock, the last two are left all the same."""

    class Late(Turns):
        def _count_free(self, session: Session, now: datetime) -> int:
            return 5

    late = Late(database, Asker.DONORS, clock)
    assert taken(database, late, spare=SPARE) == 3


def test_an_asker_takes_no_turns_of_another(database: Database, clock: FixedClock) -> None:
    """When donors' pages have used up their turns, the worker still has its own."""
    donors, worker = (Turns(database, asker, clock) for asker in Asker)
    assert (taken(database, donors), taken(database, worker)) == (5, 14)


@pytest.mark.alone
def test_callers_that_wait_get_five_turns_a_second(database: Database) -> None:
    """Callers that wait for a turn get five at once, and five more in each later second."""
    turns, times = Turns(database, Asker.DONORS), []

    def ask(_: int) -> None:
        turns.wait()
        times.append(time.monotonic())

    start = time.monotonic()
    with ThreadPoolExecutor(12) as callers:
        list(callers.map(ask, range(12)))
    waits = sorted(at - start for at in times)
    assert waits[5] >= 1
    assert waits[10] >= 2


@pytest.mark.alone
def test_nobody_waits_longer_than_two_seconds(donors: Turns, clock: FixedClock) -> None:
    """When the next free turn is more than two seconds away, the call fails without waiting."""
    for _ in range(5):
        donors.wait()
    clock.instant += timedelta(seconds=0.99)
    for _ in range(10):
        donors.wait()  # each reserves a turn, of this second or the next
    start = time.monotonic()
    with pytest.raises(StripeUnavailable, match="too many"):
        donors.wait()
    assert time.monotonic() - start < 1


def test_a_clock_that_was_ahead_blocks_nothing(
    database: Database, donors: Turns, clock: FixedClock
) -> None:
    """Turns that were taken by a clock that was hours ahead can be taken again."""
    clock.instant += timedelta(hours=3)
    assert taken(database, donors) == 5
    clock.instant = NOW
    assert taken(database, donors, 4) == 4
    donors.wait()
    assert not donors.any_free()


def test_after_429_nobody_asks_for_a_while(
    database: Database, sandbox: RunningSandbox, clock: FixedClock
) -> None:
    """When Stripe gets too many requests, pages and the worker's jobs pause for five seconds."""
    client = client_of(sandbox, turns=Turns(database, clock=clock))
    trouble = {"path": "/v1/subscriptions/*", "method": "GET", "kind": "429", "times": 9}
    sandbox.control("POST", "/_sandbox/trouble", seconds=0, **trouble)
    with pytest.raises(StripeUnavailable):
        client.ask(lambda sdk: sdk.v1.subscriptions.retrieve("sub_1"), "subscription")
    donors, worker = (Turns(database, asker, clock) for asker in Asker)
    job = worker.when_open(lambda: 7)
    assert (taken(database, donors), job()) == (0, 0)
    with pytest.raises(StripeUnavailable):
        worker.wait()
    clock.instant += BACK_OFF
    assert (taken(database, donors), job()) == (5, 7)
    client.close()


@pytest.mark.alone
def test_two_processes_share_the_turns(database: Database, database_url: str) -> None:
    """Two services on one database take five turns a second together."""
    other = Database(database_url)
    counts: list[int] = []
    until = time.monotonic() + 1.5

    def hammer(mine: Database) -> None:
        turns = Turns(mine, Asker.DONORS)
        while time.monotonic() < until:
            counts.append(taken(mine, turns, 1))

    threads = [threading.Thread(target=hammer, args=(each,)) for each in (database, other) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert 8 <= sum(counts) <= 10
