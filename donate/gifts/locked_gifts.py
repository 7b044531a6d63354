"""Locks gifts until the commit and reads each one, with its facts, once per transaction.

Selects columns instead of model objects: a batch reads a thousand facts, and building objects for
them is slow.
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
_GIFT_COLUMNS = ("id", "reference", "mode", "frequency", "amount_minor", "currency", "time_zone")
# One statement, ordered by id, so that processes with overlapping batches cannot deadlock.
_LOCK = select(*(_GIFT[name] for name in _GIFT_COLUMNS)).order_by(_GIFT.id).with_for_update()
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
"""The kind and source of a fact, which identify it."""


@dataclass(frozen=True, slots=True)
class LockedGift:
    """A gift locked until the commit, with its facts."""

    id: uuid.UUID
    reference: str
    mode: str
    frequency: str
    amount_minor: int
    currency: str
    time_zone: str
    facts: dict[FactKey, Fact] = field(default_factory=dict)


class LockedGifts:
    """The gifts that one transaction has locked. New facts are added to `facts` here as well."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._gifts: dict[uuid.UUID, LockedGift] = {}

    def lock(self, gift_ids: Iterable[uuid.UUID], months: Sequence[str] = ()) -> None:
        """Lock these gifts, and the gifts with these month keys, and read their facts.

        Skips ids that do not exist, and does not read gifts again that are already locked.
        """
        new_ids = set(gift_ids) - self._gifts.keys()
        if not new_ids and not months:
            return
        parameters: dict[str, Collection[Any]] = {"gift_ids": list(new_ids)}
        if months:
            parameters["months"] = months
        connection = self._session.connection()
        rows = connection.execute(_LOCK_MONTHS if months else _LOCK_GIFTS, parameters)
        new = {row.id: LockedGift(*row) for row in rows if row.id not in self._gifts}
        if not new:
            return
        self._gifts |= new
        facts = connection.execute(_FACTS, {"gift_ids": list(new)})
        for gift_id, kind, source_id, *values in facts:
            new[gift_id].facts[kind, source_id] = Fact(FactKind(kind), source_id, *values)

    def get(self, gift_id: uuid.UUID | None) -> LockedGift | None:
        """Return a gift if it is locked."""
        return self._gifts.get(gift_id) if gift_id else None

    def __getitem__(self, gift_id: uuid.UUID) -> LockedGift:
        """Return a locked gift. Raises KeyError if it is not locked."""
        return self._gifts[gift_id]
