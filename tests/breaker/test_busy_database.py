"""A database that is busy for a moment neither loses attempts nor counts them wrongly."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlmodel import Session

from donate.breaker.breaker import Visitor
from donate.breaker.counters import window_sums
from donate.breaker.levels import pressure_name
from donate.breaker.models import Lane
from donate.breaker.turned_away import OTHERS, AttemptOutcome
from donate.errors import DatabaseBusy
from donate.regions.modes import Mode
from donate.storage.database import Database
from tests.breaker.attempts import Crowd


def make_busy(crowd: Crowd, patch: pytest.MonkeyPatch, *, after: int) -> None:
    """Let the next writing transactions succeed, as many as `after`, and then the database fail."""
    writing, left = Database.writing, iter(range(after))

    @contextmanager
    def busy(database: Database) -> Iterator[Session]:
        if database is crowd.database and next(left, None) is None:
            raise DatabaseBusy("busy")
        with writing(database) as session:
            yield session

    patch.setattr(Database, "writing", busy)


def refused(crowd: Crowd) -> dict[Lane, int]:
    with crowd.database.reading() as session:
        names = {lane: pressure_name(lane, "refused") for lane in Lane}
        sums = window_sums(session, list(names.values()), crowd.clock.now())
    return {lane: sums[name] for lane, name in names.items()}


def test_attempts_of_one_lane_are_written_once(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the database is busy after the first lane, only the other lane is written again."""
    for lane in Lane:
        for _ in range(3):
            crowd.breaker.turned_away.note(lane, "LWCAN", OTHERS, AttemptOutcome.REFUSED)
    with monkeypatch.context() as patch:
        make_busy(crowd, patch, after=1)
        with pytest.raises(DatabaseBusy):
            crowd.watch.watch_due()
    assert sorted(refused(crowd).values()) == [0, 3]
    crowd.watch.watch_due()
    crowd.watch.watch_due()
    assert refused(crowd) == dict.fromkeys(Lane, 3)


def test_an_honest_donor_is_not_noted_as_refused(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attempt that the busy database could not count is noted with no outcome."""
    visitor = Visitor("198.51.100.20", "a form")
    with monkeypatch.context() as patch:
        make_busy(crowd, patch, after=0)
        with pytest.raises(DatabaseBusy):
            crowd.breaker.admit(Mode.CARD, "LWCAN", "ann@example.org", visitor)
    assert not crowd.breaker.turned_away.take()
