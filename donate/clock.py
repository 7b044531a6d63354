"""The only module that reads the system clock. All other code gets a Clock or a datetime."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

FIRST_DAY: Final = date(1900, 1, 1)
LAST_DAY: Final = date(2999, 12, 31)


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


class Backoff:
    """The pauses between the attempts at something, for example `Backoff("2s 10m 1h 2d")`.

    This example pauses two seconds after the first attempt, and ten minutes after the second.
    """

    _UNITS: Final = {
        "s": timedelta(seconds=1),
        "m": timedelta(minutes=1),
        "h": timedelta(hours=1),
        "d": timedelta(days=1),
    }

    def __init__(self, pauses: str) -> None:
        self.pauses = [int(pause[:-1]) * self._UNITS[pause[-1]] for pause in pauses.split()]

    def after(self, attempts: int) -> timedelta:
        """Return the pause after this many attempts, counted from 1.

        If there are more attempts than pauses, the last pause repeats.
        """
        return self.pauses[min(attempts, len(self.pauses)) - 1]

    def after_or_stop(self, attempts: int) -> timedelta | None:
        """Return the pause after this many attempts, or None if no more should be made."""
        return self.pauses[attempts - 1] if attempts <= len(self.pauses) else None


def local_date(instant: datetime, time_zone: str) -> date:
    """Return the date of `instant` in this time zone.

    The date in the time zone of a gift's region is the gift's fiscal date.
    """
    return instant.astimezone(ZoneInfo(time_zone)).date()


def read_day(text: str) -> date | None:
    """Return the date that a browser sent as 2026-03-31, or None if the text is not a valid date.

    Dates before FIRST_DAY or after LAST_DAY also give None: a browser sends a year that was typed
    as 26 as 0026, and adding months to a date near the limits of Python's `date` would overflow.
    """
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}(-[0-9]{2}){2}", text) else None
    except ValueError:
        return None
    return day if day and FIRST_DAY <= day <= LAST_DAY else None


def start_of_day(day: date, time_zone: str) -> datetime:
    """Return the UTC time at which `day` begins in `time_zone`."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone)).astimezone(UTC)
