"""The gifts that need a decision by staff: disputes, inquiries, and failed refunds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlmodel import Session

from donate.clock import local_date
from donate.errors import N_
from donate.finance.gifts.disputes import dispute_sentences
from donate.finance.notices import MOST_COUNTED
from donate.finance.overview.queries import gifts_with_disputes
from donate.gifts.disputes import DisputeState, disputes_of
from donate.gifts.facts import Fact
from donate.gifts.models import Gift
from donate.gifts.queries import disputed_gifts, gifts_with_failed_refunds, gifts_with_inquiries
from donate.web.templating import translate

REFUND_FAILED: Final = N_("The refund failed. The money came back to us.")
# The page lists at most this many gifts, those with the earliest deadlines. It looks at more gifts
# to find them.
MOST_NAMED: Final = 20
_MOST_CONSIDERED: Final = 200
_TO_ANSWER: Final = frozenset({DisputeState.INQUIRY, DisputeState.OPEN})


@dataclass(frozen=True, slots=True)
class GiftDecision:
    """A gift that needs a decision, what staff should do, and the deadline if there is one."""

    gift: Gift
    sentence: str
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class GiftDecisions:
    """The gifts that need a decision, earliest deadline first.

    `more` is the number of gifts that are not listed. `with_the_bank` is the number of disputes
    whose deadline has passed, so that only the bank can still decide them.
    """

    named: Sequence[GiftDecision]
    more: int
    with_the_bank: int


def gift_decisions(session: Session, now: datetime, language: str) -> GiftDecisions:
    """Return the gifts about which staff have to decide now."""
    about_disputes = [
        *gifts_with_inquiries(session, most=MOST_COUNTED),
        *disputed_gifts(session, most=MOST_COUNTED),
    ]
    # Remove duplicates: a gift may have an inquiry about one payment and a dispute about another.
    considered = list(dict.fromkeys(about_disputes))[:_MOST_CONSIDERED]
    waiting: list[tuple[datetime | None, Gift, list[Fact]]] = []
    with_the_bank = 0
    for gift, facts in gifts_with_disputes(session, considered):
        deadlines = [one.due_by for one in disputes_of(facts) if one.state in _TO_ANSWER]
        still_open = [due_by for due_by in deadlines if due_by is None or due_by >= now]
        if still_open:
            waiting.append((min(filter(None, still_open), default=None), gift, facts))
        else:
            with_the_bank += 1
    waiting.sort(key=lambda one: (one[0] is None, one[0] or now))
    decisions = [
        GiftDecision(
            gift,
            " ".join(dispute_sentences(gift, facts, language)),
            local_date(due_by, gift.time_zone) if due_by else None,
        )
        for due_by, gift, facts in waiting
    ]
    failed = list(dict.fromkeys(gifts_with_failed_refunds(session, most=MOST_COUNTED)))
    decisions += [
        GiftDecision(gift, translate(language, REFUND_FAILED))
        for gift, _ in gifts_with_disputes(session, failed[:MOST_NAMED])
    ]
    everything = len(decisions) + max(0, len(failed) - MOST_NAMED)
    everything += max(0, len(dict.fromkeys(about_disputes)) - _MOST_CONSIDERED)
    named = decisions[:MOST_NAMED]
    return GiftDecisions(named, more=everything - len(named), with_the_bank=with_the_bank)
