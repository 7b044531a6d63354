"""What was chosen and asked for, read for many gifts at once, to hold against what Stripe tells.

Columns, not rows: in a batch, making an object of each row would cost more than all else.
"""

import uuid

from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from donate.gifts.facts import FactKind
from donate.gifts.models import Gift, GiftFact
from donate.regions import Frequency
from donate.stripe_gateway.truth import Expectation

_CHOSEN = select(
    *(col(c) for c in (Gift.id, Gift.reference, Gift.mode, Gift.frequency)),
    *(col(c) for c in (Gift.amount_minor, Gift.currency)),
).where(col(Gift.id).in_(bindparam("gift_ids", expanding=True)))
# Of every kind: asked for two kinds, SQLite would go through all facts of these that there are.
_KNOWN = select(
    *(col(c) for c in (GiftFact.gift_id, GiftFact.kind, GiftFact.source_id, GiftFact.evidence))
).where(col(GiftFact.gift_id).in_(bindparam("gift_ids", expanding=True)))


def expectations_of(session: Session, gift_ids: set[uuid.UUID]) -> dict[uuid.UUID, Expectation]:
    """Return what we recorded about each of these gifts before Stripe told us of it."""
    gifts = session.execute(_CHOSEN, {"gift_ids": list(gift_ids)})
    about = session.execute(_KNOWN, {"gift_ids": list(gift_ids)})
    requested: dict[uuid.UUID, set[int]] = {}
    sessions: dict[uuid.UUID, dict[int, str]] = {}
    for gift_id, kind, session_id, evidence in about:
        if kind == FactKind.CHECKOUT_REQUESTED:
            requested.setdefault(gift_id, set()).add(int(evidence["attempt"]))
        elif kind == FactKind.CHECKOUT_OPENED:
            sessions.setdefault(gift_id, {})[int(evidence["attempt"])] = session_id
    return {
        gift.id: Expectation(
            reference=gift.reference,
            mode=gift.mode,
            monthly=gift.frequency == Frequency.MONTHLY,
            amount_minor=gift.amount_minor,
            currency=gift.currency,
            requested=frozenset(requested.get(gift.id, ())),
            sessions=sessions.get(gift.id, {}),
        )
        for gift in gifts
    }


def currencies_of(session: Session, gift_ids: set[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the currency of each of these gifts."""
    wanted = select(col(Gift.id), col(Gift.currency)).where(col(Gift.id).in_(gift_ids))
    return {gift.id: gift.currency for gift in session.execute(wanted)}
