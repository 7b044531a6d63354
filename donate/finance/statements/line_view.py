"""What the pages of bank lines show: suggestions, parts, and gifts that staff searched for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session

from donate.bank.matching.inputs import BankLine, MarkedTransfer
from donate.bank.matching.suggestions import (
    Reason,
    SuggestedPart,
    TiePayout,
    TieTopUp,
    TieTransfer,
)
from donate.bank.matching.unidentified import why_nothing_fits
from donate.bank.received_transfers import transfers_in_force
from donate.bank.reconciliation.models import LinePart, PartKind
from donate.bank.reconciliation.suggesting import StoredSuggestion, read_suggestions
from donate.bank.sent_back import left_to_send_back
from donate.bank.statements.models import RecordedLine
from donate.clock import local_date
from donate.errors import N_
from donate.finance.search.queries import gifts_with_donors
from donate.finance.statements.words import move_name
from donate.gifts.models import Donor, Gift
from donate.gifts.queries import donor_of, facts_of, gift_by_id
from donate.money import Money
from donate.stripe_gateway.balance.models import StripePayout

_NOT_COMPARED: Final = Reason(N_("This line has not been compared with gifts and payouts yet."))


@dataclass(frozen=True, slots=True)
class ShownPart:
    """What a suggestion says about the line's amount, or about a part of it.

    It belongs to a gift, or Stripe moved it: then `gift` and `donor` are None, and `moved` says, as
    a msgid, whether it was a payout or a top-up. `was_marked` says whether staff already marked the
    transfer as received.
    """

    amount: Money
    gift: Gift | None
    donor: Donor | None
    moved: str
    was_marked: bool


@dataclass(frozen=True, slots=True)
class ShownSuggestion:
    """A suggestion with its reasons.

    `has_changed` says whether the net amount of one of its gifts has changed since the suggestion
    was made.
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


def why_nothing(line: RecordedLine, codes: Collection[str]) -> Reason:
    """Return the reason why a line has no suggestion."""
    if line.band is None:
        return _NOT_COMPARED
    assert line.id is not None
    money = line.amount, line.open_amount
    compared = BankLine(line.id, line.day, *money, line.text, line.bank_reference)
    return why_nothing_fits(compared, codes)


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
    match part:
        case TiePayout():
            moved = move_name(PartKind.PAYOUT, is_return=part.is_return)
            return ShownPart(part.amount, None, None, moved, was_marked=False)
        case TieTopUp():
            moved = move_name(PartKind.TOP_UP)
            return ShownPart(part.amount, None, None, moved, was_marked=False)
    was_marked = isinstance(part, TieTransfer)
    return ShownPart(part.amount, *gifts[part.gift_id], "", was_marked=was_marked)


@dataclass(frozen=True, slots=True)
class ReturnableTransfer:
    """A transfer that staff have not undone, and the amount of it that was not sent back yet."""

    source_id: str
    day: date
    bank_reference: str
    left: Money


@dataclass(frozen=True, slots=True)
class FoundGift:
    """A gift that staff searched for, with those of its transfers that a bank line may be about.

    `marked` are the transfers that staff marked as received on the gift's page and that are not
    tied to a bank line yet. `returnable` are the transfers that were not sent back completely.
    """

    gift: Gift
    donor: Donor
    marked: Sequence[MarkedTransfer]
    returnable: Sequence[ReturnableTransfer]

    @property
    def missing(self) -> Money:
        """The chosen amount of the gift, less its net amount."""
        return Money(self.gift.amount_minor - self.gift.net_minor, self.gift.currency)


def returnable_transfers(session: Session, gift: Gift) -> list[ReturnableTransfer]:
    """Return the gift's transfers that were not sent back to the donor, or only partly."""
    facts = facts_of(session, gift.id)
    found = [
        ReturnableTransfer(
            fact.source_id,
            local_date(fact.happened_at, gift.time_zone),
            fact.as_fact().bank_reference,
            left_to_send_back(facts, fact),
        )
        for fact in transfers_in_force(facts)
    ]
    return [transfer for transfer in found if transfer.left.amount_minor > 0]


def shown_part(session: Session, part: LinePart, line: RecordedLine) -> dict[str, Any]:
    """Return what the page shows about a recorded part of a line's amount.

    That is its amount, and either the gift and the donor or the payout that it belongs to. `moved`
    is the msgid of what Stripe moved, such as a payout.
    """
    gift = gift_by_id(session, part.gift_id) if part.gift_id else None
    return {
        "part": part,
        "amount": Money(part.amount_minor, line.currency),
        "gift": gift,
        "donor": donor_of(session, gift) if gift else None,
        "payout": session.get(StripePayout, part.payout_id) if part.payout_id else None,
        "moved": move_name(part.kind, is_return=part.is_return),
    }
