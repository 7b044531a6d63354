"""The only module that reads the system clock. All other code gets a Clock or a datetime."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """A source of the current time."""

    def now(self) -> datetime:
        """Return the current time, timezone-aware, in UTC."""
        ...


class SystemClock:
    """The system clock."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC)


@dataclass
class FixedClock:
    """A clock that shows a fixed time, for tests and for the demo's past gifts."""

    instant: datetime

    def now(self) -> datetime:
        """Return the fixed time."""
        return self.instant


def local_date(instant: datetime, time_zone: str) -> date:
    """Return the date of `instant` in this time zone; in the region's zone, the fiscal date."""
    return instant.astimezone(ZoneInfo(time_zone)).date()


def start_of_day(day: date, time_zone: str) -> datetime:
    """Return the time in UTC at which `day` begins in `time_zone`."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone)).astimezone(UTC)
