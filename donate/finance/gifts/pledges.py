"""Sentences for staff about a monthly gift: its state at Stripe, and when and why it ends."""

from collections.abc import Mapping
from typing import Final

from sqlmodel import Session

from donate.clock import local_date
from donate.errors import N_
from donate.gifts.models import Gift
from donate.gifts.monthly.pledge_state import EndReason, Pledge, PledgeState, pledge_of
from donate.gifts.queries import months_of, paid_replacement, plain_facts_of
from donate.gifts.status import StatusName
from donate.web.templating import Localizer

_STATES: Final[Mapping[PledgeState, str]] = {
    PledgeState.NOT_BEGUN: N_("Not started yet. The first month isn’t paid."),
    PledgeState.ACTIVE: N_("Stripe collects it every month."),
    PledgeState.NOT_CHARGED_YET: N_("In a trial period at Stripe. Nothing is collected yet."),
    PledgeState.PAUSED: N_("Paused. Nothing is collected until somebody resumes it."),
    PledgeState.ON_HOLD: N_(
        "Paused by Stripe because no payment method is saved. Once the donor has added one, resume "
        "it in the Stripe Dashboard."
    ),
    PledgeState.PAST_DUE: N_("The last payment failed. Stripe may try again."),
    PledgeState.UNPAID: N_(
        "Payments failed, and Stripe has stopped trying. Once the donor has another payment "
        "method, collect the open invoices in the Stripe Dashboard."
    ),
    PledgeState.ENDED: N_("Ended."),
}
_UNKNOWN: Final = N_(
    "Stripe reports the status “%(status)s”, which this service doesn’t recognize. Check the "
    "subscription in the Stripe Dashboard."
)
_ALL_GIVEN: Final = N_(
    "A payment failed, and the donor has since made that gift another way. Stripe will collect "
    "the next one."
)
_REASONS: Final[Mapping[EndReason, str]] = {
    EndReason.PAYMENT_FAILED: N_("Stripe ended it because payments failed."),
    EndReason.PAYMENT_DISPUTED: N_("Stripe ended it because a payment was disputed."),
}


_PAUSED_UNTIL: Final = N_("Paused until %(day)s. Stripe collects the first month from that day on.")


def pledge_details(session: Session, gift: Gift, language: str) -> str:
    """Return sentences about the state of the pledge of a gift; "" for a one-time gift."""
    if gift.pledge_id is None:
        return ""
    first = session.get_one(Gift, gift.pledge_id)
    facts = plain_facts_of(session, first.id)
    failed = [month for month in months_of(session, first.id) if month.status == StatusName.FAILED]
    all_given = bool(failed) and all(paid_replacement(session, month) for month in failed)
    pledge = pledge_of(facts, first.amount)
    return _sentences(pledge, first.time_zone, Localizer(language), all_given=all_given)


def _sentences(pledge: Pledge, time_zone: str, _: Localizer, *, all_given: bool) -> str:
    if pledge.state is PledgeState.UNKNOWN:
        return _(_UNKNOWN, status=pledge.status)
    sentences = [_(_STATES[pledge.state])]
    if all_given and pledge.state is PledgeState.PAST_DUE:
        sentences = [_(_ALL_GIVEN)]
    if pledge.end_reason:
        sentences = [_(_REASONS[pledge.end_reason])]
    if pledge.resumes_at:
        day = _.day(local_date(pledge.resumes_at, time_zone))
        sentences = [_(_PAUSED_UNTIL, day=day)]
    if pledge.ended_at:
        sentences.append(_("Ended on %(day)s.", day=_.day(local_date(pledge.ended_at, time_zone))))
    if pledge.ends_at:
        sentences.append(_("Ends on %(day)s.", day=_.day(local_date(pledge.ends_at, time_zone))))
    elif pledge.is_ending:
        sentences.append(_("Ends with the current month."))
    return " ".join(sentences)
