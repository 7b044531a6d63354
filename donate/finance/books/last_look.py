"""Remembers the latest result of checking today's books, because reading them takes a while."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from donate.books.months.queries import closed_months, closings_of
from donate.books.recorded.sheets.day_sheets import RecordedSheet, read_sheets
from donate.clock import Clock, local_date
from donate.errors import DatabaseBusy
from donate.money import Money
from donate.storage.database import Database

_FRESH_FOR: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class LookAtBooks:
    """The unexplained amounts on the daily sheets of `day`, one for each currency, read at `at`."""

    day: date
    at: datetime
    unexplained: Sequence[Money]


class LastLook:
    """The latest check of today's books, in this process."""

    def __init__(self, database: Database, clock: Clock, time_zone: str) -> None:
        self._database = database
        self._clock = clock
        self._time_zone = time_zone
        self._lock = threading.Lock()
        self.last: LookAtBooks | None = None

    def remember(self, day: date, sheets: Sequence[RecordedSheet]) -> None:
        """Remember the result for a day, if this day is today."""
        now = self._clock.now()
        if day == local_date(now, self._time_zone):
            unexplained = [Money(one.sheet.unexplained_minor, one.sheet.currency) for one in sheets]
            self.last = LookAtBooks(day, now, unexplained)

    def look_again(self) -> None:
        """Check today's books, unless this was done a moment ago or is being done now.

        Does nothing if the database is busy. The next visit to the overview checks again.
        """
        now = self._clock.now()
        if (self.last and now - self.last.at < _FRESH_FOR) or not self._lock.acquire(
            blocking=False
        ):
            return
        try:
            today = local_date(now, self._time_zone)
            with suppress(DatabaseBusy):
                with self._database.reading_snapshot() as session:
                    closings = closings_of(closed_months(session))
                    sheets = read_sheets(
                        session, today, time_zone=self._time_zone, closings=closings
                    )
                self.remember(today, sheets)
        finally:
            self._lock.release()
