"""What the overview reads. Sums of money are sums of day totals, so that no gift is added up."""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, func, select

from donate.finance.overview.periods import Period
from donate.gifts.facts import Fact, FactKind
from donate.gifts.models import Gift
from donate.gifts.movements.models import Subject
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
    """How many months of pledges were paid in one month, such as 2026-03, and their sum."""

    month: str
    currency: str
    count: int
    received_minor: int


def movements_in(session: Session, period: Period, *, by: Sequence[str]) -> list[PeriodTotal]:
    """Return a period's totals of movements, grouped by these columns and then by kind."""
    days = TotalFilter(Subject.MOVEMENT, period.first_day, period.last_day)
    return add_up(session, days, by=(*by, "kind"))


def gifts_started(session: Session, period: Period) -> list[PeriodTotal]:
    """Return how many gifts were started in a period, by mode and by the status they have now."""
    days = TotalFilter(Subject.GIFT, period.first_day, period.last_day)
    return add_up(session, days, by=("mode", "kind"))


def awaited_by_hand(session: Session, period: Period) -> list[PeriodTotal]:
    """Return the awaited gifts that staff will see arrive, by day started and by mode.

    They are read from the totals of days, so no gift is counted.
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
    """Return the paid months of pledges since `first_day`, by the month their money came.

    The totals of days do not tell monthly gifts from others. The index `gift_paid_months` holds
    only monthly gifts, and every column that is read here.
    """
    day, currency = col(Gift.received_on), col(Gift.currency)
    statement = (
        select(day, currency, func.count(), func.sum(col(Gift.received_minor)))
        .where(col(Gift.pledge_id).is_not(None), day >= first_day)
        # The index has this order, so that nothing has to be sorted.
        .group_by(day, currency)
        .order_by(day, currency)
    )
    counts: Counter[tuple[str, str]] = Counter()
    sums: Counter[tuple[str, str]] = Counter()
    for received_on, paid_in, count, received_minor in session.exec(statement):
        month = f"{received_on:%Y-%m}", paid_in
        counts[month] += count
        # PostgreSQL sums a BIGINT column as NUMERIC, so convert the sum with int().
        sums[month] += int(received_minor)
    return [PaidMonths(*month, count, sums[month]) for month, count in counts.items()]


def gifts_with_disputes(
    session: Session, gift_ids: Sequence[uuid.UUID]
) -> list[tuple[Gift, list[Fact]]]:
    """Return these gifts in the same order, each with its facts about inquiries and disputes."""
    if not gift_ids:
        return []
    facts = facts_of_kinds(session, gift_ids, _ABOUT_DISPUTES)
    gifts = {gift.id: gift for gift in session.exec(select(Gift).where(col(Gift.id).in_(gift_ids)))}
    return [(gifts[gift_id], facts[gift_id]) for gift_id in gift_ids]
