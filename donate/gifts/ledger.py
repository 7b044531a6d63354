"""The only code that changes a gift. It never commits: the caller's transaction is the unit."""

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

_REFERENCE_TRIES = 5


class Outcome(StrEnum):
    """What became of one fact that was handed in."""

    RECORDED = "recorded"
    KNOWN = "known"
    CONTRADICTED = "contradicted"
    """The same kind and source are recorded with another gift or amount; nothing was written."""


def open_gift(
    session: Session, choice: Choice, form_key: str, *, now: datetime, dice: Random | None = None
) -> Gift:
    """Record what a donor chose. The same `form_key` again returns the gift it opened before."""

    def insert(dice: Random) -> Gift:
        donor = Donor(
            name=choice.name, email=choice.email, country=choice.country, language=choice.language
        )
        session.add(donor)
        session.flush()
        assert donor.id is not None
        own = _own_values(choice.region.code, choice.amount, choice.region.time_zone, now, dice)
        gift = Gift(
            **own,
            form_key=form_key,
            mode=choice.mode,
            frequency=choice.frequency,
            language=choice.language,
            donor_id=donor.id,
            pledge_id=own["id"] if choice.frequency is Frequency.MONTHLY else None,
        )
        evidence = {"code": gift.code, "mode": gift.mode, "country": choice.country}
        added = choice.added()
        if added:
            session.add(GiftWish(gift_id=gift.id, **added))
        return _insert_gift(session, gift, actor="donor", evidence=evidence, now=now)

    return _open_once(session, form_key, insert, dice)


def open_month(
    session: Session,
    pledge_id: uuid.UUID,
    invoice_id: str,
    amount: Money,
    *,
    invoiced_at: datetime,
    now: datetime,
    dice: Random | None = None,
) -> Gift:
    """Open the gift of a later month; the same invoice again returns the gift it opened before.

    `pledge_id` is the gift that began the pledge; whoever calls holds its lock.
    """
    first = session.get_one(Gift, pledge_id)
    form_key = month_key(invoice_id)

    def insert(dice: Random) -> Gift:
        gift = Gift(
            **_own_values(first.code, amount, first.time_zone, invoiced_at, dice),
            form_key=form_key,
            mode=first.mode,
            frequency=first.frequency,
            language=first.language,
            donor_id=first.donor_id,
            pledge_id=first.id,
        )
        evidence = {"invoice": invoice_id, "pledge": first.reference}
        return _insert_gift(session, gift, actor="stripe", evidence=evidence, now=now)

    return _open_once(session, form_key, insert, dice)


def _open_once(
    session: Session, form_key: str, insert: Callable[[Random], Gift], dice: Random | None
) -> Gift:
    dice = dice or SystemRandom()
    for _ in range(_REFERENCE_TRIES):
        known = gift_by_form_key(session, form_key)
        if known:
            return known
        try:
            with session.begin_nested():
                return insert(dice)
        except IntegrityError:
            continue  # another process was first with this form, or drew the same reference
    raise DonateError("no free reference was found")


def _own_values(
    code: str, amount: Money, time_zone: str, opened_at: datetime, dice: Random
) -> dict[str, Any]:
    """Return what each gift has for itself, whoever opened it."""
    return {
        "id": _new_gift_id(opened_at),
        "reference": new_reference(code, dice),
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
    """Add facts and rewrite the cached status of the gifts they touch, in this transaction.

    Returns what became of each entry, in order. Recording a fact again changes nothing. Gifts in
    `locked` are not read again. Raises LookupError for a gift that does not exist.
    """
    session.flush()
    gifts = _held(locked or LockedGifts(session), {gift_id for gift_id, _ in entries})

    fresh: dict[FactKey, tuple[uuid.UUID, Fact]] = {}
    for gift_id, fact in entries:
        key = (str(fact.kind), fact.source_id)
        if key not in gifts[gift_id].facts:
            fresh.setdefault(key, (gift_id, fact))
    elsewhere = _insert(session, fresh, now)
    for key, (gift_id, fact) in fresh.items():
        if key not in elsewhere:
            gifts[gift_id].facts[key] = fact

    outcomes = []
    seen: set[FactKey] = set()
    for gift_id, fact in entries:
        key = (str(fact.kind), fact.source_id)
        recorded = gifts[gift_id].facts.get(key)
        if recorded is None or not _says_the_same(recorded, fact):
            outcomes.append(Outcome.CONTRADICTED)
        elif key in fresh and key not in seen:
            outcomes.append(Outcome.RECORDED)
            seen.add(key)
        else:
            outcomes.append(Outcome.KNOWN)
    touched = {gift_id for key, (gift_id, _) in fresh.items() if key not in elsewhere}
    copies = {
        gift_id: cached_copy(gift.facts.values(), gift.time_zone)
        for gift_id, gift in gifts.items()
        if gift_id in touched
    }
    update_each(session, Gift, copies)
    for gift_id in gifts:
        loaded = session.identity_map.get(identity_key(Gift, gift_id))
        if loaded:
            session.refresh(loaded)
    return outcomes


def _held(locked: LockedGifts, gift_ids: set[uuid.UUID]) -> dict[uuid.UUID, LockedGift]:
    locked.lock(gift_ids)
    gifts = {gift_id: gift for gift_id in gift_ids if (gift := locked.get(gift_id))}
    missing = gift_ids - gifts.keys()
    if missing:
        raise LookupError(f"no gift {', '.join(map(str, missing))}")
    return gifts


def cached_copy(facts: Iterable[Fact], time_zone: str) -> dict[str, Any]:
    """Return what stands in a gift's row about the meaning of its facts."""
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
    """Insert facts; return the keys that another gift holds already."""
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


def _says_the_same(recorded: Fact, fact: Fact) -> bool:
    return (recorded.amount_minor, recorded.currency) == (fact.amount_minor, fact.currency)


def _new_gift_id(now: datetime) -> uuid.UUID:
    """Make a UUID of version 7 (RFC 9562): its time comes first, so new rows lie side by side."""
    millis = int(now.timestamp() * 1000)
    value = millis << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
