"""Is what Stripe's objects say recorded here? Reads only; `catchup` fetches what is lacking."""

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from donate.gifts.facts import PAYMENT_NAMES, Fact, FactKind
from donate.gifts.models import Gift, GiftFact
from donate.gifts.queries import gifts_by_source
from donate.money import Money
from donate.stripe_gateway.catchup.plan import Listing
from donate.stripe_gateway.events.fields import Reading, UnusableEvent
from donate.stripe_gateway.events.parser import envelope_of, read_event
from donate.stripe_gateway.events.synthetic import (
    as_dispute_event,
    as_invoice_events,
    as_refund_event,
    as_session_event,
    as_subscription_event,
)
from donate.stripe_gateway.models import EventState, StripeEvent


@dataclass(frozen=True, slots=True)
class SyntheticEvent:
    """An object, told as an event; `reading` is None where nobody can read it."""

    payload: bytes
    object_id: str
    happened_at: datetime
    reading: Reading | None


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A telling of which something is not recorded, or otherwise. `key` names the gift if known."""

    telling: SyntheticEvent
    key: str
    sentence: str
    is_staffs_turn: bool
    """Storing it would help nobody: the gift is unknown, or its event was set aside already."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What some tellings come to, by currency in minor units, and what of it lacks."""

    totals: dict[str, dict[str, int]]
    lacking: list[Discrepancy]


def synthetic_events(
    listing: Listing, found: dict[str, Any], asked_at: datetime, *, livemode: bool
) -> list[SyntheticEvent]:
    """Tell one object of a list as the events that would have told of it, leaving out others'."""
    tellings = (_read(event, livemode=livemode) for event in _events_of(listing, found, asked_at))
    return [telling for telling in tellings if telling]


def compare(session: Session, tellings: Sequence[SyntheticEvent]) -> Comparison:
    """Hold tellings against the facts. Refunds and disputes of others' payments are not ours."""
    recorded = _recorded(session, tellings)
    gifts = _gifts_of(session, tellings)
    totals: dict[str, dict[str, int]] = {}
    lacking = []
    for telling in tellings:
        reading = telling.reading
        if reading is None:
            continue
        gift_id = reading.gift_id or gifts.payments.get(reading.payment or "")
        if gift_id is None:
            continue
        missing = []
        for fact in reading.facts:
            amount = recorded.get((fact.kind, fact.source_id), 0)
            if fact.kind == FactKind.PAYMENT_SUCCEEDED and _counts(reading):
                _add(totals, fact, amount or 0)
            if (fact.kind, fact.source_id) not in recorded or amount != fact.amount_minor:
                missing.append(fact)
        if missing:
            reference = gifts.references.get(gift_id)
            fact = max(missing, key=lambda one: one.amount_minor or 0)
            amount = recorded.get((fact.kind, fact.source_id), 0)
            lacking.append(
                Discrepancy(
                    telling,
                    key=str(gift_id),
                    sentence=_sentence(telling, fact, reference, amount or 0),
                    is_staffs_turn=reference is None or gift_id in gifts.with_something_aside,
                )
            )
    return Comparison(totals, lacking)


def add_totals(
    totals: dict[str, dict[str, int]], more: dict[str, dict[str, int]]
) -> dict[str, dict[str, int]]:
    """Return two sums as one; currencies never add up together."""
    return {
        currency: {
            name: totals.get(currency, {}).get(name, 0) + more.get(currency, {}).get(name, 0)
            for name in ("listed", "recorded", "payments")
        }
        for currency in totals.keys() | more.keys()
    }


def _events_of(
    listing: Listing, found: dict[str, Any], asked_at: datetime
) -> Iterable[dict[str, Any] | None]:
    match listing:
        case Listing.PAID_SESSIONS | Listing.EXPIRED_SESSIONS:
            return [as_session_event(found, asked_at)]
        case Listing.INVOICES:
            return as_invoice_events(found, asked_at)
        case Listing.SUBSCRIPTIONS:
            return [as_subscription_event(found, asked_at)]
        case Listing.REFUNDS:
            return [as_refund_event(found, asked_at)]
        case Listing.DISPUTES:
            return [as_dispute_event(found, asked_at)]
        case Listing.EVENTS:
            raise ValueError("events tell of themselves")


def _read(event: dict[str, Any] | None, *, livemode: bool) -> SyntheticEvent | None:
    if event is None:
        return None
    if event["livemode"] is None:
        event = event | {"livemode": livemode}  # refunds do not say, and a list is of one mode
    payload = json.dumps(event).encode()
    object_id = str(event["data"]["object"].get("id"))
    try:
        envelope = envelope_of(payload)
    except UnusableEvent:
        return None  # without a name it could not be stored either
    try:
        reading = read_event(envelope)
    except UnusableEvent:
        return SyntheticEvent(payload, object_id, envelope.happened_at, None)
    if not isinstance(reading, Reading):
        return None
    return SyntheticEvent(payload, object_id, envelope.happened_at, reading)


@dataclass(frozen=True, slots=True)
class _Gifts:
    references: dict[uuid.UUID, str]
    payments: dict[str, uuid.UUID]
    with_something_aside: frozenset[uuid.UUID]


def _gifts_of(session: Session, tellings: Sequence[SyntheticEvent]) -> _Gifts:
    readings = [telling.reading for telling in tellings if telling.reading]
    payments = gifts_by_source(
        session, PAYMENT_NAMES, [reading.payment for reading in readings if reading.payment]
    )
    ids = {reading.gift_id for reading in readings if reading.gift_id} | set(payments.values())
    references = session.exec(select(Gift.id, Gift.reference).where(col(Gift.id).in_(ids)))
    aside = session.exec(
        select(StripeEvent.gift_id).where(
            col(StripeEvent.gift_id).in_(ids), StripeEvent.state == EventState.SET_ASIDE
        )
    )
    return _Gifts(
        dict(references.all()), payments, frozenset(gift_id for gift_id in aside if gift_id)
    )


def _recorded(
    session: Session, tellings: Sequence[SyntheticEvent]
) -> dict[tuple[FactKind, str], int | None]:
    keys = {
        (str(fact.kind), fact.source_id)
        for telling in tellings
        if telling.reading
        for fact in telling.reading.facts
    }
    rows = session.exec(
        select(GiftFact.kind, GiftFact.source_id, GiftFact.amount_minor).where(
            tuple_(col(GiftFact.kind), col(GiftFact.source_id)).in_(list(keys))
        )
    )
    return {(FactKind(kind), source): amount for kind, source, amount in rows}


def _counts(reading: Reading) -> bool:
    # The first month of a pledge is told twice: by its session, and by the invoice, which counts.
    claim = reading.claim
    return not (claim and claim.monthly and claim.session_id)


def _add(totals: dict[str, dict[str, int]], fact: Fact, recorded: int) -> None:
    assert fact.currency is not None
    assert fact.amount_minor is not None
    sums = totals.setdefault(fact.currency, {"listed": 0, "recorded": 0, "payments": 0})
    sums["listed"] += fact.amount_minor
    sums["recorded"] += recorded
    sums["payments"] += 1


def _sentence(telling: SyntheticEvent, fact: Fact, reference: str | None, recorded: int) -> str:
    what = str(fact.kind).replace("_", " ")
    if fact.amount_minor is not None and fact.currency is not None:
        what += f" of {Money(fact.amount_minor, fact.currency).decimal:,} {fact.currency}"
    whose = reference or "a gift that is not recorded here"
    but = f"recorded as {recorded:,} in minor units" if recorded else "not recorded"
    return f"Stripe's {telling.object_id} tells of {what} for {whose}: {but}."
