"""Runs catch-up at regular intervals from the worker, in one process at a time."""

import logging
from datetime import datetime, timedelta
from typing import Final

from donate.clock import Clock
from donate.errors import Conflict, StripeUnavailable
from donate.storage.database import Database
from donate.stripe_gateway.catchup.catchup import Catchup, Stopped
from donate.stripe_gateway.catchup.runs import last_finished_run

log = logging.getLogger(__name__)

# How long to wait before the next try, if a run was interrupted or another process is running one.
_RETRY_AFTER: Final = timedelta(minutes=5)


class CatchupSchedule:
    """Decides when catch-up runs next."""

    def __init__(
        self, catchup: Catchup, database: Database, clock: Clock, every: timedelta
    ) -> None:
        self._catchup = catchup
        self._database = database
        self._clock = clock
        self._every = every
        self._next_at: datetime | None = None

    def catch_up_when_due(self) -> int:
        """Run catch-up if the last finished run began long enough ago.

        Always return 0, which makes the worker pause before the next call.
        """
        now = self._clock.now()
        if self._next_at and now < self._next_at:
            return 0
        with self._database.reading() as session:
            last = last_finished_run(session)
        if last and now < last.started_at + self._every:
            self._next_at = last.started_at + self._every
            return 0
        self._next_at = now + min(self._every, _RETRY_AFTER)
        try:
            reports = self._catchup.run()
        except Conflict as conflict:
            log.info("no catch-up here: %s", conflict)
        except StripeUnavailable as error:
            log.warning("catch-up was interrupted: %s", error)
        except Stopped:
            log.info("catch-up stops now, and resumes at the next start")
        else:
            self._next_at = now + self._every
            for report in reports:
                level = logging.WARNING if report.missing or report.differing else logging.INFO
                log.log(level, "catch-up: %s", " ".join(report.lines()[:1]))
        return 0
