"""Helpers that open gifts, make Stripe's events about them, sign the events and settle them."""

import itertools
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlmodel import select
from stripe import WebhookSignature

from donate.clock import Clock, FixedClock
from donate.gifts.choosing.choice import check_choice
from donate.gifts.evidence import Evidence
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Donor, Gift, GiftFact
from donate.gifts.opening import open_gift
from donate.gifts.queries import donor_of
from donate.money import Money
from donate.regions.regions import Frequency, load_regions
from donate.storage.bulk_writes import insert_new
from donate.storage.database import Database
from donate.stripe_gateway.models import StripeEvent
from donate.stripe_gateway.webhooks.inbox import Arrival
from donate.stripe_gateway.webhooks.settle import Settler
from tests.real_parts import WEBHOOK_SECRET

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AMOUNT = 5_000

_numbers = itertools.count(1)
_REGION = load_regions()["LWCAN"].model_copy(update={"frequencies": list(Frequency)})


def give(
    database: Database,
    *,
    mode: str = "card",
    attempts: int = 1,
    opened: str | None = None,
    language: str = "en-CA",
    frequency: str = "once",
    form_key: str = "",
    email: str = "ann@example.com",
) -> Gift:
    """Open a gift with `attempts` requested checkout sessions; `opened` is the first one's id."""
    choice = check_choice(
        _REGION,
        mode=mode,
        amount=Money(AMOUNT, "CAD"),
        frequency=frequency,
        country="CA",
        language=language,
        name="Ann Lee",
        email=email,
    )
    with database.writing() as session:
        gift = open_gift(session, choice, form_key or f"form-{uuid.uuid4()}", now=NOW)
        facts = [_requested(gift, attempt) for attempt in range(1, attempts + 1)]
        if opened:
            facts.append(_fact(FactKind.CHECKOUT_OPENED, opened, attempt=1))
        record_facts(session, [(gift.id, fact) for fact in facts], now=NOW)
    return gift


def give_many(database: Database, how_many: int) -> list[Gift]:
    """Open many gifts quickly, by copying one gift instead of calling `open_gift` for each."""
    first = give(database)
    gifts = [
        Gift(
            **first.model_dump()
            | {name: str(uuid.uuid4())[:32] for name in ("reference", "link_name", "form_key")}
            | {"id": uuid.uuid4(), "donor_id": 1_000_000 + number}
        )
        for number in range(1, how_many)
    ]
    with database.writing() as session:
        donor = donor_of(session, first).model_dump()
        for some in _pieces(gifts):
            insert_new(session, Donor, [donor | {"id": gift.donor_id} for gift in some])
            insert_new(session, Gift, [gift.model_dump() for gift in some])
            opened = _fact(FactKind.GIFT_OPENED, "", amount_minor=AMOUNT, currency="CAD")
            facts = [(gift.id, replace(opened, source_id=str(gift.id))) for gift in some]
            facts += [(gift.id, _requested(gift, 1)) for gift in some]
            record_facts(session, facts, now=NOW)
    return [first, *gifts]


def _requested(gift: Gift, attempt: int) -> Fact:
    return _fact(FactKind.CHECKOUT_REQUESTED, f"{gift.id}:{attempt}", attempt=attempt)


def _fact(kind: FactKind, source_id: str, *, attempt: int | None = None, **money: Any) -> Fact:
    evidence: Evidence = {"attempt": attempt} if attempt else {}
    return Fact(
        kind=kind, source_id=source_id, happened_at=NOW, actor="donor", evidence=evidence, **money
    )


def _pieces(things: list[Any]) -> Iterator[list[Any]]:
    for at in range(0, len(things), 500):
        yield things[at : at + 500]


def session_for(gift: Gift, **more: Any) -> dict[str, Any]:
    """Return a paid checkout session of this gift, as Stripe's API shows it."""
    number = next(_numbers)
    return {
        "id": f"cs_test_{number}",
        "object": "checkout.session",
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "payment_intent": f"pi_{number}",
        "amount_total": gift.amount_minor,
        "currency": gift.currency.lower(),
        "client_reference_id": gift.reference,
        "metadata": {"gift_id": str(gift.id), "reference": gift.reference, "attempt": "1"},
    } | more


def refund_of(payment: str, amount: int, status: str = "succeeded", **more: Any) -> dict[str, Any]:
    return {
        "id": f"re_{next(_numbers)}",
        "object": "refund",
        "amount": amount,
        "currency": "cad",
        "payment_intent": payment,
        "reason": None,
        "status": status,
    } | more


def dispute_of(payment: str, status: str = "needs_response", **more: Any) -> dict[str, Any]:
    return {
        "id": f"du_{next(_numbers)}",
        "object": "dispute",
        "amount": AMOUNT,
        "currency": "cad",
        "payment_intent": payment,
        "reason": "fraudulent",
        "status": status,
    } | more


def event(kind: str, about: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": f"evt_{next(_numbers)}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "type": kind,
        "livemode": False,
        "created": int(NOW.timestamp()),
        "data": {"object": about},
    } | more


def as_bytes(event_body: dict[str, Any]) -> bytes:
    return json.dumps(event_body, indent=2).encode()


def sign(body: bytes, secret: str = WEBHOOK_SECRET, at: float | None = None) -> str:
    """Return the Stripe-Signature header that Stripe would send with this body."""
    moment = int(time.time() if at is None else at)
    header: str = WebhookSignature.generate_signature_header(body.decode(), secret, moment)
    return header


def settler_of(database: Database, clock: Clock | None = None) -> Settler:
    return Settler(database, clock or FixedClock(NOW), livemode=False, account="")


def store(database: Database, *events: dict[str, Any], now: datetime = NOW) -> None:
    """Store the events in the inbox in this order, in one transaction."""
    rows = [Arrival(as_bytes(one), now).as_row() for one in events]
    with database.writing() as session:
        for some in _pieces(rows):
            insert_new(session, StripeEvent, some)


def settle(database: Database, *events: dict[str, Any], clock: Clock | None = None) -> None:
    """Store these events in the inbox, and settle every event that is due."""
    clock = clock or FixedClock(NOW)
    store(database, *events, now=clock.now())
    settler = settler_of(database, clock)
    while settler.settle_due():
        pass


def gift_now(database: Database, gift: Gift) -> Gift:
    with database.reading() as session:
        return session.exec(select(Gift).where(Gift.id == gift.id)).one()


def facts_now(database: Database, gift: Gift) -> list[tuple[str, str]]:
    """Return the kind and the source of every fact about a gift, sorted."""
    with database.reading() as session:
        rows = session.exec(select(GiftFact).where(GiftFact.gift_id == gift.id))
        return sorted((fact.kind, fact.source_id) for fact in rows)


def stored_events(database: Database) -> list[StripeEvent]:
    with database.reading() as session:
        return list(session.exec(select(StripeEvent)))


def event_now(database: Database, event_body: dict[str, Any]) -> StripeEvent:
    with database.reading() as session:
        return session.exec(
            select(StripeEvent).where(StripeEvent.event_id == event_body["id"])
        ).one()
