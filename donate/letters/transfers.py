"""Decides what e-mails say about transfers that staff marked as received.

Staff can undo a transfer. So an e-mail about it waits until the gift's transfers have not changed
for the time `WAIT`. Each such e-mail stores the id of the newest fact that it took into account
(`knew`), so that later e-mails can tell what it said. If it stated too much, a correction follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, select

from donate.gifts.facts import FactKind
from donate.gifts.models import Gift, GiftFact, plain_facts
from donate.gifts.queries import facts_of
from donate.gifts.status import status_of
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, LetterState
from donate.regions.modes import BY_HAND

# How long e-mails about a transfer wait. Staff notice a typing error within this time, and a donor
# can wait this long for the thank-you.
WAIT: Final = timedelta(minutes=10)
# The kinds of e-mail that state how much has arrived.
ARRIVAL_KINDS: Final = (LetterKind.THANK_YOU, LetterKind.CORRECTION)
# The kinds of e-mail that say that a transfer was sent back, and that it was not.
RETURN_KINDS: Final = (LetterKind.REFUND, LetterKind.NOT_SENT_BACK)
# The kinds of e-mail that depend on transfers.
TRANSFER_KINDS: Final = (*ARRIVAL_KINDS, LetterKind.INSTRUCTIONS, LetterKind.REMINDER)


@dataclass(frozen=True, slots=True)
class Transfers:
    """The transfers of a gift, and what earlier e-mails stated about them."""

    knew: int
    """The id of the gift's newest fact that was read."""
    touched_at: datetime
    """The time at which staff last marked or undid a transfer."""
    in_force: frozenset[str]
    arrived_minor: int
    was_stated: bool
    """Whether an earlier e-mail said that money had arrived."""
    stated_minor: int
    """The amount that the last of these e-mails stated; 0 if there was none."""
    has_unmentioned: bool
    """Whether there is a transfer that no e-mail has mentioned."""
    is_overstated: bool
    """Whether staff undid a transfer that an e-mail had mentioned."""

    def makes_thanks_redundant(self, occasion: str) -> bool:
        """Whether a thank-you would repeat an earlier e-mail, or is about an undone transfer."""
        is_undone = bool(occasion) and occasion not in self.in_force
        return is_undone or self.stated_minor == self.arrived_minor

    @property
    def needs_correction(self) -> bool:
        """Whether an e-mail stated too much, and no later thank-you will state the right amount."""
        return self.stated_minor > self.arrived_minor and not self.has_unmentioned


def transfers_about(session: Session, letter: Letter) -> Transfers | None:
    """Return the transfers for an e-mail; None if its kind needs none or the gift has none."""
    if letter.kind not in TRANSFER_KINDS:
        return None
    # Read the facts before everything else, so that the e-mail takes into account at least the
    # facts up to `knew`.
    facts = sorted(facts_of(session, letter.gift_id), key=lambda fact: fact.id or 0)
    changes = [f for f in facts if f.kind in (FactKind.TRANSFER_RECEIVED, FactKind.TRANSFER_UNDONE)]
    if not changes:
        return None
    newest_included = _newest_included_fact(session, letter)
    included = [
        fact for fact in facts if newest_included is not None and (fact.id or 0) <= newest_included
    ]
    included_in_force, in_force = _in_force(included), _in_force(facts)
    return Transfers(
        knew=facts[-1].id or 0,
        touched_at=max(fact.recorded_at for fact in changes),
        in_force=in_force,
        arrived_minor=_received(facts),
        was_stated=newest_included is not None,
        stated_minor=_received(included),
        has_unmentioned=any(f.source_id in in_force for f in changes if f not in included),
        is_overstated=not included_in_force <= in_force,
    )


def is_return_known(session: Session, letter: Letter, gift: Gift) -> bool:
    """Whether an e-mail about a transfer that was sent back would tell the donor nothing new.

    If staff undo the bank line of a return and tie another line to it, one return replaces another
    of the same amount, and the donor need not hear of either.
    """
    if gift.mode not in BY_HAND or letter.kind not in RETURN_KINDS:
        return False
    facts = facts_of(session, gift.id)
    gone = {fact.source_id for fact in facts if fact.kind == FactKind.REFUND_FAILED}
    returns = {f.source_id: f.amount_minor for f in facts if f.kind == FactKind.REFUND_SUCCEEDED}
    amount = returns.get(letter.occasion)
    alike = {source for source, returned in returns.items() if returned == amount}
    told, corrected = (_told(session, gift, kind) & alike for kind in RETURN_KINDS)
    only_told = len(told & gone) - len(corrected)
    untold = len(alike - gone - told)
    return untold <= only_told if letter.kind is LetterKind.REFUND else only_told <= untold


def _told(session: Session, gift: Gift, kind: LetterKind) -> set[str]:
    """Return the occasions of the gift's e-mails of a kind that were sent."""
    statement = select(Letter.occasion).where(
        Letter.gift_id == gift.id, Letter.kind == kind, Letter.state == LetterState.SENT
    )
    return set(session.exec(statement))


def _newest_included_fact(session: Session, letter: Letter) -> int | None:
    """Return the id of the newest fact that an earlier e-mail took into account, or None."""
    letters = session.exec(
        select(Letter).where(
            Letter.gift_id == letter.gift_id,
            col(Letter.kind).in_(ARRIVAL_KINDS),
            col(Letter.knew).is_not(None),
        )
    ).all()
    own = [x.knew for x in letters if (x.kind, x.occasion) == (letter.kind, letter.occasion)]
    until = min((knew for knew in own if knew is not None), default=None)
    others = [x.knew for x in letters if x.knew is not None and x.knew not in own]
    return max((knew for knew in others if until is None or knew < until), default=None)


def _in_force(facts: Sequence[GiftFact]) -> frozenset[str]:
    def sources(kind: FactKind) -> frozenset[str]:
        return frozenset(fact.source_id for fact in facts if fact.kind == kind)

    return sources(FactKind.TRANSFER_RECEIVED) - sources(FactKind.TRANSFER_UNDONE)


def _received(facts: Sequence[GiftFact]) -> int:
    return status_of(plain_facts(facts)).received_minor


def stop_thanks(session: Session, fact: GiftFact) -> None:
    """Cancel the waiting thank-yous for a transfer that staff undid.

    Thank-yous that the outbox has locked are skipped. The outbox checks them again before sending.
    """
    waiting = select(Letter).where(
        Letter.gift_id == fact.gift_id,
        Letter.kind == LetterKind.THANK_YOU,
        Letter.occasion == fact.source_id,
        Letter.state == LetterState.WAITING,
    )
    for letter in session.exec(waiting.with_for_update(skip_locked=True)):
        letter.state = LetterState.UNTRUE
        letter.reason = "The transfer was undone."
