"""Catches up every so often, from the worker's heartbeat; in whichever process comes first."""

import logging
from datetime import datetime, timedelta
from typing import Final

from donate.clock import Clock
from donate.errors import Conflict, StripeUnavailable
from donate.storage.database import Database
from donate.stripe_gateway.catchup.catchup import Catchup, Stopped
from donate.stripe_gateway.catchup.runs import last_finished_run

log = logging.getLogger(__name__)

# When a run was broken off, or another process is at it.
_AGAIN_AFTER: Final = timedelta(minutes=5)


class CatchupSchedule:
    """When to catch up next."""

    def __init__(
        self, catchup: Catchup, database: Database, clock: Clock, every: timedelta
    ) -> None:
        self._catchup = catchup
        self._database = database
        self._clock = clock
        self._every = every
        self._look_at: datetime | None = None

    def catch_up_when_due(self) -> int:
        """Catch up if the last run that came to its end began long enough ago. Returns 0: rest."""
        now = self._clock.now()
        if self._look_at and now < self._look_at:
            return 0
        with self._database.reading() as session:
            last = last_finished_run(session)
        if last and now < last.started_at + self._every:
            self._look_at = last.started_at + self._every
            return 0
        self._look_at = now + min(self._every, _AGAIN_AFTER)
        try:
            reports = self._catchup.run()
        except Conflict as another:
            log.info("no catch-up here: %s", another)
        except StripeUnavailable as error:
            log.warning("catch-up was broken off: %s", error)
        except Stopped:
            log.info("catch-up stops here, and goes on at the next start")
        else:
            self._look_at = now + self._every
            for report in reports:
                level = logging.WARNING if report.missing or report.differing else logging.INFO
                log.log(level, "catch-up: %s", " ".join(report.lines()[:1]))
        return 0
