"""Queries for the overview. Sums of money come from day totals, so gifts need not be added up."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from donate.finance.overview.periods import Period
from donate.gifts.facts import Fact, FactKind
from donate.gifts.models import Gift
from donate.gifts.movements.models import Subject
from donate.gifts.movements.rules import MovementKind
from donate.gifts.movements.totals import PeriodTotal, TotalFilter, add_up
from donate.gifts.queries import facts_of_kinds
from donate.gifts.status import StatusName
from donate.regions.modes import BY_HAND

_ABOUT_DISPUTES = (
    FactKind.INQUIRY_OPENED,
    FactKind.INQUIRY_ANSWERED,
    FactKind.INQUIRY_CLOSED,
    FactKind.DISPUTE_OPENED,
    FactKind.DISPUTE_WON,
    FactKind.DISPUTE_LOST,
)


@dataclass(frozen=True, slots=True)
class PaidMonths:
    """The monthly payments received in one month, such as 2026-03: their number and their sum."""

    month: str
    currency: str
    count: int
    received_minor: int


def movements_in(session: Session, period: Period, *, by: Sequence[str]) -> list[PeriodTotal]:
    """Return a period's totals of movements, grouped by the columns in `by`, then by kind."""
    days = TotalFilter(Subject.MOVEMENT, period.first_day, period.last_day)
    return add_up(session, days, by=(*by, "kind"))


def gifts_started(session: Session, period: Period) -> list[PeriodTotal]:
    """Return how many gifts were started in a period, by mode and by current status."""
    days = TotalFilter(Subject.GIFT, period.first_day, period.last_day)
    return add_up(session, days, by=("mode", "kind"))


def awaited_by_hand(session: Session, period: Period) -> list[PeriodTotal]:
    """Return the awaited gifts that staff will mark as received, by day started and by mode.

    They are read from the day totals, so gifts need not be counted.
    """
    days = TotalFilter(
        Subject.GIFT,
        period.first_day,
        period.last_day,
        kinds=[StatusName.AWAITED],
        modes=sorted(BY_HAND),
    )
    return add_up(session, days, by=("day", "mode"))


def paid_months(session: Session, first_day: date) -> list[PaidMonths]:
    """Return the monthly payments since `first_day`, by the month in which they were received."""
    came_in = [MovementKind.PAYMENT, MovementKind.TRANSFER]
    totals = add_up(session, TotalFilter(Subject.MONTHLY, first_day, kinds=came_in), by=["month"])
    return [PaidMonths(one.group[0], one.currency, one.count, one.amount_minor) for one in totals]


def gifts_with_disputes(
    session: Session, gift_ids: Sequence[uuid.UUID]
) -> list[tuple[Gift, list[Fact]]]:
    """Return these gifts in the same order, each with its facts about inquiries and disputes."""
    if not gift_ids:
        return []
    facts = facts_of_kinds(session, gift_ids, _ABOUT_DISPUTES)
    gifts = {gift.id: gift for gift in session.exec(select(Gift).where(col(Gift.id).in_(gift_ids)))}
    return [(gifts[gift_id], facts[gift_id]) for gift_id in gift_ids]
