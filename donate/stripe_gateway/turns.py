"""Takes turns at asking Stripe, so that all processes together stay below what Stripe allows.

Stripe allows about 100 requests a second, and 25 in test mode: https://docs.stripe.com/rate-limits.
Donors' pages have five turns a second, and the worker has fourteen; each of them is an `Asker`. A
turn is a row of `StripeTurn`, which migration 0042 inserted, and may be taken once a second. So
strangers who open many pages never use up the calls that the worker needs. New checkout sessions
need no turn, so enough calls are left for them.
"""

import functools
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, or_, update
from sqlmodel import Session, col, func, select

from donate.clock import Clock, SystemClock
from donate.errors import DatabaseBusy, StripeUnavailable
from donate.storage.database import Database
from donate.stripe_gateway.models import Asker, StripeTurn

log = logging.getLogger(__name__)

TURN: Final = timedelta(seconds=1)
# How long a call waits for a turn. A donor waits too, and occupies a thread.
PATIENCE: Final = timedelta(seconds=2)
# After Stripe refused a request because there were too many, nobody takes a turn for this long.
BACK_OFF: Final = timedelta(seconds=5)
# A page leaves this many turns free if it asks again, or for something that it can do without. They
# are for pages that ask for the first time, and for donors who change something.
SPARE: Final = 2
# A turn that is taken for longer counts as free: the clock that took it must have been ahead.
_LONGEST: Final = timedelta(minutes=1)


class Turns:
    """The turns of one asker. If there is no asker, calls do not wait for turns.

    By default the clock is the system's, even if the rest of the service has a fixed clock, because
    Stripe counts real seconds.
    """

    def __init__(
        self, database: Database, asker: Asker | None = None, clock: Clock | None = None
    ) -> None:
        self._database = database
        self._asker = asker
        self._clock = clock or SystemClock()

    def take(self, session: Session, *, spare: int = 0) -> bool:
        """Take a turn that is free now; return False if there is none.

        Leave `spare` free turns to others, who have a better reason to ask.
        """
        now = self._clock.now()
        if self._count_free(session, now) <= spare:
            return False
        free = [turn for turn in self._lock_all(session) if _begin(turn, now) == now]
        if len(free) <= spare:
            return False
        free[0].free_at = now + TURN
        return True

    def wait(self) -> None:
        """Reserve the turn that is free first, and wait until it is free, for at most `PATIENCE`.

        Raises StripeUnavailable if it is not free by then, or if the database is busy.
        """
        if self._asker is None:
            return
        try:
            with self._database.writing() as session:
                delay = self._reserve(session)
        except DatabaseBusy as error:
            raise StripeUnavailable("the turns at asking Stripe cannot be read") from error
        if delay is None:
            raise StripeUnavailable("too many requests want to ask Stripe")
        time.sleep(delay.total_seconds())

    def any_free(self, *, spare: int = 0) -> bool:
        """Return whether more than `spare` turns are free now."""
        with self._database.reading() as session:
            return self._count_free(session, self._clock.now()) > spare

    def back_off(self) -> None:
        """Let nobody take a turn of any asker for `BACK_OFF`, because Stripe got too many requests.

        If the database is busy, do nothing. Stripe will refuse again.
        """
        until = self._clock.now() + BACK_OFF
        log.warning("Stripe gets too many requests: pages and jobs ask nothing for a while")
        with suppress(DatabaseBusy), self._database.writing() as session:
            session.execute(
                update(StripeTurn).where(col(StripeTurn.free_at) < until).values(free_at=until)
            )

    def when_open(self, job: Callable[[], int]) -> Callable[[], int]:
        """Return a job that runs `job` only if a turn is free, or will be within `PATIENCE`.

        Without a turn, each run of `job` would postpone its requests without sending them.
        """

        @functools.wraps(job)
        def run() -> int:
            with self._database.reading() as session:
                soon = self._clock.now() + PATIENCE
                is_open = self._count_free(session, soon) > 0
            return job() if is_open else 0

        return run

    def _reserve(self, session: Session) -> timedelta | None:
        """Reserve the turn that is free first; return how long until then, None if too long."""
        now = self._clock.now()
        turn = min(self._lock_all(session), key=lambda turn: _begin(turn, now))
        begin = _begin(turn, now)
        if begin > now + PATIENCE:
            return None
        turn.free_at = begin + TURN
        return begin - now

    def _lock_all(self, session: Session) -> Sequence[StripeTurn]:
        # Two processes that lock the rows in the same order cannot deadlock.
        turns = (
            select(StripeTurn)
            .where(StripeTurn.asker == self._asker)
            .order_by(col(StripeTurn.number))
            .with_for_update()
        )
        return session.exec(turns).all()

    def _count_free(self, session: Session, now: datetime) -> int:
        free = select(func.count()).where(StripeTurn.asker == self._asker, _is_free(now))
        return session.exec(free).one()


def _begin(turn: StripeTurn, now: datetime) -> datetime:
    """Return when a turn can be taken: now if it is free, else the time at which it will be."""
    return now if turn.free_at > now + _LONGEST else max(now, turn.free_at)


def _is_free(now: datetime) -> ColumnElement[bool]:
    return or_(col(StripeTurn.free_at) <= now, col(StripeTurn.free_at) > now + _LONGEST)
