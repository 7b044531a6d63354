"""The matcher's suggestions for a line as the page shows them: each with its gifts and reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from donate.bank.matching.suggestions import Reason, SuggestedPart, TiePayout, TieTransfer
from donate.bank.reconciliation.suggesting import StoredSuggestion, read_suggestions
from donate.bank.statements.models import RecordedLine
from donate.finance.search.queries import gifts_with_donors
from donate.gifts.models import Donor, Gift
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
    return _shown(session, read_suggestions(line))


def best_suggestions(session: Session, lines: Sequence[RecordedLine]) -> list[ShownSuggestion]:
    """Return the best suggestion of each line. Each line must have one."""
    return _shown(session, [read_suggestions(line)[0] for line in lines])


def _shown(session: Session, suggestions: Sequence[StoredSuggestion]) -> list[ShownSuggestion]:
    wanted = {gift_id for stored in suggestions for gift_id in stored.received}
    gifts = gifts_with_donors(session, wanted)
    return [
        ShownSuggestion(
            stored.key,
            [_shown_part(part, gifts) for part in stored.suggestion.parts],
            stored.suggestion.reasons,
            has_changed=any(
                gifts[gift_id][0].net_minor != received
                for gift_id, received in stored.received.items()
            ),
        )
        for stored in suggestions
    ]


def _shown_part(part: SuggestedPart, gifts: Mapping[UUID, tuple[Gift, Donor]]) -> ShownPart:
    if isinstance(part, TiePayout):
        return ShownPart(part.amount, None, None, part.payout_id, was_marked=False)
    was_marked = isinstance(part, TieTransfer)
    return ShownPart(part.amount, *gifts[part.gift_id], None, was_marked=was_marked)
