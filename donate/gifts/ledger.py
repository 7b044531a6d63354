"""The only code that changes a gift. It never commits; the caller does."""

import secrets
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from random import Random, SystemRandom
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.util import identity_key
from sqlmodel import Session, col

from donate.clock import local_date
from donate.errors import DonateError
from donate.gifts.choosing.choice import Choice
from donate.gifts.facts import Fact, FactKind
from donate.gifts.locked_gifts import FactKey, LockedGift, LockedGifts
from donate.gifts.models import Donor, Gift, GiftFact, GiftWish
from donate.gifts.pledges import month_key
from donate.gifts.queries import gift_by_form_key
from donate.gifts.status import StatusName, status_of
from donate.money import Money
from donate.references import new_reference
from donate.regions.regions import Frequency
from donate.storage.bulk_writes import insert_new, update_each

_REFERENCE_ATTEMPTS = 5


class Outcome(StrEnum):
    """The result of recording one fact."""

    RECORDED = "recorded"
    KNOWN = "known"
    CONTRADICTED = "contradicted"
    """The kind and source are already recorded with another gift or amount; nothing was written."""


def open_gift(
    session: Session, choice: Choice, form_key: str, *, now: datetime, random: Random | None = None
) -> Gift:
    """Open a gift. If `form_key` already opened one, return that one."""

    def insert(random: Random) -> Gift:
        donor = Donor(
            name=choice.name, email=choice.email, country=choice.country, language=choice.language
        )
        session.add(donor)
        session.flush()
        assert donor.id is not None
        values = _new_gift_values(
            choice.region.code, choice.amount, choice.region.time_zone, now, random
        )
        gift = Gift(
            **values,
            form_key=form_key,
            mode=choice.mode,
            frequency=choice.frequency,
            language=choice.language,
            donor_id=donor.id,
            pledge_id=values["id"] if choice.frequency is Frequency.MONTHLY else None,
        )
        evidence = {"code": gift.code, "mode": gift.mode, "country": choice.country}
        wish = choice.wish_row()
        if wish:
            session.add(GiftWish(gift_id=gift.id, **wish))
        return _insert_gift(session, gift, actor="donor", evidence=evidence, now=now)

    return _open_once(session, form_key, insert, random)


def open_month(
    session: Session,
    pledge_id: uuid.UUID,
    invoice_id: str,
    amount: Money,
    *,
    invoiced_at: datetime,
    now: datetime,
    random: Random | None = None,
) -> Gift:
    """Open the gift of a later month. If the invoice already opened one, return that one.

    `pledge_id` is the gift that began the pledge. The caller must have locked it.
    """
    first = session.get_one(Gift, pledge_id)
    form_key = month_key(invoice_id)

    def insert(random: Random) -> Gift:
        gift = Gift(
            **_new_gift_values(first.code, amount, first.time_zone, invoiced_at, random),
            form_key=form_key,
            mode=first.mode,
            frequency=first.frequency,
            language=first.language,
            donor_id=first.donor_id,
            pledge_id=first.id,
        )
        evidence = {"invoice": invoice_id, "pledge": first.reference}
        return _insert_gift(session, gift, actor="stripe", evidence=evidence, now=now)

    return _open_once(session, form_key, insert, random)


def _open_once(
    session: Session, form_key: str, insert: Callable[[Random], Gift], random: Random | None
) -> Gift:
    random = random or SystemRandom()
    for _ in range(_REFERENCE_ATTEMPTS):
        existing = gift_by_form_key(session, form_key)
        if existing:
            return existing
        try:
            with session.begin_nested():
                return insert(random)
        except IntegrityError:
            continue  # another process used this form key or reference first
    raise DonateError("found no unused reference")


def _new_gift_values(
    code: str, amount: Money, time_zone: str, opened_at: datetime, random: Random
) -> dict[str, Any]:
    """Return the column values that both kinds of new gift share."""
    return {
        "id": _new_gift_id(opened_at),
        "reference": new_reference(code, random),
        "token": secrets.token_urlsafe(16),
        "code": code,
        "amount_minor": amount.amount_minor,
        "currency": amount.currency,
        "time_zone": time_zone,
        "opened_at": opened_at,
        "opened_on": local_date(opened_at, time_zone),
        "status": StatusName.AWAITED,
    }


def _insert_gift(
    session: Session, gift: Gift, *, actor: str, evidence: dict[str, str], now: datetime
) -> Gift:
    session.add(gift)
    session.flush()
    opened = Fact(
        kind=FactKind.GIFT_OPENED,
        source_id=str(gift.id),
        happened_at=gift.opened_at,
        actor=actor,
        amount_minor=gift.amount_minor,
        currency=gift.currency,
        evidence=evidence,
    )
    record_facts(session, [(gift.id, opened)], now=now)
    return gift


def record_facts(
    session: Session,
    entries: Sequence[tuple[uuid.UUID, Fact]],
    *,
    now: datetime,
    locked: LockedGifts | None = None,
) -> list[Outcome]:
    """Add facts and update the cached status of their gifts, in this transaction.

    Returns the outcome of each entry, in order. Recording a fact again changes nothing. Gifts in
    `locked` are not read again. Raises LookupError if a gift does not exist.
    """
    session.flush()
    gifts = _lock_all(locked or LockedGifts(session), {gift_id for gift_id, _ in entries})

    fresh: dict[FactKey, tuple[uuid.UUID, Fact]] = {}
    for gift_id, fact in entries:
        key = (str(fact.kind), fact.source_id)
        if key not in gifts[gift_id].facts:
            fresh.setdefault(key, (gift_id, fact))
    taken = _insert(session, fresh, now)
    for key, (gift_id, fact) in fresh.items():
        if key not in taken:
            gifts[gift_id].facts[key] = fact

    outcomes = []
    seen: set[FactKey] = set()
    for gift_id, fact in entries:
        key = (str(fact.kind), fact.source_id)
        recorded = gifts[gift_id].facts.get(key)
        if recorded is None or not _has_same_amount(recorded, fact):
            outcomes.append(Outcome.CONTRADICTED)
        elif key in fresh and key not in seen:
            outcomes.append(Outcome.RECORDED)
            seen.add(key)
        else:
            outcomes.append(Outcome.KNOWN)
    changed = {gift_id for key, (gift_id, _) in fresh.items() if key not in taken}
    caches = {
        gift_id: cached_copy(gift.facts.values(), gift.time_zone)
        for gift_id, gift in gifts.items()
        if gift_id in changed
    }
    update_each(session, Gift, caches)
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


def cached_copy(facts: Iterable[Fact], time_zone: str) -> dict[str, Any]:
    """Return the status columns of a gift's row, computed from its facts."""
    status = status_of(facts)
    received_on = local_date(status.received_at, time_zone) if status.received_at else None
    return {
        "status": str(status.name),
        "received_minor": status.received_minor,
        "returned_minor": status.returned_minor,
        "net_minor": status.net_minor,
        "received_on": received_on,
        "flags": ",".join(sorted(status.flags)),
    }


def _insert(
    session: Session, fresh: dict[FactKey, tuple[uuid.UUID, Fact]], now: datetime
) -> set[FactKey]:
    """Insert facts; return the keys that are already recorded for another gift."""
    rows = [
        {
            "gift_id": gift_id,
            "kind": str(fact.kind),
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


def _new_gift_id(now: datetime) -> uuid.UUID:
    """Make a version 7 UUID (RFC 9562), which starts with the time, so new rows are adjacent."""
    millis = int(now.timestamp() * 1000)
    value = millis << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
