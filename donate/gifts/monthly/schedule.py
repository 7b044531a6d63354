"""When a pledge is collected, and which months a pause leaves out. Pure functions."""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from donate.clock import local_date, start_of_day
from donate.gifts.facts import Fact, FactKind
from donate.gifts.monthly.pledge_state import Pledge, PledgeState

# In these states, Stripe will collect another monthly payment, unless the pledge ends first.
_COLLECTED: Final = (
    PledgeState.ACTIVE,
    PledgeState.NOT_CHARGED_YET,
    PledgeState.PAST_DUE,
    PledgeState.PAUSED,
)
# For how many months a donor can pause. A pause of one month is offered as skipping a month.
PAUSE_LENGTHS: Final = (1, 2, 3, 6)


@dataclass(frozen=True, slots=True)
class PauseChoice:
    """A pause that a donor can choose. Days are in the region's time zone.

    The pledge is collected again on `until`, which begins at `resumes_at`. The payments due on the
    days of `left_out` are not collected.
    """

    until: date
    resumes_at: datetime
    left_out: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """The days of a pledge in its region's time zone, as far as they are known and yet to come.

    It is collected next on `next_on`. A pause until a date leaves out the payments due on the days
    of `left_out`. `choices` are the pauses that a donor can choose now.
    """

    next_on: date | None = None
    left_out: tuple[date, ...] = ()
    choices: tuple[PauseChoice, ...] = ()


def schedule_of(pledge: Pledge, facts: Iterable[Fact], time_zone: str, now: datetime) -> Schedule:
    """Return the schedule of a pledge. It is empty if nothing is to be collected after `now`.

    `facts` are those of the pledge's first gift.
    """
    facts = list(facts)
    next_at, calendar = next_collection(pledge, facts), _calendar_of(pledge, facts)
    if next_at is None or calendar is None or next_at <= now:
        return Schedule()

    def day(number: int) -> date:
        return local_date(calendar.due_at(number), time_zone)

    count = 0
    while calendar.due_at(count) < next_at:
        count += 1
    left_out = [day(number) for number in range(count) if calendar.due_at(number) > now]
    choices = []
    if pledge.state in (PledgeState.ACTIVE, PledgeState.NOT_CHARGED_YET) and not pledge.is_ending:
        choices = [
            PauseChoice(
                until=day(length),
                resumes_at=start_of_day(day(length), time_zone),
                left_out=tuple(map(day, range(length))),
            )
            for length in PAUSE_LENGTHS
        ]
    return Schedule(local_date(next_at, time_zone), tuple(left_out), tuple(choices))


def next_collection(pledge: Pledge, facts: Iterable[Fact]) -> datetime | None:
    """Return the time when Stripe collects the next monthly payment; None if it will not."""
    paused = pledge.state is PledgeState.PAUSED
    calendar = _calendar_of(pledge, facts)
    if calendar is None or pledge.state not in _COLLECTED:
        return None
    if paused and pledge.resumes_at is None:
        return None
    next_at = calendar.month_ends_at
    if pledge.resumes_at:
        next_at = monthly_from(calendar.counted_from, max(next_at, pledge.resumes_at))
    if pledge.is_ending and (pledge.ends_at or next_at) <= next_at:
        return None
    return next_at


@dataclass(frozen=True, slots=True)
class _Calendar:
    """When the current month ends, and the time from which months are counted.

    Stripe counts all months from one time, its anchor. So a pledge that began on a 31st is due on
    the 28th of February, and then again on the 31st of March.
    """

    month_ends_at: datetime
    counted_from: datetime

    def due_at(self, number: int) -> datetime:
        """Return when a payment is due: the next one for `number` 0, the one after it for 1."""
        return monthly_from(self.counted_from, self.month_ends_at, more=number)


def _calendar_of(pledge: Pledge, facts: Iterable[Fact]) -> _Calendar | None:
    """Return the calendar of a pledge; None if Stripe has reported nothing about it."""
    month_ends_at, anchor = pledge.month_ends_at or _next_anniversary(facts), pledge.anchor
    if month_ends_at is None:
        return None
    counts = anchor is not None and monthly_from(anchor, month_ends_at) == month_ends_at
    return _Calendar(month_ends_at, anchor if anchor and counts else month_ends_at)


def _next_anniversary(facts: Iterable[Fact]) -> datetime | None:
    """Return the first monthly anniversary of the pledge's start after Stripe's last report.

    Facts of earlier versions do not say when the current month ends. Stripe reports each new month,
    so the current month ends on that anniversary.
    """
    times = [
        fact.happened_at
        for fact in facts
        if fact.kind in (FactKind.PLEDGE_STARTED, FactKind.PLEDGE_CHANGED)
    ]
    if not times:
        return None
    next_at = monthly_from(min(times), max(times))
    return next_at if next_at > max(times) else monthly_from(min(times), max(times), more=1)


def monthly_from(first: datetime, until: datetime, *, more: int = 0) -> datetime:
    """Return `first` moved forward by the fewest months that bring it to `until` or later.

    `more` adds further months. If a month is too short for the day, its last day is used.
    """
    months = max(0, (until.year - first.year) * 12 + until.month - first.month)
    if _months_after(first, months) < until:
        months += 1
    return _months_after(first, months + more)


def _months_after(first: datetime, months: int) -> datetime:
    years, month = divmod(first.month - 1 + months, 12)
    year, month = first.year + years, month + 1
    return first.replace(year=year, month=month, day=min(first.day, monthrange(year, month)[1]))
