"""Renews the suggestions for open lines in the worker, once there is something new to compare.

The data to compare is summarized in a few numbers, which the database reads from indexes. As long
as the numbers are those of the last run, nothing is matched.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from donate.bank.reconciliation.matching_runs import (
    SETTLED_AFTER,
    last_matching_run,
    what_to_compare,
)
from donate.bank.reconciliation.suggesting import suggest_for_open_lines
from donate.clock import Clock
from donate.storage.database import Database

LOOK_EVERY: Final = timedelta(seconds=5)
RUN_EVERY: Final = timedelta(seconds=30)
"""The matcher reads all gifts of a year, so it runs at most this often."""
RENEW_AFTER: Final = timedelta(days=1)
"""Suggestions are renewed after this time in any case, because they depend on the time too."""
_TASK: Final = "matching"


def renew_suggestions(database: Database, codes: Iterable[str], *, now: datetime) -> None:
    """Match all open lines, unless the last run compared the same data."""
    with database.reading_snapshot() as session:
        inputs = what_to_compare(session)
        last = last_matching_run(session)
    if last is None or last.seen != inputs.summary:
        suggest_for_open_lines(database, codes, now=now)


class SuggestionRenewer:
    """Decides when to match all open lines again.

    `codes` are the giving codes of all regions.
    """

    def __init__(self, database: Database, codes: Iterable[str], clock: Clock) -> None:
        self._database = database
        self._codes = list(codes)
        self._clock = clock
        self._next_look: datetime | None = None

    def renew_due(self) -> int:
        """Match all open lines if there is something new since the last run, in one process only.

        Always returns 0, which makes the worker pause before the next call.
        """
        now = self._clock.now()
        if self._next_look and now < self._next_look:
            return 0
        self._next_look = now + LOOK_EVERY
        if not self._is_due(now):
            return 0
        with self._database.alone(_TASK) as is_ours:
            # Another process may have matched the lines before this one got the lock.
            if is_ours and self._is_due(now):
                suggest_for_open_lines(self._database, self._codes, now=now)
        return 0

    def _is_due(self, now: datetime) -> bool:
        with self._database.reading_snapshot() as session:
            inputs = what_to_compare(session)
            last = last_matching_run(session)
        if not inputs.open_lines:
            return False
        if last is None:
            return True
        since = now - last.ran_at
        if last.seen != inputs.summary:
            return since >= RUN_EVERY
        return since >= (RENEW_AFTER if last.is_settled else SETTLED_AFTER)
