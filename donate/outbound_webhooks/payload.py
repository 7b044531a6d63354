"""Writes the content of webhooks. `docs/webhooks.md` documents it.

The content is computed from the facts up to the one that caused the event. So it is the same each
time it is sent, and later facts about the gift do not change it.
"""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlmodel import Session, col, select

from donate.gifts.facts import Fact
from donate.gifts.models import Donor, Gift, GiftFact, plain_facts
from donate.gifts.monthly.pledge_copy import copy_of_pledge
from donate.gifts.queries import wish_of
from donate.gifts.status import status_of
from donate.outbound_webhooks.events import OutboundEvent
from donate.outbound_webhooks.models import WebhookDelivery

VERSION: Final = 1
"""The version of the content. It rises when a field changes its meaning or is left out."""


def body_of(session: Session, delivery: WebhookDelivery, *, with_donor: bool) -> str:
    """Return the content of a webhook as JSON.

    `with_donor` adds the donor's name, e-mail address and language as they are now.
    """
    if delivery.fact_id is None:
        return _as_json(delivery.event, delivery.found_at, {})
    fact = session.get_one(GiftFact, delivery.fact_id)
    gift = session.get_one(Gift, fact.gift_id)
    facts = _facts_until(session, fact)
    data: dict[str, Any] = {"sequence": fact.id}
    if delivery.event == OutboundEvent.PLEDGE_CHANGED:
        data |= {"change": delivery.change, "pledge": _pledge(gift, facts)}
    else:
        # Only the fact that staff undid a transfer may have no amount.
        amount = fact.amount_minor or _amount_undone(facts, fact)
        data |= {"amount_minor": amount, "currency": gift.currency}
        if delivery.event == OutboundEvent.GIFT_DISPUTE_CLOSED:
            data["outcome"] = delivery.change
        data["gift"] = _gift(session, gift, facts)
    if with_donor:
        data["donor"] = _donor(session, gift)
    return _as_json(delivery.event, fact.happened_at, data)


def _as_json(event: OutboundEvent, happened_at: datetime, data: dict[str, Any]) -> str:
    content = {"type": event, "timestamp": _moment(happened_at), "version": VERSION, "data": data}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _facts_until(session: Session, fact: GiftFact) -> list[Fact]:
    rows = select(GiftFact).where(GiftFact.gift_id == fact.gift_id, col(GiftFact.id) <= fact.id)
    return plain_facts(session.exec(rows.order_by(col(GiftFact.id))))


def _amount_undone(facts: Sequence[Fact], undoing: GiftFact) -> int | None:
    same = (fact.amount_minor for fact in facts if fact.source_id == undoing.source_id)
    return next((amount for amount in same if amount), None)


def _gift(session: Session, gift: Gift, facts: Sequence[Fact]) -> dict[str, Any]:
    status = status_of(facts)
    return {
        "id": str(gift.id),
        "reference": gift.reference,
        "code": gift.code,
        "mode": gift.mode,
        "fund": gift.fund,
        "frequency": gift.frequency,
        "pledge_reference": _reference(session, gift.pledge_id),
        "currency": gift.currency,
        "amount_minor": gift.amount_minor,
        "status": status.name,
        "received_minor": status.received_minor,
        "returned_minor": status.returned_minor,
        "net_minor": status.net_minor,
        "opened_at": _moment(gift.opened_at),
        "received_at": _moment(status.received_at) if status.received_at else None,
    }


def _reference(session: Session, gift_id: uuid.UUID | None) -> str | None:
    return session.get_one(Gift, gift_id).reference if gift_id else None


def _pledge(gift: Gift, facts: Sequence[Fact]) -> dict[str, Any]:
    pledge = copy_of_pledge(facts, gift.amount, gift.time_zone, status_of(facts).name)
    return {
        "reference": gift.reference,
        "code": gift.code,
        "mode": gift.mode,
        "fund": gift.fund,
        "currency": gift.currency,
        "amount_minor": pledge.amount_minor,
        "stage": pledge.stage,
        "next_on": _day(pledge.next_on),
        "resumes_on": _day(pledge.resumes_on),
        "ends_on": _day(pledge.ends_on),
        "opened_at": _moment(gift.opened_at),
    }


def _donor(session: Session, gift: Gift) -> dict[str, Any]:
    donor, wish = session.get_one(Donor, gift.donor_id), wish_of(session, gift)
    return {
        "name": donor.name,
        "email": donor.email,
        "language": donor.language,
        "is_anonymous": bool(wish and wish.is_anonymous),
    }


def _moment(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
