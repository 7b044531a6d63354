"""A calendar month in the books."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from donate.clock import FIRST_DAY, LAST_DAY

_TEXT: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_MONTHS: Final = 12


@dataclass(frozen=True, slots=True, order=True)
class BookMonth:
    """A calendar month, such as 2026-10. The `number` of the next month is greater by one.

    Use `read_month` for typed text, because it refuses unlikely years.
    """

    number: int

    @property
    def first_day(self) -> date:
        """The first day."""
        year, month = divmod(self.number, _MONTHS)
        return date(year, month + 1, 1)

    @property
    def last_day(self) -> date:
        """The last day."""
        return self.next.first_day - timedelta(1)

    @property
    def next(self) -> "BookMonth":
        """The month after this one."""
        return BookMonth(self.number + 1)

    @property
    def previous(self) -> "BookMonth":
        """The month before this one."""
        return BookMonth(self.number - 1)

    def __str__(self) -> str:
        return self.first_day.isoformat()[:7]


def month_of_day(day: date) -> BookMonth:
    """Return the month that contains this day."""
    return BookMonth(day.year * _MONTHS + day.month - 1)


def read_month(text: str) -> BookMonth | None:
    """Return the month from a text such as 2026-10; None if the text is not a valid month."""
    found = _TEXT.fullmatch(text)
    if not found or not FIRST_DAY.year <= int(found[1]) <= LAST_DAY.year:
        return None
    return month_of_day(date(int(found[1]), int(found[2]), 1))
