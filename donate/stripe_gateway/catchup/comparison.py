"""Compares Stripe's objects with the recorded facts. Reads only.

`catchup` stores what is missing.
"""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from donate.gifts.facts import NEVER_PAID, PAYMENT_NAMES, Fact, FactKind
from donate.gifts.models import Gift, GiftFact
from donate.gifts.queries import gifts_by_source, was_pruned
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
    """An object of Stripe in the form of an event; `reading` is None if it cannot be read."""

    payload: bytes
    object_id: str
    happened_at: datetime
    reading: Reading | None


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A synthetic event whose fact we have not recorded, or recorded with another amount.

    `key` is the id of the gift.
    """

    event: SyntheticEvent
    key: str
    sentence: str
    needs_staff: bool
    """Whether staff have to act, because the gift is unknown or an event about it is set aside."""


@dataclass(frozen=True, slots=True)
class ListedTotal:
    """The total of Stripe's listed payments in one currency, and how much of it we have recorded.

    `listed` and `recorded` are in minor units; `payments` is the number of payments.
    """

    listed: int = 0
    recorded: int = 0
    payments: int = 0

    def __add__(self, other: "ListedTotal") -> "ListedTotal":
        """Return the sum of two totals in the same currency."""
        return ListedTotal(
            self.listed + other.listed,
            self.recorded + other.recorded,
            self.payments + other.payments,
        )


Totals = Mapping[str, ListedTotal]
"""Maps each currency to its total."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of `compare`: the totals, and the differences between Stripe and our records."""

    totals: Totals
    discrepancies: list[Discrepancy]


def synthetic_events(
    listing: Listing, stripe_object: dict[str, Any], retrieved_at: datetime, *, livemode: bool
) -> list[SyntheticEvent]:
    """Return the synthetic events for an object of a list, without events irrelevant to us."""
    payloads = _events_of(listing, stripe_object, retrieved_at)
    events = (_read_event(payload, livemode=livemode) for payload in payloads)
    return [event for event in events if event]


def compare(session: Session, events: Sequence[SyntheticEvent]) -> Comparison:
    """Compare events with the recorded facts.

    Skip refunds and disputes of payments that this service did not create.
    """
    recorded = _recorded(session, events)
    gifts = _gifts_of(session, events)
    totals: dict[str, ListedTotal] = {}
    discrepancies = []
    for event in events:
        reading = event.reading
        if reading is None:
            continue
        gift_id = reading.gift_id or gifts.payments.get(reading.payment or "")
        if gift_id is None:
            continue
        missing = []
        for fact in reading.facts:
            amount = recorded.get((fact.kind, fact.source_id), 0)
            if fact.kind == FactKind.PAYMENT_SUCCEEDED and _counts_in_totals(reading):
                totals = add_totals(totals, _total_of(fact, amount or 0))
            if (fact.kind, fact.source_id) not in recorded or amount != fact.amount_minor:
                missing.append(fact)
        if missing:
            reference = gifts.references.get(gift_id)
            if reference is None and _is_about_pruned_gift(session, gift_id, missing):
                continue
            fact = max(missing, key=lambda one: one.amount_minor or 0)
            amount = recorded.get((fact.kind, fact.source_id), 0)
            discrepancies.append(
                Discrepancy(
                    event,
                    key=str(gift_id),
                    sentence=_sentence(event, fact, reference, amount or 0),
                    needs_staff=reference is None or gift_id in gifts.with_set_aside_event,
                )
            )
    return Comparison(totals, discrepancies)


def add_totals(totals: Totals, more: Totals) -> dict[str, ListedTotal]:
    """Return the sum of two totals, for each currency."""
    return {
        currency: totals.get(currency, ListedTotal()) + more.get(currency, ListedTotal())
        for currency in totals.keys() | more.keys()
    }


def _events_of(
    listing: Listing, stripe_object: dict[str, Any], retrieved_at: datetime
) -> Iterable[dict[str, Any] | None]:
    match listing:
        case Listing.PAID_SESSIONS | Listing.EXPIRED_SESSIONS:
            return [as_session_event(stripe_object, retrieved_at)]
        case Listing.INVOICES:
            return as_invoice_events(stripe_object, retrieved_at)
        case Listing.SUBSCRIPTIONS:
            return [as_subscription_event(stripe_object, retrieved_at)]
        case Listing.REFUNDS:
            return [as_refund_event(stripe_object, retrieved_at)]
        case Listing.DISPUTES:
            return [as_dispute_event(stripe_object, retrieved_at)]
        case Listing.EVENTS | Listing.PAYOUTS | Listing.BALANCE:
            raise ValueError(f"{listing} need no synthetic event")


def _read_event(event: dict[str, Any] | None, *, livemode: bool) -> SyntheticEvent | None:
    if event is None:
        return None
    if event["livemode"] is None:
        # A refund has no `livemode`, so use the mode, test or live, of the list.
        event = event | {"livemode": livemode}
    payload = json.dumps(event).encode()
    object_id = str(event["data"]["object"].get("id"))
    try:
        envelope = envelope_of(payload)
    except UnusableEvent:
        return None  # The inbox could not store an event without an id.
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
    with_set_aside_event: frozenset[uuid.UUID]


def _gifts_of(session: Session, events: Sequence[SyntheticEvent]) -> _Gifts:
    readings = [event.reading for event in events if event.reading]
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
    session: Session, events: Sequence[SyntheticEvent]
) -> dict[tuple[FactKind, str], int | None]:
    keys = {
        (fact.kind, fact.source_id)
        for event in events
        if event.reading
        for fact in event.reading.facts
    }
    rows = session.exec(
        select(col(GiftFact.kind), col(GiftFact.source_id), col(GiftFact.amount_minor)).where(
            tuple_(col(GiftFact.kind), col(GiftFact.source_id)).in_(list(keys))
        )
    )
    return {(kind, source): amount for kind, source, amount in rows}


def _is_about_pruned_gift(session: Session, gift_id: uuid.UUID, facts: Iterable[Fact]) -> bool:
    return all(fact.kind in NEVER_PAID for fact in facts) and was_pruned(session, gift_id)


def _counts_in_totals(reading: Reading) -> bool:
    # Both the checkout session and the invoice report a pledge's first payment. Count only the
    # invoice.
    claim = reading.claim
    return not (claim and claim.monthly and claim.session_id)


def _total_of(payment: Fact, recorded: int) -> Totals:
    assert payment.currency is not None
    assert payment.amount_minor is not None
    return {payment.currency: ListedTotal(payment.amount_minor, recorded, payments=1)}


def _sentence(event: SyntheticEvent, fact: Fact, reference: str | None, recorded: int) -> str:
    fact_text = fact.kind.replace("_", " ")
    if fact.amount_minor is not None and fact.currency is not None:
        fact_text += f" of {Money(fact.amount_minor, fact.currency).decimal:,} {fact.currency}"
    gift = reference or "a gift that is not recorded here"
    recorded_as = f"recorded as {recorded:,} in minor units" if recorded else "not recorded"
    return f"Stripe's {event.object_id} shows {fact_text} for {gift}: {recorded_as}."
