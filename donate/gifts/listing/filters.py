"""The filters of lists and exports of gifts, as conditions in SQL."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, and_, exists, true

from donate.gifts.models import Gift
from donate.gifts.movements.models import GiftMovement
from donate.gifts.status import Flag, StatusName
from donate.money import Money
from donate.regions.modes import Mode
from donate.regions.terms import Frequency
from donate.storage.bulk_writes import table_of

DateOf = Literal["chosen", "received", "moved"]
"""Which day the filter compares: when the gift was started, its first payment, or any movement."""

GIFT: Final = table_of(Gift).c
MOVEMENT: Final = table_of(GiftMovement).c
# The columns of a gift that the conditions compare.
FILTERED_COLUMNS: Final = tuple(
    GIFT[name]
    for name in (
        *("status", "mode", "code", "fund", "currency", "language", "flags", "amount_minor"),
        *("transfer_announced", "pledge_id", "opened_at", "opened_on", "received_on", "id"),
    )
)
EXACT_DAYS: Final = "exact_days"
# No time zone is further from UTC than this.
_ZONES: Final = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class GiftFilter:
    """Which gifts to list. An empty field does not filter; with several values, any may match.

    `first_day` and `last_day`, both included, limit the date that `by` names, in the region's time
    zone. `least` and `most`, both included, limit the amount in one currency.
    """

    statuses: tuple[StatusName, ...] = ()
    modes: tuple[Mode, ...] = ()
    codes: tuple[str, ...] = ()
    funds: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    frequencies: tuple[Frequency, ...] = ()
    languages: tuple[str, ...] = ()
    announced: bool = False
    """Whether only gifts are listed whose donor reported the transfer as sent."""
    by: DateOf = "chosen"
    first_day: date | None = None
    last_day: date | None = None
    least: Money | None = None
    most: Money | None = None

    @property
    def has_days(self) -> bool:
        """Whether the filter has a first or a last day."""
        return bool(self.first_day or self.last_day)


def gift_conditions(filters: GiftFilter, gift: Any = GIFT) -> dict[str, ColumnElement[bool]]:
    """Return a dict with the name of each filter field that is set, and its condition in SQL.

    `gift` has the columns of the gift table, or of a subquery with the same columns. The database
    has an index for each condition, except for EXACT_DAYS, which compares days in each gift's time
    zone. So a slightly wider range of times is returned together with it, as `days`.
    """
    found: dict[str, ColumnElement[bool]] = {}
    for name, column, values in (
        ("flags", gift.flags, _with_any(filters.flags)),
        ("statuses", gift.status, filters.statuses),
        ("funds", gift.fund, filters.funds),
        ("modes", gift.mode, filters.modes),
        ("codes", gift.code, filters.codes),
        ("currencies", gift.currency, filters.currencies),
        ("languages", gift.language, filters.languages),
    ):
        if values:
            one = len(values) == 1
            found[name] = column == values[0] if one else column.in_(list(values))
    if filters.flags:
        found["flags"] &= gift.flags != ""  # this lets the database use its partial index
    if filters.announced:
        found["announced"] = gift.transfer_announced == true()
    if len(filters.frequencies) == 1:
        is_monthly = filters.frequencies[0] is Frequency.MONTHLY
        found["frequencies"] = (
            gift.pledge_id.is_not(None) if is_monthly else gift.pledge_id.is_(None)
        )
    if filters.least or filters.most:
        found["amounts"] = _amounts(filters, gift)
    if filters.has_days:
        found["days"] = _days(filters, gift)
        if filters.by == "chosen":
            days = _within(gift.opened_on, filters.first_day, filters.last_day)
            found[EXACT_DAYS] = and_(*days)
    return found


def _with_any(flags: Iterable[Flag]) -> tuple[str, ...]:
    """Return every value of the column `flags` that contains at least one of these flags."""
    wanted = set(flags)
    every = sorted(Flag)
    return tuple(
        ",".join(some)
        for size in range(1, len(every) + 1)
        for some in combinations(every, size)
        if wanted & set(some)
    )


def _amounts(filters: GiftFilter, gift: Any) -> ColumnElement[bool]:
    bound = filters.least or filters.most
    assert bound
    condition: ColumnElement[bool] = gift.currency == bound.currency
    if filters.least:
        condition &= gift.amount_minor >= filters.least.amount_minor
    if filters.most:
        condition &= gift.amount_minor <= filters.most.amount_minor
    return condition


def _days(filters: GiftFilter, gift: Any) -> ColumnElement[bool]:
    first, last = filters.first_day, filters.last_day
    match filters.by:
        case "received":
            return and_(*_within(gift.received_on, first, last))
        case "moved":
            movement = table_of(GiftMovement).alias("of_gift").c
            return exists().where(movement.gift_id == gift.id, *_within(movement.day, first, last))
        case "chosen":
            since = datetime.combine(first, time(), UTC) - _ZONES if first else None
            until = datetime.combine(last, time.max, UTC) + _ZONES if last else None
            return and_(*_within(gift.opened_at, since, until))


def moved_within(filters: GiftFilter, day: Any = MOVEMENT.day) -> list[ColumnElement[bool]]:
    """Return conditions for movements whose day is within the filter's days."""
    return _within(day, filters.first_day, filters.last_day)


def _within(column: Any, first: Any, last: Any) -> list[ColumnElement[bool]]:
    found = []
    if first:
        found.append(column >= first)
    if last:
        found.append(column <= last)
    return found
