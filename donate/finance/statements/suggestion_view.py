"""The matcher's suggestions for a line as the page shows them: each with its gifts and reasons."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from donate.bank.matching.suggestions import Reason, SuggestedPart, TiePayout, TieTransfer
from donate.bank.reconciliation.suggesting import StoredSuggestion, read_suggestions
from donate.bank.statements.models import RecordedLine
from donate.gifts.models import Donor, Gift
from donate.gifts.queries import donor_of
from donate.money import Money


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A part of a suggestion, with its gift and donor, or with the id of its payout."""

    amount: Money
    gift: Gift | None
    donor: Donor | None
    payout_id: int | None
    was_marked: bool


@dataclass(frozen=True, slots=True)
class ShownSuggestion:
    """A suggestion with its reasons.

    `has_changed` says whether one of its gifts has changed since the suggestion was made.
    """

    key: str
    parts: Sequence[ShownPart]
    reasons: Sequence[Reason]
    has_changed: bool

    @property
    def total(self) -> Money:
        """The sum of the parts."""
        return self.parts[0].amount.part(sum(part.amount.amount_minor for part in self.parts))


def shown_suggestions(session: Session, line: RecordedLine) -> list[ShownSuggestion]:
    """Return the suggestions that are stored with a line, the best one first."""
    return [
        ShownSuggestion(
            stored.key,
            [_shown_part(session, part) for part in stored.suggestion.parts],
            stored.suggestion.reasons,
            _has_changed(session, stored),
        )
        for stored in read_suggestions(line)
    ]


def _shown_part(session: Session, part: SuggestedPart) -> ShownPart:
    if isinstance(part, TiePayout):
        return ShownPart(part.amount, None, None, part.payout_id, was_marked=False)
    gift = session.get_one(Gift, part.gift_id)
    was_marked = isinstance(part, TieTransfer)
    return ShownPart(part.amount, gift, donor_of(session, gift), None, was_marked=was_marked)


def _has_changed(session: Session, stored: StoredSuggestion) -> bool:
    return any(
        session.get_one(Gift, gift_id).net_minor != received
        for gift_id, received in stored.received.items()
    )
