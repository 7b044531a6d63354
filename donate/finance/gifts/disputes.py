"""Sentences for staff about a gift's disputes: whether to answer in Stripe, and by when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from donate.clock import local_date
from donate.errors import N_
from donate.gifts.disputes import Dispute, DisputeState, disputes_of
from donate.gifts.facts import Fact
from donate.gifts.models import Gift
from donate.money import Money
from donate.stripe_gateway.dashboard import Dashboard
from donate.web.templating import Localizer

_TO_ANSWER: Final = {
    DisputeState.INQUIRY: (
        N_(
            "The donor’s bank has sent an inquiry about this payment. Answer it in Stripe, or "
            "refund the gift."
        ),
        N_(
            "The donor’s bank has sent an inquiry about this payment. Answer it in Stripe by "
            "%(day)s, or refund the gift."
        ),
    ),
    DisputeState.OPEN: (
        N_(
            "The donor’s bank has disputed this payment and taken the money. To recover it, "
            "answer in Stripe."
        ),
        N_(
            "The donor’s bank has disputed this payment and taken the money. To recover it, "
            "answer in Stripe by %(day)s."
        ),
    ),
}
"""For each state in which staff have to answer: the sentence without a deadline, and with one."""
_ANSWERED: Final = N_(
    "The donor’s bank has sent an inquiry about this payment. It is reviewing our answer."
)


# The reasons that Stripe gives: https://docs.stripe.com/api/disputes/object#dispute_object-reason
_REASONS: Final = {
    "bank_cannot_process": N_("the bank cannot process the payment"),
    "check_returned": N_("the cheque was returned"),
    "credit_not_processed": N_("the donor expected a refund"),
    "customer_initiated": N_("the donor asked their bank to take the money back"),
    "debit_not_authorized": N_("the donor says they did not authorize the debit"),
    "duplicate": N_("the donor was charged more than once"),
    "fraudulent": N_("the donor says they did not make this payment"),
    "general": N_("the bank gave no particular reason"),
    "incorrect_account_details": N_("the account details were wrong"),
    "insufficient_funds": N_("there was not enough money in the account"),
    "noncompliant": N_("the payment broke a rule of the card network"),
    "product_not_received": N_("the donor says they did not receive anything"),
    "product_unacceptable": N_("the donor says they received something other than described"),
    "subscription_canceled": N_("the donor says they had cancelled the monthly gift"),
    "unrecognized": N_("the donor does not recognize the payment"),
}


@dataclass(frozen=True, slots=True)
class DisputeNotice:
    """An open inquiry or dispute in the form in which a gift's page shows it to staff."""

    sentence: str
    reason: str
    due_by: datetime | None
    held: Money | None
    dispute_id: str
    in_stripe: str
    """The address in Stripe's Dashboard where staff answer; empty if there is none."""


def dispute_sentences(gift: Gift, facts: Sequence[Fact], language: str) -> list[str]:
    """Return a sentence about each open inquiry or dispute, which says what staff should do."""
    return [notice.sentence for notice in dispute_notices(gift, facts, language, None)]


def dispute_notices(
    gift: Gift, facts: Sequence[Fact], language: str, dashboard: Dashboard | None
) -> list[DisputeNotice]:
    """Return a notice about each open inquiry or dispute, which says what staff should do."""
    _ = Localizer(language)
    return [
        DisputeNotice(
            sentence=sentence,
            reason=_reason(dispute.fact.reason, _),
            due_by=dispute.due_by if dispute.state in _TO_ANSWER else None,
            held=Money(dispute.amount_minor, gift.currency) if dispute.has_money else None,
            dispute_id=dispute.id,
            in_stripe=dashboard.address_of(dispute.id) if dashboard else "",
        )
        for dispute in disputes_of(facts)
        if (sentence := _sentence(gift, dispute, _))
    ]


def _reason(code: str, _: Localizer) -> str:
    """Return the reason for a dispute as text.

    A reason that this service does not know is shown under Stripe's own name for it.
    """
    return _(_REASONS[code]) if code in _REASONS else code


def _sentence(gift: Gift, dispute: Dispute, _: Localizer) -> str:
    if dispute.state == DisputeState.ANSWERED:
        return _(_ANSWERED)
    undated, dated = _TO_ANSWER.get(dispute.state, ("", ""))
    if undated and dispute.due_by:
        return _(dated, day=_.day(local_date(dispute.due_by, gift.time_zone)))
    return _(undated) if undated else ""
