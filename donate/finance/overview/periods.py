"""The periods that the overview compares: this month so far, and this year so far."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Period:
    """A range of days. It includes its first and its last day."""

    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class PeriodSoFar:
    """The current period up to today, and the same part of the previous period."""

    now: Period
    before: Period


def month_so_far(today: date) -> PeriodSoFar:
    """Return this month up to today, and as many days of last month.

    If last month has fewer days, its part is the whole month.
    """
    first = today.replace(day=1)
    last_of_before = first - timedelta(days=1)
    same_day = last_of_before.replace(day=min(today.day, last_of_before.day))
    return PeriodSoFar(Period(first, today), Period(last_of_before.replace(day=1), same_day))


def year_so_far(today: date) -> PeriodSoFar:
    """Return this year up to today, and last year up to the same date.

    On February 29, the part of last year ends on February 28.
    """
    first = today.replace(month=1, day=1)
    year = today.year - 1
    same_day = date(year, today.month, min(today.day, days_in_month(date(year, today.month, 1))))
    return PeriodSoFar(Period(first, today), Period(first.replace(year=year), same_day))


def days_in_month(day: date) -> int:
    """Return the number of days in the month that contains `day`."""
    return calendar.monthrange(day.year, day.month)[1]


def last_months(today: date, how_many: int) -> list[date]:
    """Return the first day of each of the last months, oldest first.

    The last one is this month.
    """
    months = [today.replace(day=1)]
    while len(months) < how_many:
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    return months[::-1]
