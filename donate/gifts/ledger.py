"""Records facts about gifts, and updates each gift's cached status. The caller has to commit.

Each gift is locked until the commit, and read once per transaction, together with its facts. The
queries select columns instead of model objects, because a batch reads a thousand facts, and
building an object for each is slow.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, select, tuple_
from sqlalchemy.orm.util import identity_key
from sqlmodel import Session, col

from donate.clock import local_date
from donate.gifts.facts import Fact, FactKind
from donate.gifts.models import Gift, GiftFact
from donate.gifts.monthly.models import PledgeRow
from donate.gifts.monthly.pledge_copy import PledgeCopy, copy_of_pledge
from donate.gifts.monthly.recorder import record_news
from donate.gifts.movements.recorder import Change, GiftTerms, record_changes
from donate.gifts.search_index.contents import Key, new_keys
from donate.gifts.search_index.recorder import record_fact_keys
from donate.gifts.status import StatusName, announcement_in_force, status_of
from donate.money import Money
from donate.regions.terms import Frequency
from donate.storage.bulk_writes import insert_new, table_of, update_each

_GIFT, _FACT = table_of(Gift).c, table_of(GiftFact).c
_GIFT_COLUMNS = (
    *(each.name for each in fields(GiftTerms)),
    *("reference", "frequency", "opened_at", "status"),
)
# Lock all gifts in one statement, ordered by id, so that two processes cannot deadlock.
_LOCK = select(*(_GIFT[name] for name in _GIFT_COLUMNS)).order_by(_GIFT.id).with_for_update()
_LOCK_GIFTS = _LOCK.where(_GIFT.id.in_(bindparam("gift_ids", expanding=True)))
_LOCK_MONTHS = _LOCK.where(
    _GIFT.id.in_(bindparam("gift_ids", expanding=True))
    | _GIFT.form_key.in_(bindparam("months", expanding=True))
)
# The order of recording decides which of two changes of a pledge in one second is later.
_FACTS = (
    select(
        *(_FACT.gift_id, _FACT.kind, _FACT.source_id, _FACT.happened_at, _FACT.actor),
        *(_FACT.amount_minor, _FACT.currency, _FACT.evidence),
    )
    .where(_FACT.gift_id.in_(bindparam("gift_ids", expanding=True)))
    .order_by(_FACT.id)
)


FactKey = tuple[FactKind, str]
"""The kind and source of a fact, which identify it."""


@dataclass(frozen=True, slots=True)
class LockedGift(GiftTerms):
    """A gift that is locked until the commit, with its facts."""

    reference: str
    frequency: Frequency
    opened_at: datetime
    status: StatusName
    facts: dict[FactKey, Fact] = field(default_factory=dict)


class LockedGifts:
    """The gifts that this transaction has locked. Newly recorded facts are added to them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._gifts: dict[uuid.UUID, LockedGift] = {}

    def lock(self, gift_ids: Iterable[uuid.UUID], months: Sequence[str] = ()) -> None:
        """Lock gifts by their ids or by the form keys of monthly payments, and read their facts.

        `months` are form keys made by `month_key`. Ids that do not exist are skipped. Gifts that
        are already locked are not read again.
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
            new[gift_id].facts[kind, source_id] = Fact(kind, source_id, *values)

    def set_statuses(self, statuses: Mapping[uuid.UUID, StatusName]) -> None:
        """Keep the new statuses of locked gifts in this object. This writes nothing."""
        for gift_id, status in statuses.items():
            self._gifts[gift_id] = replace(self._gifts[gift_id], status=status)

    def get(self, gift_id: uuid.UUID | None) -> LockedGift | None:
        """Return the locked gift with this id; None if no such gift is locked."""
        return self._gifts.get(gift_id) if gift_id else None

    def __getitem__(self, gift_id: uuid.UUID) -> LockedGift:
        """Return the locked gift with this id. Raises KeyError if no such gift is locked."""
        return self._gifts[gift_id]


class Outcome(StrEnum):
    """The result of recording one fact."""

    RECORDED = "recorded"
    KNOWN = "known"
    CONTRADICTED = "contradicted"
    """The kind and source are already recorded with another gift or amount; nothing was written."""


def record_facts(
    session: Session,
    entries: Sequence[tuple[uuid.UUID, Fact]],
    *,
    now: datetime,
    locked: LockedGifts | None = None,
) -> list[Outcome]:
    """Record facts, and update the cached status of their gifts, in the caller's transaction.

    Each entry is a gift's id and a fact. Returns one outcome for each entry, in order. Recording
    the same fact again changes nothing. Gifts in `locked` are not read again. Raises LookupError if
    a gift does not exist.
    """
    session.flush()
    locked = locked or LockedGifts(session)
    gifts = _lock_all(locked, {gift_id for gift_id, _ in entries})
    fresh: dict[FactKey, tuple[uuid.UUID, Fact]] = {}
    for gift_id, fact in entries:
        key = (fact.kind, fact.source_id)
        if key not in gifts[gift_id].facts:
            fresh.setdefault(key, (gift_id, fact))
    taken = _insert(session, fresh, now)
    changed = {gift_id for key, (gift_id, _) in fresh.items() if key not in taken}
    before = {gift_id: list(gifts[gift_id].facts.values()) for gift_id in changed}
    for key, (gift_id, fact) in fresh.items():
        if key not in taken:
            gifts[gift_id].facts[key] = fact

    outcomes = []
    seen: set[FactKey] = set()
    for gift_id, fact in entries:
        key = (fact.kind, fact.source_id)
        recorded = gifts[gift_id].facts.get(key)
        if recorded is None or not _has_same_amount(recorded, fact):
            outcomes.append(Outcome.CONTRADICTED)
        elif key in fresh and key not in seen:
            outcomes.append(Outcome.RECORDED)
            seen.add(key)
        else:
            outcomes.append(Outcome.KNOWN)
    changes = [(gifts[gift_id], facts) for gift_id, facts in before.items()]
    locked.set_statuses(_update_gifts(session, changes, now))
    for gift_id in gifts:
        instance = session.identity_map.get(identity_key(Gift, gift_id))
        if instance:
            session.refresh(instance)
    return outcomes


def _lock_all(locked: LockedGifts, gift_ids: set[uuid.UUID]) -> dict[uuid.UUID, LockedGift]:
    locked.lock(gift_ids)
    gifts = {gift_id: gift for gift_id in gift_ids if (gift := locked.get(gift_id))}
    missing = gift_ids - gifts.keys()
    if missing:
        raise LookupError(f"no gift {', '.join(map(str, missing))}")
    return gifts


def _update_gifts(
    session: Session, gifts: Sequence[tuple[LockedGift, list[Fact]]], now: datetime
) -> dict[uuid.UUID, StatusName]:
    """Update the cached status, pledge, movements, totals and search keys of gifts.

    Each gift comes with the facts that it had before. Returns the new statuses.
    """
    caches: dict[uuid.UUID, dict[str, Any]] = {}
    changes: list[Change] = []
    found_by: list[tuple[uuid.UUID, Sequence[Fact], set[Key]]] = []
    for gift, before in gifts:
        after = list(gift.facts.values())
        caches[gift.id] = cached_copy(after, gift.time_zone)
        new = after[len(before) :]
        found_by.append((gift.id, new, new_keys(before, new)))
        changes.append(
            Change(
                gift=gift,
                facts_before=before,
                facts_after=after,
                status_before=gift.status if before else None,
                status_after=caches[gift.id]["status"],
                pledge_before=pledge_of_gift(gift, before, gift.status) if before else None,
                pledge_after=pledge_of_gift(gift, after, caches[gift.id]["status"]),
            )
        )
    update_each(session, Gift, caches)
    _update_pledges(
        session, [(gift, change) for (gift, _), change in zip(gifts, changes, strict=True)]
    )
    record_news(session, changes, now=now)
    record_changes(session, changes, now=now)
    record_fact_keys(session, found_by)
    return {gift_id: cache["status"] for gift_id, cache in caches.items()}


def pledge_of_gift(
    gift: LockedGift, facts: Sequence[Fact], status: StatusName
) -> PledgeCopy | None:
    """Return the pledge's columns if a gift began a pledge, otherwise None."""
    if gift.pledge_id != gift.id:
        return None
    chosen = Money(gift.amount_minor, gift.currency)
    return copy_of_pledge(facts, chosen, gift.time_zone, status)


def _update_pledges(session: Session, changes: Iterable[tuple[LockedGift, Change]]) -> None:
    """Insert or update the rows of the pledges that began or changed."""
    new: list[dict[str, Any]] = []
    changed: dict[uuid.UUID, dict[str, Any]] = {}
    for gift, change in changes:
        if change.pledge_after is None or change.pledge_after == change.pledge_before:
            continue
        if change.pledge_before is None:
            new.append(pledge_columns(gift, gift.opened_at, change.pledge_after))
        else:
            changed[gift.id] = asdict(change.pledge_after)
    insert_new(session, PledgeRow, new)
    update_each(session, PledgeRow, changed)


def pledge_columns(gift: GiftTerms, started_at: datetime, copy: PledgeCopy) -> dict[str, Any]:
    """Return all columns of a pledge's row. `gift` is the gift that began the pledge."""
    never_change = ("id", "code", "mode", "fund", "currency")
    return {
        **{name: getattr(gift, name) for name in never_change},
        "started_at": started_at,
        **asdict(copy),
    }


def cached_copy(facts: Iterable[Fact], time_zone: str) -> dict[str, Any]:
    """Compute from a gift's facts the columns that cache its status, and return them."""
    facts = list(facts)
    status = status_of(facts)
    received_on = local_date(status.received_at, time_zone) if status.received_at else None
    return {
        "status": status.name,
        "received_minor": status.received_minor,
        "returned_minor": status.returned_minor,
        "net_minor": status.net_minor,
        "received_on": received_on,
        "flags": ",".join(sorted(status.flags)),
        "transfer_announced": announcement_in_force(facts) is not None,
    }


def _insert(
    session: Session, fresh: dict[FactKey, tuple[uuid.UUID, Fact]], now: datetime
) -> set[FactKey]:
    """Insert new facts. Return the keys of the facts that are already recorded for another gift."""
    rows = [
        {
            "gift_id": gift_id,
            "kind": fact.kind,
            "source_id": fact.source_id,
            "amount_minor": fact.amount_minor,
            "currency": fact.currency,
            "happened_at": fact.happened_at,
            "recorded_at": now,
            "actor": fact.actor,
            "evidence": dict(fact.evidence),
        }
        for gift_id, fact in fresh.values()
    ]
    if insert_new(session, GiftFact, rows) == len(rows):
        return set()
    holders = session.execute(
        select(col(GiftFact.kind), col(GiftFact.source_id), col(GiftFact.gift_id)).where(
            tuple_(col(GiftFact.kind), col(GiftFact.source_id)).in_(list(fresh))
        )
    )
    return {
        (kind, source) for kind, source, gift_id in holders if fresh[kind, source][0] != gift_id
    }


def _has_same_amount(recorded: Fact, fact: Fact) -> bool:
    return (recorded.amount_minor, recorded.currency) == (fact.amount_minor, fact.currency)
