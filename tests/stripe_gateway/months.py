"""Stripe's events about a pledge and its months, in the form of each API version."""

from typing import Any

from sqlmodel import select

from donate.gifts.models import Gift
from donate.storage.database import Database
from tests.stripe_gateway.gifts_and_events import (
    AMOUNT,
    NOW,
    event,
    session_for,
)

BEFORE_BASIL = "2024-06-20"
BASIL = "2025-03-31.basil"
TODAY = "2026-10-28.endive"

Told = dict[str, Any]


def metadata_of(gift: Gift) -> dict[str, str]:
    return {"gift_id": str(gift.id), "reference": gift.reference, "attempt": "1"}


def first_session(gift: Gift) -> Told:
    """Return the checkout session that began a pledge; it names an invoice and no payment."""
    names = {"invoice": f"in_{gift.reference}", "subscription": f"sub_{gift.reference}"}
    return session_for(gift, mode="subscription", payment_intent=None, **names)


def invoice_event(
    gift: Gift,
    invoice_id: str,
    *,
    step: str = "paid",
    reason: str = "subscription_cycle",
    version: str = TODAY,
    **more: Any,
) -> Told:
    """Return an event about an invoice of this gift's pledge, paid or failed."""
    about = {"subscription": f"sub_{gift.reference}", "metadata": metadata_of(gift)}
    invoice: Told = {
        "id": invoice_id,
        "object": "invoice",
        "amount_due": AMOUNT,
        "amount_paid": AMOUNT if step == "paid" else 0,
        "attempt_count": 1,
        "billing_reason": reason,
        "created": int(NOW.timestamp()),
        "currency": gift.currency.lower(),
        "status": "paid" if step == "paid" else "open",
    }
    if version == BEFORE_BASIL:
        details = {"metadata": about["metadata"]}
        invoice |= {"subscription": about["subscription"], "subscription_details": details}
        invoice |= {"payment_intent": f"pi_{invoice_id}", "charge": f"ch_{invoice_id}"}
    else:
        invoice["parent"] = {"type": "subscription_details", "subscription_details": about}
    return event(f"invoice.{step}", invoice | more, api_version=version)


def invoice_payment_event(invoice_id: str) -> Told:
    """Return an event that says which payment intent paid an invoice (since API version basil)."""
    payment = {"type": "payment_intent", "payment_intent": f"pi_{invoice_id}"}
    paid = {"id": f"inpay_{invoice_id}", "object": "invoice_payment", "invoice": invoice_id}
    return event("invoice_payment.paid", paid | {"payment": payment, "status": "paid"})


def subscription_event(gift: Gift, step: str, *, at: int = 0, **more: Any) -> Told:
    """Return an event about the pledge's subscription, created `at` seconds after NOW."""
    item = {"price": {"unit_amount": AMOUNT}, "quantity": 1}
    subscription = {
        "id": f"sub_{gift.reference}",
        "object": "subscription",
        "status": "active",
        "currency": gift.currency.lower(),
        "metadata": metadata_of(gift),
        "items": {"data": [item]},
        "pause_collection": None,
        "cancel_at_period_end": False,
    }
    created = int(NOW.timestamp()) + at
    return event(f"customer.subscription.{step}", subscription | more, created=created)


def months_of(database: Database, pledge: Gift) -> list[Gift]:
    """Return the gifts of a pledge's later months, without the first."""
    with database.reading() as session:
        months = session.exec(select(Gift).where(Gift.pledge_id == pledge.id, Gift.id != pledge.id))
        return list(months)
