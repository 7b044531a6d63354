"""The columns of a pledge's row, computed from the facts of its first gift. Pure functions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from donate.clock import local_date
from donate.gifts.facts import Fact
from donate.gifts.monthly.pledge_state import Pledge, PledgeState, pledge_of
from donate.gifts.monthly.schedule import next_collection
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
    """Return the columns of a pledge that can change, from its first gift's facts and status.

    `chosen` is the monthly amount that the donor chose when the pledge began.
    """
    facts = list(facts)
    pledge = pledge_of(facts, chosen)

    def day(moment: datetime | None) -> date | None:
        return local_date(moment, time_zone) if moment else None

    return PledgeCopy(
        stage=_stage(pledge, status),
        amount_minor=pledge.each_month.amount_minor,
        next_on=day(next_collection(pledge, facts)),
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
