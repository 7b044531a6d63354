"""Parses a Stripe event from JSON into facts. Pure: it makes no requests and stores nothing.

There are four possible results: a `Reading` (facts about a gift of ours), `PayoutNews` (a payout
has changed), an `IrrelevantEvent` (authentic, with nothing to record), or the error `UnusableEvent`
(authentic, but it cannot be applied; staff see the reason).
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from donate.gifts.evidence import Evidence
from donate.gifts.facts import Fact, FactKind
from donate.stripe_gateway.events.disputes import read_dispute
from donate.stripe_gateway.events.fields import (
    Claim,
    Envelope,
    IrrelevantEvent,
    PayoutNews,
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
from donate.stripe_gateway.events.pledges import read_subscription
from donate.stripe_gateway.events.subscriptions import (
    read_agreement,
    read_invoice,
    read_invoice_payment,
)


class _AnyObject(BaseModel):
    """Any object. Its fields are not read."""


class _Data(BaseModel):
    object: _AnyObject


class _Head(BaseModel):
    """The fields of an event, except its object."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True)

    object: Literal["event"]
    id: str
    type: str
    created: int
    livemode: bool
    data: _Data


def id_and_type(body: bytes) -> tuple[str, str]:
    """Return an event's id and type. Raises UnusableEvent with the reason.

    The inbox writer calls this for every event. It returns the same values as `envelope_of`, but in
    a third of the time, because it does not build the event's object.
    """
    try:
        head = _Head.model_validate_json(body)
    except ValidationError:
        envelope = envelope_of(body)
        return envelope.event_id, envelope.type
    event = {"id": head.id, "type": head.type, "created": head.created}
    event_id, event_type = read_text(event, "id"), read_text(event, "type")
    read_instant(event, "created")
    return event_id, event_type


def envelope_of(body: bytes) -> Envelope:
    """Parse an event into its envelope. Raises UnusableEvent with the reason."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnusableEvent(f"not readable as JSON ({type(error).__name__})") from error
    if not isinstance(event, dict):
        raise UnusableEvent("not a JSON object")
    return envelope_of_event(event)


def envelope_of_event(event: Mapping[str, Any]) -> Envelope:
    """Return the envelope of an event that is already parsed. Raises UnusableEvent."""
    if event.get("object") == "v2.core.event":
        raise UnusableEvent("a thin (v2) event; this endpoint takes snapshot events")
    event_id, event_type = read_text(event, "id"), read_text(event, "type")
    livemode, data = event.get("livemode"), event.get("data")
    if not isinstance(livemode, bool):
        raise UnusableEvent("livemode is missing")
    if not isinstance(data, dict) or not isinstance(data.get("object"), dict):
        raise UnusableEvent("data.object is missing")
    account = event.get("account")
    return Envelope(
        event_id=event_id,
        type=event_type,
        account=account if isinstance(account, str) else None,
        livemode=livemode,
        happened_at=read_instant(event, "created"),
        object=data["object"],
    )


def read_event(envelope: Envelope) -> Reading | PayoutNews | IrrelevantEvent:
    """Return what an event says about a gift or a payout. Raises UnusableEvent with the reason."""
    event_type, stripe_object = envelope.type, envelope.object
    match event_type.split("."):
        case ["checkout", "session", step]:
            reader = read_agreement if stripe_object.get("mode") == "setup" else _read_session
            return reader(step, stripe_object, envelope.happened_at)
        case ["payment_intent", "payment_failed"]:
            return _read_decline(
                stripe_object,
                stripe_object.get("latest_charge"),
                stripe_object.get("last_payment_error"),
                envelope,
            )
        case ["charge", "failed"]:
            error = {"code": stripe_object.get("failure_code")}
            return _read_decline(stripe_object, stripe_object.get("id"), error, envelope)
        case ["invoice", ("paid" | "payment_failed") as step]:
            return read_invoice(step, envelope)
        case ["invoice_payment", "paid"]:
            return read_invoice_payment(envelope)
        case ["customer", "subscription", *_]:
            return read_subscription(envelope)
        case ["refund", _] | ["charge", "refund", "updated"]:
            return _read_refund(stripe_object, envelope.happened_at)
        case ["charge", "dispute", step]:
            return read_dispute(step, stripe_object, envelope.happened_at)
        case ["payout", _]:
            return PayoutNews(read_text(stripe_object, "id"))
        case _:
            return IrrelevantEvent("nothing to record for this type of event")


def _read_session(step: str, session: Mapping[str, Any], at: datetime) -> Reading | IrrelevantEvent:
    gift_id = read_gift_id(session.get("metadata"))
    if gift_id is None:
        return IrrelevantEvent("a checkout session that this service did not open")
    mode = session.get("mode")
    if mode not in ("payment", "subscription"):
        raise UnusableEvent(f"a checkout session of mode {read_word(session, 'mode')!r}")
    status, session_id = read_word(session, "payment_status"), read_text(session, "id")
    attempt = read_attempt(session["metadata"])
    claim = Claim(
        reference=read_text(session, "client_reference_id"),
        monthly=mode == "subscription",
        amount_minor=read_minor_units(session, "amount_total"),
        currency=read_currency(session),
        session_id=session_id,
        attempt=attempt,
    )
    facts = [stripe_fact(FactKind.CHECKOUT_OPENED, session_id, at, evidence={"attempt": attempt})]
    match step, status:
        case (("completed" | "async_payment_succeeded"), "paid"):
            facts.append(_payment_fact(session, claim, at))
        case "completed", "unpaid":
            facts.append(stripe_fact(FactKind.PAYMENT_PROCESSING, session_id, at))
            facts += read_confirmation(session.get("payment_intent"), session_id, at)
        case "async_payment_failed", _:
            facts.append(stripe_fact(FactKind.PAYMENT_FAILED, session_id, at))
        case "expired", _:
            facts.append(stripe_fact(FactKind.CHECKOUT_EXPIRED, session_id, at))
        case (("completed" | "async_payment_succeeded"), _):
            raise UnusableEvent(f"payment_status is {status!r}: that is no gift")
        case _:
            return IrrelevantEvent("nothing to record for this type of event")
    if claim.monthly and step != "expired":
        facts.append(stripe_fact(FactKind.PLEDGE_STARTED, read_text(session, "subscription"), at))
    return Reading(facts=tuple(facts), gift_id=gift_id, claim=claim)


def _payment_fact(session: Mapping[str, Any], claim: Claim, at: datetime) -> Fact:
    # A pledge's first payment is made through an invoice, and the invoice has events of its own. If
    # the invoice is the fact's source, both events give the same fact.
    source = read_text(session, "invoice" if claim.monthly else "payment_intent")
    return stripe_fact(
        FactKind.PAYMENT_SUCCEEDED,
        source,
        at,
        amount_minor=claim.amount_minor,
        currency=claim.currency,
        evidence={"session": claim.session_id, "payment_status": "paid"},
    )


def _read_decline(
    stripe_object: Mapping[str, Any], charge: Any, error: Any, envelope: Envelope
) -> Reading | IrrelevantEvent:
    gift_id = read_gift_id(stripe_object.get("metadata"))
    if gift_id is None:
        return IrrelevantEvent("a payment that this service did not begin")
    charge_id = charge if is_id(charge) else envelope.event_id
    details = error if isinstance(error, dict) else {}
    evidence: Evidence = {}
    if details.get("code"):
        evidence["code"] = read_word(details, "code")
    if details.get("decline_code"):
        evidence["decline_code"] = read_word(details, "decline_code")
    fact = stripe_fact(
        FactKind.PAYMENT_DECLINED, charge_id, envelope.happened_at, evidence=evidence
    )
    return Reading(facts=(fact,), gift_id=gift_id)


def _read_refund(refund: Mapping[str, Any], at: datetime) -> Reading | IrrelevantEvent:
    if refund.get("payment_intent") is None:
        return IrrelevantEvent("a refund of a charge that this service did not make")
    payment = read_text(refund, "payment_intent")
    kinds = {
        "pending": FactKind.REFUND_STARTED,
        "requires_action": FactKind.REFUND_STARTED,
        "succeeded": FactKind.REFUND_SUCCEEDED,
        "failed": FactKind.REFUND_FAILED,
        "canceled": FactKind.REFUND_FAILED,
    }
    status = read_word(refund, "status")
    if status not in kinds:
        raise UnusableEvent(f"a refund with the unknown status {status!r}")
    evidence: Evidence = {
        "payment_intent": payment,
        "status": status,
        "reason": read_word(refund, "reason"),
    }
    if read_word(refund, "failure_reason"):
        evidence["failure_reason"] = read_word(refund, "failure_reason")
    metadata = refund.get("metadata")
    if isinstance(metadata, dict) and read_word(metadata, "request"):
        evidence["request"] = read_word(metadata, "request")  # The refund request's id.
    return Reading(
        facts=(returned_fact(kinds[status], read_text(refund, "id"), refund, at, evidence),),
        payment=payment,
    )
