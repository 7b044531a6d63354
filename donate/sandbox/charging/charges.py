"""Charges. A charge is one attempt to collect a payment intent's money, and its outcome."""

from typing import Any

from donate.sandbox.objects.attempts import Attempt
from donate.sandbox.objects.balance import book_payment
from donate.sandbox.objects.cards import (
    Decline,
    method_of,
)
from donate.sandbox.objects.payments import new_charge
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store


def charge_intent(store: Store, intent: StripeObject, attempt: Attempt) -> StripeObject:
    """Charge a payment intent and return the charge; its status is the outcome."""
    billing = {"email": attempt.email, "name": attempt.name}
    charge = new_charge(store, intent, billing, attempt.method_details)
    charge["payment_method"] = attempt.method or charge["payment_method"]
    store.charges.put(charge)
    intent["latest_charge"] = charge["id"]
    if attempt.outcome == "declined":
        fail_charge(store, charge, intent, attempt.decline)
        return charge
    intent["payment_method"] = charge["payment_method"]
    if attempt.outcome == "paid":
        succeed_charge(store, charge, intent)
    else:
        intent["status"] = "processing"
        store.announce("payment_intent.processing", intent)
        store.announce("charge.pending", charge)
    return charge


def succeed_charge(store: Store, charge: StripeObject, intent: StripeObject) -> None:
    book_payment(store, charge)
    charge.update(
        amount_captured=charge["amount"],
        captured=True,
        outcome=_outcome("approved_by_network", "authorized", None, "Payment complete."),
        paid=True,
        status="succeeded",
    )
    intent.update(amount_received=intent["amount"], last_payment_error=None, status="succeeded")
    store.announce("charge.succeeded", charge)
    store.announce("payment_intent.succeeded", intent)


def fail_charge(store: Store, charge: StripeObject, intent: StripeObject, decline: Decline) -> None:
    charge.update(
        failure_code=decline.code,
        failure_message=decline.message,
        outcome=_outcome(
            "declined_by_network", "issuer_declined", decline.decline_code, decline.message
        ),
        status="failed",
    )
    intent.update(
        last_payment_error={
            "charge": charge["id"],
            "code": decline.code,
            "decline_code": decline.decline_code,
            "doc_url": f"https://stripe.com/docs/error-codes/{decline.code.replace('_', '-')}",
            "message": decline.message,
            "payment_method": method_of(charge),
            "type": "card_error",
        },
        payment_method=None,
        status="requires_payment_method",
    )
    store.announce("charge.failed", charge)
    store.announce("payment_intent.payment_failed", intent)


def _outcome(network: str, kind: str, reason: str | None, message: str) -> dict[str, Any]:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": network,
        "reason": reason,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": message,
        "type": kind,
    }
