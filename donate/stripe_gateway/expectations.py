"""What was chosen and asked for, read for many gifts at once, to hold against what Stripe tells.

Columns, not rows: in a batch, making an object of each row would cost more than all else.
"""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlmodel import Session, SQLModel

from donate.gifts.facts import FactKind
from donate.regions import Frequency
from donate.stripe_gateway.truth import Expectation

_GIFT, _FACT = (SQLModel.metadata.tables[name].c for name in ("gift", "gift_fact"))
# All at once and in one order, so that two settlers cannot wait for each other in a ring.
_LOCK = (
    select(
        *(_GIFT.id, _GIFT.reference, _GIFT.mode, _GIFT.frequency),
        *(_GIFT.amount_minor, _GIFT.currency),
    )
    .order_by(_GIFT.id)
    .with_for_update()
)
_LOCK_GIFTS = _LOCK.where(_GIFT.id.in_(bindparam("gift_ids", expanding=True)))
_LOCK_MONTHS = _LOCK.where(
    _GIFT.id.in_(bindparam("gift_ids", expanding=True))
    | _GIFT.form_key.in_(bindparam("months", expanding=True))
)
# Of every kind: asked for two kinds, SQLite would go through all facts of these that there are.
_KNOWN = select(_FACT.gift_id, _FACT.kind, _FACT.source_id, _FACT.evidence).where(
    _FACT.gift_id.in_(bindparam("gift_ids", expanding=True))
)
_CURRENCIES = select(_GIFT.id, _GIFT.currency).where(
    _GIFT.id.in_(bindparam("gift_ids", expanding=True))
)


def lock_gifts(
    session: Session, gift_ids: set[uuid.UUID], months: Sequence[str] = ()
) -> list[Row[Any]]:
    """Lock gifts, and those that these months opened, until the commit; return what was chosen."""
    held: dict[str, Sequence[Any]] = {"gift_ids": list(gift_ids)}
    if months:
        held["months"] = months
    return list(session.connection().execute(_LOCK_MONTHS if months else _LOCK_GIFTS, held))


def expectations_of(
    session: Session, locked: Iterable[Row[Any]], gift_ids: set[uuid.UUID]
) -> dict[uuid.UUID, Expectation]:
    """Return what we recorded about each of these gifts before Stripe told us of it."""
    gifts = [gift for gift in locked if gift.id in gift_ids]
    about = session.connection().execute(_KNOWN, {"gift_ids": [gift.id for gift in gifts]})
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
    rows = session.connection().execute(_CURRENCIES, {"gift_ids": list(gift_ids)})
    return dict(rows.all())
