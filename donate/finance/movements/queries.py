"""Read-only queries for the movements page.

The sums come from the day totals. These totals also show on which days there are movements to list,
so a filter that matches few movements does not have to read all of them.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from donate.gifts.models import Donor, Gift
from donate.gifts.movements.models import GiftMovement
from donate.gifts.movements.rules import MONEY_IN
from donate.gifts.movements.totals import PeriodTotal, TotalFilter, add_up
from donate.money import Money


@dataclass(frozen=True, slots=True)
class MovementCursor:
    """The position of a movement in the list, which is sorted by day and then by id."""

    day: date
    id: int


@dataclass(frozen=True, slots=True)
class ListedMovement:
    """A movement with its gift and the donor."""

    movement: GiftMovement
    gift: Gift
    donor: Donor

    @property
    def money(self) -> Money:
        """The amount: positive if it came in, negative if it went out."""
        return Money(self.movement.amount_minor, self.movement.currency)

    @property
    def money_out(self) -> Money:
        """The amount with the opposite sign, for the column of money that went out."""
        return Money(-self.movement.amount_minor, self.movement.currency)

    @property
    def cursor(self) -> MovementCursor:
        """The position of this movement in the list."""
        assert self.movement.id is not None
        return MovementCursor(self.movement.day, self.movement.id)


@dataclass(frozen=True, slots=True)
class MoneyTotal:
    """The movements in one currency that match a filter: their number, and the money in and out."""

    count: int
    money_in: Money
    money_out: Money

    @property
    def net(self) -> Money:
        """What came in, less what went out."""
        return self.money_in.part(self.money_in.amount_minor - self.money_out.amount_minor)


def money_totals(session: Session, filters: TotalFilter) -> list[MoneyTotal]:
    """Return the totals for the movements that match, one for each currency."""
    by_currency: defaultdict[str, list[PeriodTotal]] = defaultdict(list)
    for total in add_up(session, filters, by=("kind",)):
        by_currency[total.currency].append(total)
    return [
        MoneyTotal(
            sum(each.count for each in totals),
            Money(sum(each.amount_minor for each in totals if _is_in(each)), currency),
            Money(-sum(each.amount_minor for each in totals if not _is_in(each)), currency),
        )
        for currency, totals in sorted(by_currency.items())
    ]


def _is_in(total: PeriodTotal) -> bool:
    return total.group[0] in MONEY_IN


def newest_movements(
    session: Session, filters: TotalFilter, *, limit: int, after: MovementCursor | None = None
) -> list[ListedMovement]:
    """Return up to `limit` movements after the cursor, newest day first."""
    last = after.day if after else None
    days = sorted(_days_with_movements(session, filters, last=last), reverse=True)
    return _from_days(session, filters, days, limit=limit, cursor=after, newest_first=True)


def newer_movements(
    session: Session, filters: TotalFilter, *, limit: int, before: MovementCursor
) -> list[ListedMovement]:
    """Return up to `limit` movements that come just before the cursor, newest day first."""
    days = sorted(_days_with_movements(session, filters, first=before.day))
    rows = _from_days(session, filters, days, limit=limit, cursor=before, newest_first=False)
    return rows[::-1]


def _days_with_movements(
    session: Session, filters: TotalFilter, *, first: date | None = None, last: date | None = None
) -> set[date]:
    if first:
        filters = replace(filters, first_day=max(first, filters.first_day or first))
    if last:
        filters = replace(filters, last_day=min(last, filters.last_day or last))
    return {date.fromisoformat(total.group[0]) for total in add_up(session, filters, by=("day",))}


def _from_days(
    session: Session,
    filters: TotalFilter,
    days: Iterable[date],
    *,
    limit: int,
    cursor: MovementCursor | None,
    newest_first: bool,
) -> list[ListedMovement]:
    """Read the movements of one day after another, using an index, until `limit` are found."""
    on, number = col(GiftMovement.day), col(GiftMovement.id)
    found: list[ListedMovement] = []
    for day in days:
        statement = (
            select(GiftMovement, Gift, Donor)
            .join(Gift, col(Gift.id) == col(GiftMovement.gift_id))
            .join(Donor, col(Donor.id) == col(Gift.donor_id))
            # Compare with a range, and also sort by day. Otherwise PostgreSQL scans the index of
            # the primary key until it reaches the day.
            .where(on >= day, on <= day, *movement_conditions(filters))
            .order_by(*((on.desc(), number.desc()) if newest_first else (on, number)))
            .limit(limit - len(found))
        )
        if cursor and day == cursor.day:
            beyond = number < cursor.id if newest_first else number > cursor.id
            statement = statement.where(beyond)
        found += (ListedMovement(*row) for row in session.exec(statement))
        if len(found) >= limit:
            break
    return found


def movement_conditions(filters: TotalFilter) -> list[ColumnElement[bool]]:
    """Return the SQL conditions for a filter on movements and their gifts, except those on days."""
    return [
        column.in_(list(values))
        for column, values in (
            (col(GiftMovement.kind), filters.kinds),
            (col(GiftMovement.currency), filters.currencies),
            (col(Gift.code), filters.codes),
            (col(Gift.mode), filters.modes),
            (col(Gift.fund), filters.funds),
        )
        if values
    ]
