"""Sentences for staff about a gift's disputes: whether to answer in Stripe, and by when."""

from collections.abc import Sequence
from typing import Final

from babel.dates import format_date

from donate.clock import local_date
from donate.finance.words import LANGUAGE
from donate.gifts.disputes import Dispute, DisputeState, disputes_of
from donate.gifts.facts import Fact
from donate.gifts.models import Gift

_INQUIRY: Final = "The donor’s bank has sent an inquiry about this payment."


def dispute_sentences(gift: Gift, facts: Sequence[Fact]) -> list[str]:
    """Return a sentence about each open inquiry or dispute. It says what staff should do."""
    sentences = (_sentence(gift, dispute) for dispute in disputes_of(facts))
    return [sentence for sentence in sentences if sentence]


def _sentence(gift: Gift, dispute: Dispute) -> str:
    match dispute.state:
        case DisputeState.INQUIRY:
            answer = f"Answer it in Stripe{_by(gift, dispute)}, or refund the gift."
            return f"{_INQUIRY} {answer}"
        case DisputeState.ANSWERED:
            return f"{_INQUIRY} It is reviewing our answer."
        case DisputeState.OPEN:
            return (
                "The donor’s bank has disputed this payment and taken the money. To recover it, "
                f"answer in Stripe{_by(gift, dispute)}."
            )
        case DisputeState.CLOSED | DisputeState.WON | DisputeState.LOST:
            return ""


def _by(gift: Gift, dispute: Dispute) -> str:
    if dispute.due_by is None:
        return ""
    day = local_date(dispute.due_by, gift.time_zone)
    return f" by {format_date(day, 'long', locale=LANGUAGE.replace('-', '_'))}"
