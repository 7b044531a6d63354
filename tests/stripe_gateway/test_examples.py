"""The events that the tests and the benchmark make fit Stripe's published documents."""

import json
import uuid
from typing import Any

import pytest

from donate.gifts.models import Gift
from tests.benchmarks.events import PAID, paid
from tests.sandbox.differences import STANDING
from tests.sandbox.shapes import stripe_shapes
from tests.stripe_gateway.examples import GIFT_ID, KINDS, event
from tests.stripe_gateway.gifts_and_events import AMOUNT, dispute_of, refund_of, session_for
from tests.stripe_gateway.months import (
    first_session,
    invoice_event,
    invoice_payment_event,
    subscription_event,
)

# A gift with only the fields that are needed to make an event about it.
FIELDS: dict[str, Any] = {
    "id": GIFT_ID,
    "reference": "LWCAN-7KQ4M2X",
    "amount_minor": AMOUNT,
    "currency": "CAD",
}
GIFT = Gift(**FIELDS)
EVENTS = [
    *[event(kind, thing) for kind, thing in KINDS.items()],
    event("checkout.session.completed", session_for(GIFT)),
    event("checkout.session.completed", first_session(GIFT)),
    event("refund.updated", refund_of("pi_1", 100)),
    event("charge.dispute.created", dispute_of("pi_1")),
    invoice_event(GIFT, "in_1"),
    invoice_event(GIFT, "in_1", step="payment_failed"),
    invoice_payment_event("in_1"),
    subscription_event(GIFT, "updated"),
]
# A difference that ends with this text is allowed, because a test's event may lack fields.
MISSING = "is missing"


def differences(body: dict[str, Any]) -> set[str]:
    return {one.name for one in stripe_shapes().event(body)} - STANDING.keys()


@pytest.mark.parametrize("body", EVENTS, ids=lambda body: body["type"])
def test_an_event_of_the_tests_has_only_stripes_fields(body: dict[str, Any]) -> None:
    """An event that the tests make has no field or value that Stripe's documents do not allow."""
    assert {name for name in differences(body) if not name.endswith(MISSING)} == set()


def test_the_benchmarks_event_is_complete() -> None:
    """The event that the benchmark sends has every field that Stripe's documents require."""
    assert "payment_intent" in PAID
    words = ("session", "gift", "reference", "payment", "event")
    body = json.loads(paid({word: str(uuid.uuid4()) for word in words}))
    assert differences(body) == set()
