"""Time enters the house here and is handed on as a value; nobody else reads the clock."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Anything that can say what time it is."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        return datetime.now(UTC)


@dataclass
class FixedClock:
    """A clock that stands where it is put; for the demo's history and for tests."""

    instant: datetime

    def now(self) -> datetime:
        """Return the instant it was put at."""
        return self.instant


def local_date(instant: datetime, time_zone: str) -> date:
    """Return the calendar date of `instant` where the region lives (its fiscal date)."""
    return instant.astimezone(ZoneInfo(time_zone)).date()


def start_of_day(day: date, time_zone: str) -> datetime:
    """Return the instant in UTC at which `day` begins in `time_zone`."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone)).astimezone(UTC)
