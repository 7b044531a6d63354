"""Invoices that staff marked at Stripe as paid in another way."""

from itertools import permutations
from typing import Any

from donate.gifts.models import Gift
from donate.gifts.queries import plain_facts_of
from donate.gifts.refundable import payments_of
from donate.storage.database import Database
from donate.stripe_gateway.events.synthetic import as_invoice_events
from tests.stripe_gateway.gifts_and_events import (
    AMOUNT,
    NOW,
    event,
    facts_now,
    gift_now,
    give,
    settle,
)
from tests.stripe_gateway.months import (
    BEFORE_BASIL,
    first_session,
    invoice_event,
    invoice_payment_event,
    months_of,
)


def record_of(invoice_id: str, amount: int = AMOUNT) -> dict[str, Any]:
    """Return the invoice_payment of an invoice that was paid outside Stripe."""
    return {
        "id": f"inpay_{invoice_id}_outside",
        "object": "invoice_payment",
        "invoice": invoice_id,
        "amount_paid": amount,
        "currency": "cad",
        "livemode": False,
        "payment": {"type": "payment_record", "payment_record": f"pr_{invoice_id}"},
        "status": "paid",
    }


def left_to_refund(database: Database, gift: Gift) -> list[int]:
    with database.reading() as session:
        facts = plain_facts_of(session, gift.id)
    return [payment.left_minor for payment in payments_of(facts)]


def test_a_month_paid_outside_cannot_be_refunded(database: Database) -> None:
    """A month that was paid outside Stripe is confirmed, but cannot be refunded through Stripe."""
    for order in permutations(range(2)):
        gift = give(database, frequency="monthly")
        invoice_id = f"in_2_{gift.reference}"
        events = [
            invoice_event(gift, invoice_id),
            event("invoice_payment.paid", record_of(invoice_id)),
        ]
        settle(database, event("checkout.session.completed", first_session(gift)))
        for place in order:
            settle(database, events[place])
        (month,) = months_of(database, gift)
        assert (month.status, month.received_minor, month.flags) == ("confirmed", AMOUNT, "")
        assert ("paid_outside", f"pr_{invoice_id}") in facts_now(database, month)
        assert left_to_refund(database, month) == []


def test_before_basil_the_invoice_shows_payment_outside(database: Database) -> None:
    """Before API version basil, the invoice's paid_out_of_band shows a payment outside Stripe."""
    gift = give(database, frequency="monthly")
    more: dict[str, Any] = {"paid_out_of_band": True, "amount_paid": 0, "payment_intent": None}
    settle(database, invoice_event(gift, "in_2", version=BEFORE_BASIL, **more))
    (month,) = months_of(database, gift)
    assert (month.status, month.received_minor) == ("confirmed", AMOUNT)
    assert ("paid_outside", "in_2") in facts_now(database, month)
    assert left_to_refund(database, month) == []


def test_catchup_finds_a_payment_outside(database: Database) -> None:
    """If catch-up and a webhook both report a payment outside Stripe, that is one fact."""
    gift = give(database, frequency="monthly")
    listed = invoice_event(gift, "in_2")["data"]["object"]
    listed |= {"livemode": False, "payments": {"data": [record_of("in_2")]}}
    settle(database, *as_invoice_events(listed, NOW))
    settle(database, event("invoice_payment.paid", record_of("in_2")))
    (month,) = months_of(database, gift)
    assert facts_now(database, month).count(("paid_outside", "pr_in_2")) == 1
    assert left_to_refund(database, month) == []


def test_an_invoice_partly_paid_outside(database: Database) -> None:
    """If part of an invoice was paid outside Stripe, only the rest can be refunded at Stripe."""
    gift = give(database, frequency="monthly")
    settle(
        database,
        invoice_event(gift, "in_2"),
        invoice_payment_event("in_2"),
        event("invoice_payment.paid", record_of("in_2", 2_000)),
    )
    (month,) = months_of(database, gift)
    assert gift_now(database, month).received_minor == AMOUNT
    assert left_to_refund(database, month) == [AMOUNT - 2_000]
