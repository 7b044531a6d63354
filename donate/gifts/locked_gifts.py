"""Takes gifts in hand: locked until the commit, each read once for all that is recorded about it.

Columns, not rows: a batch reads a thousand facts, and each row would become an object first.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, select
from sqlmodel import Session, SQLModel

from donate.gifts.facts import Fact, FactKind
from donate.gifts.models import Gift, GiftFact

_TABLES = SQLModel.metadata.tables
_GIFT, _FACT = (_TABLES[str(rows.__tablename__)].c for rows in (Gift, GiftFact))
_CHOSEN = ("id", "reference", "mode", "frequency", "amount_minor", "currency", "time_zone")
# All at once and in one order, so that two processes with overlapping batches cannot wait for each
# other in a ring.
_LOCK = select(*(_GIFT[name] for name in _CHOSEN)).order_by(_GIFT.id).with_for_update()
_LOCK_GIFTS = _LOCK.where(_GIFT.id.in_(bindparam("gift_ids", expanding=True)))
_LOCK_MONTHS = _LOCK.where(
    _GIFT.id.in_(bindparam("gift_ids", expanding=True))
    | _GIFT.form_key.in_(bindparam("months", expanding=True))
)
_FACTS = select(
    *(_FACT.gift_id, _FACT.kind, _FACT.source_id, _FACT.happened_at, _FACT.actor),
    *(_FACT.amount_minor, _FACT.currency, _FACT.evidence),
).where(_FACT.gift_id.in_(bindparam("gift_ids", expanding=True)))


FactKey = tuple[str, str]
"""The kind and the source of a fact, which name it."""


@dataclass(frozen=True, slots=True)
class LockedGift:
    """A gift that nobody else changes until the commit: what was chosen, and what is known."""

    id: uuid.UUID
    reference: str
    mode: str
    frequency: str
    amount_minor: int
    currency: str
    time_zone: str
    facts: dict[FactKey, Fact] = field(default_factory=dict)


class LockedGifts:
    """The gifts that one transaction holds. What it records, it adds to their facts here too."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._held: dict[uuid.UUID, LockedGift] = {}

    def lock(self, gift_ids: Iterable[uuid.UUID], months: Sequence[str] = ()) -> None:
        """Take these gifts in hand, and those that these months opened, as far as there are any.

        Those that are in hand already are not read again.
        """
        wanted = set(gift_ids) - self._held.keys()
        if not wanted and not months:
            return
        asked: dict[str, Collection[Any]] = {"gift_ids": list(wanted)}
        if months:
            asked["months"] = months
        connection = self._session.connection()
        locked = connection.execute(_LOCK_MONTHS if months else _LOCK_GIFTS, asked)
        taken = {row.id: LockedGift(*row) for row in locked if row.id not in self._held}
        if not taken:
            return
        self._held |= taken
        known = connection.execute(_FACTS, {"gift_ids": list(taken)})
        for gift_id, kind, source_id, *told in known:
            taken[gift_id].facts[kind, source_id] = Fact(FactKind(kind), source_id, *told)

    def get(self, gift_id: uuid.UUID | None) -> LockedGift | None:
        """Return a gift if it is in hand."""
        return self._held.get(gift_id) if gift_id else None

    def __getitem__(self, gift_id: uuid.UUID) -> LockedGift:
        """Return a gift that is in hand. Raises KeyError."""
        return self._held[gift_id]
