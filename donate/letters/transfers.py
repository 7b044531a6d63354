"""What donors are told of transfers that staff mark by hand.

Staff can take a transfer back, so an e-mail about one waits until nobody has touched the gift's
transfers for `WAIT`. Each such letter keeps the newest fact that it knew of. What donors were told
follows from that, and a letter that told too much is followed by a correction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, select

from donate.gifts.facts import FactKind
from donate.gifts.models import GiftFact
from donate.gifts.queries import facts_of
from donate.gifts.status import status_of
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, LetterState

# Long enough to notice a mistyped amount, short enough for a donor who waits for the thank-you.
WAIT: Final = timedelta(minutes=10)
# Letters that say how much has arrived.
ARRIVAL_KINDS: Final = (LetterKind.THANK_YOU, LetterKind.CORRECTION)
# Letters whose truth follows from transfers.
TRANSFER_KINDS: Final = (*ARRIVAL_KINDS, LetterKind.INSTRUCTIONS, LetterKind.REMINDER)


@dataclass(frozen=True, slots=True)
class Transfers:
    """The transfers of a gift, and what the donor was told of them before a letter."""

    knew: int
    """The newest fact of the gift."""
    touched_at: datetime
    """When staff last marked a transfer, or took one back."""
    in_force: frozenset[str]
    arrived_minor: int
    was_told: bool
    """Whether a letter said that something had arrived."""
    told_minor: int
    """What the last of those letters said; nothing when there was none."""
    is_more_to_tell: bool
    """Whether a transfer came that no letter has told of."""
    is_wrong: bool
    """Whether something was taken back that a letter told of."""

    def is_thanked(self, occasion: str) -> bool:
        """Tell whether a thank-you for this transfer would be wrong, or would say nothing new."""
        taken_back = bool(occasion) and occasion not in self.in_force
        return taken_back or self.told_minor == self.arrived_minor

    @property
    def is_to_be_corrected(self) -> bool:
        """Whether the donor was told of too much, and no thank-you is going to say so."""
        return self.told_minor > self.arrived_minor and not self.is_more_to_tell


def transfers_about(session: Session, letter: Letter) -> Transfers | None:
    """Return the transfers of the gift that a letter is about; None when it has none."""
    if letter.kind not in TRANSFER_KINDS:
        return None
    # Read the facts first: a letter may then use newer facts than `knew` says, never older ones.
    facts = sorted(facts_of(session, letter.gift_id), key=lambda fact: fact.id or 0)
    touches = [f for f in facts if f.kind in (FactKind.TRANSFER_RECEIVED, FactKind.TRANSFER_UNDONE)]
    if not touches:
        return None
    heard = _knew_before(session, letter)
    told = [fact for fact in facts if heard is not None and (fact.id or 0) <= heard]
    told_of, in_force = _in_force(told), _in_force(facts)
    return Transfers(
        knew=facts[-1].id or 0,
        touched_at=max(fact.recorded_at for fact in touches),
        in_force=in_force,
        arrived_minor=_received(facts),
        was_told=heard is not None,
        told_minor=_received(told),
        is_more_to_tell=any(f.source_id in in_force for f in touches if f not in told),
        is_wrong=not told_of <= in_force,
    )


def _knew_before(session: Session, letter: Letter) -> int | None:
    """Return the newest fact that the donor was told of before this letter."""
    telling = session.exec(
        select(Letter).where(
            Letter.gift_id == letter.gift_id,
            col(Letter.kind).in_(ARRIVAL_KINDS),
            col(Letter.knew).is_not(None),
        )
    ).all()
    own = [x.knew for x in telling if (x.kind, x.occasion) == (letter.kind, letter.occasion)]
    until = min((knew for knew in own if knew is not None), default=None)
    others = [x.knew for x in telling if x.knew is not None and x.knew not in own]
    return max((knew for knew in others if until is None or knew < until), default=None)


def _in_force(facts: Sequence[GiftFact]) -> frozenset[str]:
    def named(kind: FactKind) -> frozenset[str]:
        return frozenset(fact.source_id for fact in facts if fact.kind == kind)

    return named(FactKind.TRANSFER_RECEIVED) - named(FactKind.TRANSFER_UNDONE)


def _received(facts: Sequence[GiftFact]) -> int:
    return status_of(fact.as_fact() for fact in facts).received_minor


def stop_thanks(session: Session, fact: GiftFact) -> None:
    """Drop the letters that wait to thank for a transfer which was taken back.

    Skips letters that the outbox has locked; it asks once more before it hands one over.
    """
    waiting = select(Letter).where(
        Letter.gift_id == fact.gift_id,
        Letter.kind == LetterKind.THANK_YOU,
        Letter.occasion == fact.source_id,
        Letter.state == LetterState.WAITING,
    )
    for letter in session.exec(waiting.with_for_update(skip_locked=True)):
        letter.state = LetterState.UNTRUE
        letter.reason = "The transfer was taken back."
