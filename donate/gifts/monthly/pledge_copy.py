"""The columns of a pledge's row, computed from the facts of its first gift. Pure functions."""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from donate.clock import local_date
from donate.gifts.facts import Fact, FactKind
from donate.gifts.monthly.pledge_state import Pledge, PledgeState, pledge_of
from donate.gifts.status import StatusName
from donate.money import Money


class PledgeStage(StrEnum):
    """The stages of a pledge, in the order of the staff's list: those that need care come first."""

    PAST_DUE = "past_due"  # The last payment failed; Stripe may try again.
    UNPAID = "unpaid"  # Payments failed, and Stripe has stopped trying.
    ON_HOLD = "on_hold"  # Stripe has no payment method.
    UNKNOWN = "unknown"  # Stripe has set a status that this code does not know.
    AWAITS_BANK = "awaits_bank"  # The bank has not yet confirmed the first debit.
    PAUSED = "paused"
    ENDING = "ending"  # Stripe will stop collecting on a date or after the current month.
    ACTIVE = "active"
    NOT_CHARGED_YET = "not_charged_yet"  # Stripe has set a trial period.
    ENDED = "ended"
    NOT_BEGUN = "not_begun"  # The donor has opened the pledge, but nothing was paid yet.


_BY_STATE: Final = {
    PledgeState.NOT_BEGUN: PledgeStage.NOT_BEGUN,
    PledgeState.ACTIVE: PledgeStage.ACTIVE,
    PledgeState.NOT_CHARGED_YET: PledgeStage.NOT_CHARGED_YET,
    PledgeState.PAUSED: PledgeStage.PAUSED,
    PledgeState.ON_HOLD: PledgeStage.ON_HOLD,
    PledgeState.PAST_DUE: PledgeStage.PAST_DUE,
    PledgeState.UNPAID: PledgeStage.UNPAID,
    PledgeState.UNKNOWN: PledgeStage.UNKNOWN,
    PledgeState.ENDED: PledgeStage.ENDED,
}
# In these states, Stripe will collect another monthly payment, unless the pledge ends first.
_COLLECTED: Final = (
    PledgeState.ACTIVE,
    PledgeState.NOT_CHARGED_YET,
    PledgeState.PAST_DUE,
    PledgeState.PAUSED,
)


@dataclass(frozen=True, slots=True)
class PledgeCopy:
    """The columns of a pledge's row that can change. Dates are in the region's time zone.

    `next_on` is the day when the next monthly payment is due. It is None if no further payment will
    be collected, or none until somebody resumes the pledge.
    """

    stage: PledgeStage
    amount_minor: int
    next_on: date | None
    resumes_on: date | None
    ends_on: date | None


def copy_of_pledge(
    facts: Iterable[Fact], chosen: Money, time_zone: str, status: StatusName
) -> PledgeCopy:
    """Return the columns of a pledge that can change, given its first gift's facts and status."""
    facts = list(facts)
    pledge = pledge_of(facts, chosen)

    def day(moment: datetime | None) -> date | None:
        return local_date(moment, time_zone) if moment else None

    return PledgeCopy(
        stage=_stage(pledge, status),
        amount_minor=pledge.each_month.amount_minor,
        next_on=day(_next_month(pledge, facts)),
        resumes_on=day(pledge.resumes_at),
        ends_on=day(pledge.ended_at or pledge.ends_at),
    )


def _stage(pledge: Pledge, status: StatusName) -> PledgeStage:
    waits = pledge.state in (PledgeState.NOT_BEGUN, PledgeState.ACTIVE)
    if waits and status is StatusName.PROCESSING:
        return PledgeStage.AWAITS_BANK
    if pledge.state is PledgeState.ACTIVE and pledge.is_ending:
        return PledgeStage.ENDING
    return _BY_STATE[pledge.state]


def _next_month(pledge: Pledge, facts: Iterable[Fact]) -> datetime | None:
    """Return the time when Stripe collects the next monthly payment; None if it will not."""
    paused = pledge.state is PledgeState.PAUSED
    if pledge.state not in _COLLECTED or (paused and pledge.resumes_at is None):
        return None
    next_at = pledge.month_ends_at or _next_anniversary(facts)
    if next_at and pledge.resumes_at:
        next_at = monthly_from(next_at, pledge.resumes_at)
    if next_at is None or (pledge.is_ending and (pledge.ends_at or next_at) <= next_at):
        return None
    return next_at


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
