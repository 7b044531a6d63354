"""What happens when a donor submits the hosted page: paid, declined, or under way for days."""

from dataclasses import dataclass
from typing import Any, Literal

from donate.sandbox.balance import book_payment
from donate.sandbox.errors import Refusal
from donate.sandbox.objects import customer_details, new_charge, new_payment_intent
from donate.sandbox.payment_methods import (
    BANK_REFUSED,
    GENERIC_DECLINE,
    Decline,
    KnownCard,
    bank_debit_details,
    card_details,
)
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

Outcome = Literal["paid", "declined", "processing"]


@dataclass(frozen=True)
class Attempt:
    """One submission of the page, already told apart from a typing mistake."""

    email: str | None
    name: str | None
    method_details: dict[str, Any]
    outcome: Outcome
    decline: Decline = GENERIC_DECLINE


def card_attempt(card: KnownCard, email: str | None, name: str | None) -> Attempt:
    details = card_details(card.number, card.brand, card.country)
    if card.decline:
        return Attempt(email, name, details, "declined", card.decline)
    return Attempt(email, name, details, "paid")


def bank_debit_attempt(
    institution: str, transit: str, account: str, email: str | None, name: str | None
) -> Attempt:
    details = bank_debit_details(institution, transit, account)
    return Attempt(email, name, details, "processing", BANK_REFUSED)


def pay(store: Store, session: StripeObject, attempt: Attempt) -> StripeObject:
    """Make the charge and every object and event around it; raise Refusal if no longer open."""
    if session["status"] != "open":
        raise Refusal(f"This Checkout Session is {session['status']} and cannot be paid.")
    intent = _payment_intent_of(store, session)
    billing = {"email": attempt.email or session["customer_email"], "name": attempt.name}
    charge = new_charge(store, intent, billing, attempt.method_details)
    store.charges.put(charge)
    intent["latest_charge"] = charge["id"]
    if attempt.outcome == "declined":
        _fail_charge(store, charge, intent, attempt.decline)
        return charge
    intent["payment_method"] = charge["payment_method"]
    if attempt.outcome == "paid":
        _succeed_charge(store, charge, intent)
    else:
        intent["status"] = "processing"
        store.announce("payment_intent.processing", intent)
        store.announce("charge.pending", charge)
    session["status"] = "complete"
    session["url"] = None
    session["customer_details"] = customer_details(billing["email"], attempt.name)
    session["payment_status"] = "paid" if attempt.outcome == "paid" else "unpaid"
    store.announce("checkout.session.completed", session)
    return charge


def settle(store: Store, session: StripeObject, *, succeeds: bool) -> StripeObject:
    """Bring a payment that was under way to its end, days later."""
    intent_id = session["payment_intent"]
    intent = store.payment_intents.get(intent_id) if intent_id else None
    if intent is None or intent["status"] != "processing":
        raise Refusal("This Checkout Session has no payment under way.")
    charge = store.find(store.charges, intent["latest_charge"])
    if succeeds:
        _succeed_charge(store, charge, intent)
        session["payment_status"] = "paid"
        store.announce("checkout.session.async_payment_succeeded", session)
    else:
        _fail_charge(store, charge, intent, BANK_REFUSED)
        store.announce("checkout.session.async_payment_failed", session)
    return charge


def _payment_intent_of(store: Store, session: StripeObject) -> StripeObject:
    """Made at the first attempt and not before, as Stripe does since version 2022-08-01."""
    if session["payment_intent"] is not None:
        return store.find(store.payment_intents, session["payment_intent"])
    intent = new_payment_intent(store, session)
    store.payment_intents.put(intent)
    session["payment_intent"] = intent["id"]
    store.announce("payment_intent.created", intent)
    return intent


def _succeed_charge(store: Store, charge: StripeObject, intent: StripeObject) -> None:
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


def _fail_charge(
    store: Store, charge: StripeObject, intent: StripeObject, decline: Decline
) -> None:
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
            "payment_method": {"id": charge["payment_method"], "object": "payment_method"},
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
