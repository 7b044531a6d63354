"""Reads the rows that prove a gift. Each statement uses an index."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlmodel import Session, col, select

from donate.gifts.facts import FactKind
from donate.gifts.models import Gift, GiftFact
from donate.gifts.movements.models import GiftMovement
from donate.gifts.offline.models import OfflineBatch, OfflineEntry
from donate.gifts.offline.queries import batch_by_number, entry_of_gift
from donate.letters.desk import letters_of
from donate.letters.models import Letter
from donate.stripe_gateway.balance.models import BalanceTransaction, StripePayout
from donate.stripe_gateway.events.types import EVENT_TYPES
from donate.stripe_gateway.models import StripeEvent

MOST_EVENTS: Final = 20
MOST_TRANSACTIONS: Final = 50
# The types of events about the money of one gift. Other events are left out, because a pledge's
# first gift gets them for years, for example about changes of its subscription.
_ABOUT_MONEY: Final = [
    name
    for name in EVENT_TYPES
    if not name.startswith(("customer.", "charge.failed", "payment_intent."))
]


@dataclass(frozen=True, slots=True)
class ProofRows:
    """The rows that prove a gift. `facts` are sorted by when they happened.

    If `gift` is a later monthly payment, `first` is the gift that began the pledge. `subscription`
    is the fact that the pledge's subscription started. `balance` has the gift's balance
    transactions at Stripe, each with the payout that contains it, if there is one.
    """

    gift: Gift
    facts: Sequence[GiftFact]
    movements: Sequence[GiftMovement] = ()
    events: Sequence[StripeEvent] = ()
    letters: Sequence[Letter] = ()
    entry: OfflineEntry | None = None
    batch: OfflineBatch | None = None
    first: Gift | None = None
    subscription: GiftFact | None = None
    balance: Sequence[tuple[BalanceTransaction, StripePayout | None]] = ()

    @property
    def actors(self) -> set[str]:
        """The actors of everything in the proof except the facts."""
        actors = {letter.asked_by for letter in self.letters}
        if self.entry:
            actors.add(self.entry.entered_by)
        if self.batch:
            actors.add(self.batch.closed_by)
        return actors


def read_proof(session: Session, gift: Gift, facts: Sequence[GiftFact]) -> ProofRows:
    """Read the rows that prove a gift. `facts` are the gift's facts."""
    entry = entry_of_gift(session, gift.id) if gift.mode.facts.staff_only else None
    is_later_month = gift.pledge_id is not None and gift.pledge_id != gift.id
    return ProofRows(
        gift=gift,
        facts=facts,
        movements=_movements_of(session, gift),
        events=_events_of(session, gift) if gift.mode.through_stripe else (),
        letters=letters_of(session, gift.id),
        entry=entry,
        batch=batch_by_number(session, entry.batch_id) if entry and entry.batch_id else None,
        first=session.get(Gift, gift.pledge_id) if is_later_month else None,
        subscription=_subscription_of(session, gift) if gift.pledge_id else None,
        balance=_balance_of(session, gift) if gift.mode.through_stripe else (),
    )


def _movements_of(session: Session, gift: Gift) -> Sequence[GiftMovement]:
    found = session.exec(select(GiftMovement).where(GiftMovement.gift_id == gift.id)).all()
    return sorted(found, key=lambda one: (one.happened_at, -one.amount_minor, one.id or 0))


def _events_of(session: Session, gift: Gift) -> Sequence[StripeEvent]:
    statement = (
        select(StripeEvent)
        .where(StripeEvent.gift_id == gift.id, col(StripeEvent.type).in_(_ABOUT_MONEY))
        # Sort by time first. If the rows were sorted by id alone, PostgreSQL might scan the whole
        # table in the order of its key, instead of reading the few events about this gift.
        .order_by(col(StripeEvent.received_at), col(StripeEvent.id))
        .limit(MOST_EVENTS + 1)
    )
    return session.exec(statement).all()


def _balance_of(
    session: Session, gift: Gift
) -> Sequence[tuple[BalanceTransaction, StripePayout | None]]:
    statement = (
        select(BalanceTransaction, StripePayout)
        .join(
            StripePayout, col(StripePayout.id) == col(BalanceTransaction.payout_row), isouter=True
        )
        .where(BalanceTransaction.gift_id == gift.id)
        .order_by(col(BalanceTransaction.created_at), col(BalanceTransaction.id))
        .limit(MOST_TRANSACTIONS)
    )
    return [(transaction, payout) for transaction, payout in session.exec(statement)]


def _subscription_of(session: Session, gift: Gift) -> GiftFact | None:
    statement = select(GiftFact).where(
        GiftFact.gift_id == gift.pledge_id, GiftFact.kind == FactKind.PLEDGE_STARTED
    )
    return session.exec(statement.order_by(col(GiftFact.id)).limit(1)).first()
