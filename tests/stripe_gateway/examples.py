"""Short examples of Stripe's events; tests use them unchanged, or make them invalid."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from donate.stripe_gateway.events.fields import IrrelevantEvent, PayoutNews, Reading
from donate.stripe_gateway.events.parser import envelope_of, read_event

GIFT_ID = uuid.UUID("0195a0b0-0000-7000-8000-000000000001")
CREATED = 1_772_366_400
AT = datetime.fromtimestamp(CREATED, UTC)

SESSION: dict[str, Any] = {
    "id": "cs_test_1",
    "object": "checkout.session",
    "mode": "payment",
    "client_reference_id": "LWCAN-7KQ4M2X",
    "amount_total": 5_000,
    "currency": "cad",
    "payment_status": "paid",
    "payment_intent": "pi_1",
    "metadata": {"gift_id": str(GIFT_ID), "attempt": "1"},
}
REFUND: dict[str, Any] = {
    "id": "re_1",
    "object": "refund",
    "amount": 1_000,
    "currency": "cad",
    "payment_intent": "pi_1",
    "status": "succeeded",
    "reason": "requested_by_customer",
}
DISPUTE: dict[str, Any] = {**REFUND, "id": "dp_1", "object": "dispute", "status": "needs_response"}
DECLINE: dict[str, Any] = {
    "id": "pi_1",
    "object": "payment_intent",
    "latest_charge": "ch_1",
    "last_payment_error": {"code": "card_declined", "decline_code": "insufficient_funds"},
    "metadata": {"gift_id": str(GIFT_ID)},
}
CHARGE: dict[str, Any] = {
    "id": "ch_1",
    "object": "charge",
    "failure_code": "expired",
    "metadata": DECLINE["metadata"],
}

COMPLETED = "checkout.session.completed"
LATER = "checkout.session.async_payment_succeeded"
FAILED = "checkout.session.async_payment_failed"
EXPIRED = "checkout.session.expired"
KINDS: dict[str, dict[str, Any]] = {
    COMPLETED: SESSION,
    LATER: SESSION,
    FAILED: SESSION,
    EXPIRED: SESSION,
    "refund.created": REFUND,
    "charge.refund.updated": REFUND,
    "charge.dispute.created": DISPUTE,
    "charge.dispute.closed": DISPUTE,
    "payment_intent.payment_failed": DECLINE,
    "charge.failed": CHARGE,
}


def event(kind: str, content: Any, **more: Any) -> dict[str, Any]:
    body = {
        "id": "evt_1",
        "object": "event",
        "api_version": "2025-03-31.basil",
        "created": CREATED,
        "livemode": False,
        "type": kind,
        "data": {"object": content},
    }
    return body | more


def read(kind: str, content: dict[str, Any], **more: Any) -> Reading | IrrelevantEvent:
    body = json.dumps(event(kind, content | more)).encode()
    result = read_event(envelope_of(body))
    assert not isinstance(result, PayoutNews)
    return result
