"""The background job that prunes what is older than the settings say, in small batches.

Each batch is a transaction of its own. If the process stops, the next run goes on.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from donate.clock import Clock
from donate.retention.never_paid import YOUNGEST, NeverPaid
from donate.retention.old_rows import (
    prune_donor_links,
    prune_event_bodies,
    prune_refused_requests,
)
from donate.storage.chain.amending import ChainBroken, NotChainedYet
from donate.storage.database import Database

log = logging.getLogger(__name__)

# How long the job rests when there is nothing left to prune.
REST: Final = timedelta(hours=6)
# One-time links are kept for this many days. Limits need them for a day, and staff may have to say
# later whether one was sent.
_LINKS_DAYS: Final = 30


class Retention:
    """Prunes one batch in each run. Zero days mean that this kind of row is kept for ever."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        event_bodies_days: int,
        refused_requests_days: int,
        never_paid_days: int,
    ) -> None:
        self._database = database
        self._clock = clock
        kept_for = (
            (prune_event_bodies, event_bodies_days and max(event_bodies_days, YOUNGEST.days)),
            (prune_refused_requests, refused_requests_days),
            (prune_donor_links, _LINKS_DAYS),
        )
        self._tasks: list[Callable[[], int]] = [
            partial(self._prune, prune, timedelta(days=days)) for prune, days in kept_for if days
        ]
        if never_paid_days:
            never_paid = NeverPaid(database, clock, after=timedelta(days=never_paid_days))
            self._tasks.append(never_paid.prune_some)
        self._at = 0
        self._rests_until: datetime | None = None

    def prune_due(self) -> int:
        """Prune a batch of one kind of row, or go on to the next kind if there are no more.

        Return 0 if the job rests, because nothing of any kind is left.
        """
        now = self._clock.now()
        # Do not rest if the clock was set back.
        if self._rests_until and timedelta(0) < self._rests_until - now <= REST:
            return 0
        self._rests_until = None
        try:
            done = self._tasks[self._at]()
        except (NotChainedYet, ChainBroken) as trouble:
            log.warning("nothing was pruned: %s", trouble)
            done = 0
        if not done:
            self._at = (self._at + 1) % len(self._tasks)
            self._rests_until = None if self._at else now + REST
        return done or int(self._at > 0)

    def _prune(self, prune: Callable[..., int], after: timedelta) -> int:
        with self._database.writing() as session:
            return prune(session, self._clock.now(), after=after)
