"""Sentences for staff about a monthly gift: its state at Stripe, and when and why it ends."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from babel.dates import format_date
from sqlmodel import Session

from donate.clock import local_date
from donate.finance.words import LANGUAGE
from donate.gifts.models import Gift
from donate.gifts.pledges import EndReason, Pledge, PledgeState, pledge_of
from donate.gifts.queries import months_of, paid_replacement, plain_facts_of
from donate.gifts.status import StatusName

_STATES: Final[Mapping[PledgeState, str]] = {
    PledgeState.NOT_BEGUN: "Not started yet. The first month isn’t paid.",
    PledgeState.ACTIVE: "Stripe collects it every month.",
    PledgeState.NOT_CHARGED_YET: "In a trial period at Stripe. Nothing is collected yet.",
    PledgeState.PAUSED: "Paused. Nothing is collected until the donor resumes.",
    PledgeState.ON_HOLD: "Paused by Stripe because no payment method is saved. Once the donor has "
    "added one, resume it in the Stripe Dashboard.",
    PledgeState.PAST_DUE: "The last payment failed. Stripe may try again.",
    PledgeState.UNPAID: "Payments failed, and Stripe has stopped trying. Once the donor has "
    "another payment method, collect the open invoices in the Stripe Dashboard.",
    PledgeState.ENDED: "Ended.",
}
_ALL_GIVEN: Final = (
    "A payment failed, and the donor gave that month another way. Stripe collects the next month."
)
_REASONS: Final[Mapping[EndReason, str]] = {
    EndReason.PAYMENT_FAILED: "Stripe ended it because payments failed.",
    EndReason.PAYMENT_DISPUTED: "Stripe ended it because a payment was disputed.",
}


def pledge_details(session: Session, gift: Gift) -> str:
    """Describe the pledge that the gift belongs to. Returns "" for a one-time gift."""
    if gift.pledge_id is None:
        return ""
    first = session.get_one(Gift, gift.pledge_id)
    facts = plain_facts_of(session, first.id)
    failed = [month for month in months_of(session, first.id) if month.status == StatusName.FAILED]
    all_given = bool(failed) and all(paid_replacement(session, month) for month in failed)
    return _sentences(pledge_of(facts, first.amount), first.time_zone, all_given=all_given)


def _sentences(pledge: Pledge, time_zone: str, *, all_given: bool) -> str:
    if pledge.state is PledgeState.UNKNOWN:
        return (
            f"Stripe calls its status “{pledge.status}”, which this service doesn’t recognize. "
            "Check the subscription in the Stripe Dashboard."
        )
    sentences = [_STATES[pledge.state]]
    if all_given and pledge.state is PledgeState.PAST_DUE:
        sentences = [_ALL_GIVEN]
    if pledge.end_reason:
        sentences = [_REASONS[pledge.end_reason]]
    if pledge.ended_at:
        sentences.append(f"Ended on {_day(pledge.ended_at, time_zone)}.")
    if pledge.ends_at:
        sentences.append(f"Ends on {_day(pledge.ends_at, time_zone)}.")
    elif pledge.is_ending:
        sentences.append("Ends with the current month.")
    return " ".join(sentences)


def _day(moment: datetime, time_zone: str) -> str:
    locale = LANGUAGE.replace("-", "_")
    return format_date(local_date(moment, time_zone), format="long", locale=locale)
