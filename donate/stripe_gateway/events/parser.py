"""Reads a Stripe event as JSON into facts. Pure: bytes in, values out, nothing is asked or stored.

An event is one of three: a `Reading` (facts about a gift of ours), an `IrrelevantEvent` (authentic,
nothing to record), or the error `UnusableEvent` (authentic, cannot be applied; staff see why).
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from donate.gifts.facts import Fact, FactKind
from donate.stripe_gateway.events.disputes import read_dispute
from donate.stripe_gateway.events.fields import (
    Claim,
    Envelope,
    IrrelevantEvent,
    Reading,
    UnusableEvent,
    is_id,
    read_attempt,
    read_confirmation,
    read_currency,
    read_gift_id,
    read_instant,
    read_minor_units,
    read_text,
    read_word,
    returned_fact,
    stripe_fact,
)
from donate.stripe_gateway.events.subscriptions import (
    read_agreement,
    read_invoice,
    read_invoice_payment,
    read_subscription,
)


class _Anything(BaseModel):
    """An object of Stripe's, whatever is in it."""


class _Data(BaseModel):
    object: _Anything


class _Head(BaseModel):
    """What stands around an event's object, as it does in all that Stripe sends."""

    model_config = ConfigDict(strict=True)

    object: Literal["event"]
    id: str
    type: str
    created: int
    livemode: bool
    data: _Data


def id_and_type(body: bytes) -> tuple[str, str]:
    """Return an event's id and type. Raises Unusable with the reason.

    Takes a third of the time of `envelope_of`, which says the same: what the event is about is not
    built, and the doorway's writer has to name every event.
    """
    try:
        head = _Head.model_validate_json(body)
    except ValidationError:
        envelope = envelope_of(body)
        return envelope.event_id, envelope.type
    event = {"id": head.id, "type": head.type, "created": head.created}
    name = read_text(event, "id"), read_text(event, "type")
    read_instant(event, "created")
    return name


def envelope_of(body: bytes) -> Envelope:
    """Read what stands around an event's object. Raises Unusable with the reason."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnusableEvent(f"not readable as JSON ({type(error).__name__})") from error
    if not isinstance(event, dict):
        raise UnusableEvent("not a JSON object")
    return envelope_of_event(event)


def envelope_of_event(event: Mapping[str, Any]) -> Envelope:
    """Read what stands around an event's object, from JSON that was read. Raises Unusable."""
    if event.get("object") == "v2.core.event":
        raise UnusableEvent("a thin (v2) event; this endpoint takes snapshot events")
    event_id, kind = read_text(event, "id"), read_text(event, "type")
    livemode, data = event.get("livemode"), event.get("data")
    if not isinstance(livemode, bool):
        raise UnusableEvent("livemode is missing")
    if not isinstance(data, dict) or not isinstance(data.get("object"), dict):
        raise UnusableEvent("data.object is missing")
    account = event.get("account")
    return Envelope(
        event_id=event_id,
        type=kind,
        account=account if isinstance(account, str) else None,
        livemode=livemode,
        happened_at=read_instant(event, "created"),
        object=data["object"],
    )


def read_event(envelope: Envelope) -> Reading | IrrelevantEvent:
    """Say what an event tells about a gift. Raises Unusable with the reason."""
    kind, found = envelope.type, envelope.object
    match kind.split("."):
        case ["checkout", "session", step]:
            read = read_agreement if found.get("mode") == "setup" else _session
            return read(step, found, envelope.happened_at)
        case ["payment_intent", "payment_failed"]:
            return _decline(
                found, found.get("latest_charge"), found.get("last_payment_error"), envelope
            )
        case ["charge", "failed"]:
            outcome = {"code": found.get("failure_code")}
            return _decline(found, found.get("id"), outcome, envelope)
        case ["invoice", ("paid" | "payment_failed") as step]:
            return read_invoice(step, envelope)
        case ["invoice_payment", "paid"]:
            return read_invoice_payment(envelope)
        case ["customer", "subscription", *_]:
            return read_subscription(envelope)
        case ["refund", _] | ["charge", "refund", "updated"]:
            return _refund(found, envelope.happened_at)
        case ["charge", "dispute", step]:
            return read_dispute(step, found, envelope.happened_at)
        case _:
            return IrrelevantEvent("nothing to record for this type of event")


def _session(step: str, found: Mapping[str, Any], at: datetime) -> Reading | IrrelevantEvent:
    gift_id = read_gift_id(found.get("metadata"))
    if gift_id is None:
        return IrrelevantEvent("a checkout session that this service did not open")
    mode = found.get("mode")
    if mode not in ("payment", "subscription"):
        raise UnusableEvent(f"a checkout session of mode {read_word(found, 'mode')!r}")
    status, session_id = read_word(found, "payment_status"), read_text(found, "id")
    claim = Claim(
        reference=read_text(found, "client_reference_id"),
        monthly=mode == "subscription",
        amount_minor=read_minor_units(found, "amount_total"),
        currency=read_currency(found),
        session_id=session_id,
        attempt=read_attempt(found["metadata"]),
    )
    facts = [
        stripe_fact(FactKind.CHECKOUT_OPENED, session_id, at, evidence={"attempt": claim.attempt})
    ]
    match step, status:
        case (("completed" | "async_payment_succeeded"), "paid"):
            facts.append(_paid(found, claim, at))
        case "completed", "unpaid":
            facts.append(stripe_fact(FactKind.PAYMENT_PROCESSING, session_id, at))
            facts += read_confirmation(found.get("payment_intent"), session_id, at)
        case "async_payment_failed", _:
            facts.append(stripe_fact(FactKind.PAYMENT_FAILED, session_id, at))
        case "expired", _:
            facts.append(stripe_fact(FactKind.CHECKOUT_EXPIRED, session_id, at))
        case (("completed" | "async_payment_succeeded"), _):
            raise UnusableEvent(f"payment_status is {status!r}: that is no gift")
        case _:
            return IrrelevantEvent("nothing to record for this type of event")
    if claim.monthly and step != "expired":
        facts.append(stripe_fact(FactKind.PLEDGE_STARTED, read_text(found, "subscription"), at))
    return Reading(facts=tuple(facts), gift_id=gift_id, claim=claim)


def _paid(found: Mapping[str, Any], claim: Claim, at: datetime) -> Fact:
    # A pledge's first month is paid through an invoice, which tells of the same money by itself.
    source = read_text(found, "invoice" if claim.monthly else "payment_intent")
    return stripe_fact(
        FactKind.PAYMENT_SUCCEEDED,
        source,
        at,
        amount_minor=claim.amount_minor,
        currency=claim.currency,
        evidence={"session": claim.session_id, "payment_status": "paid"},
    )


def _decline(
    found: Mapping[str, Any], charge: Any, outcome: Any, envelope: Envelope
) -> Reading | IrrelevantEvent:
    gift_id = read_gift_id(found.get("metadata"))
    if gift_id is None:
        return IrrelevantEvent("a payment that this service did not begin")
    charge_id = charge if is_id(charge) else envelope.event_id
    why = outcome if isinstance(outcome, dict) else {}
    words = {key: read_word(why, key) for key in ("code", "decline_code") if why.get(key)}
    fact = stripe_fact(FactKind.PAYMENT_DECLINED, charge_id, envelope.happened_at, evidence=words)
    return Reading(facts=(fact,), gift_id=gift_id)


def _refund(found: Mapping[str, Any], at: datetime) -> Reading | IrrelevantEvent:
    if found.get("payment_intent") is None:
        return IrrelevantEvent("a refund of a charge that this service did not make")
    payment = read_text(found, "payment_intent")
    kinds = {
        "pending": FactKind.REFUND_STARTED,
        "requires_action": FactKind.REFUND_STARTED,
        "succeeded": FactKind.REFUND_SUCCEEDED,
        "failed": FactKind.REFUND_FAILED,
        "canceled": FactKind.REFUND_FAILED,
    }
    status = read_word(found, "status")
    if status not in kinds:
        raise UnusableEvent(f"a refund with the unknown status {status!r}")
    evidence = {"payment_intent": payment, "status": status, "reason": read_word(found, "reason")}
    if read_word(found, "failure_reason"):
        evidence["failure_reason"] = read_word(found, "failure_reason")
    metadata = found.get("metadata")
    if isinstance(metadata, dict) and read_word(metadata, "request"):
        evidence["request"] = read_word(metadata, "request")  # our desk asked for it
    return Reading(
        facts=(returned_fact(kinds[status], read_text(found, "id"), found, at, evidence),),
        payment=payment,
    )
