"""What happens after a donor submits the payment page: paid, declined, or processing for days."""

from dataclasses import replace

from donate.sandbox.billing.subscriptions import start_session_subscription
from donate.sandbox.charging.charges import charge_intent, fail_charge, succeed_charge
from donate.sandbox.charging.setups import complete_setup, finish_verification, microdeposits_action
from donate.sandbox.errors import Refusal
from donate.sandbox.objects.attempts import Attempt
from donate.sandbox.objects.cards import BANK_REFUSED
from donate.sandbox.objects.payments import customer_details, new_payment_intent
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store


def pay(
    store: Store, session: StripeObject, attempt: Attempt, *, verified: bool = True
) -> StripeObject | None:
    """Pay a session and return the charge, if any. Raises Refusal if the session is not open.

    Returns None for a setup session, which saves a bank account and charges nothing. Returns None
    also if `verified` is false: the donor must confirm the bank account before it is charged.
    """
    if session["mode"] == "setup":
        complete_setup(store, session, attempt, verified=verified)
        return None
    if session["status"] != "open":
        raise Refusal(f"This Checkout Session is {session['status']} and cannot be paid.")
    attempt = replace(attempt, email=attempt.email or session["customer_email"])
    charge: StripeObject | None = None
    if session["mode"] == "subscription":
        charge = start_session_subscription(store, session, attempt)
    elif verified:
        charge = charge_intent(store, _payment_intent_of(store, session), attempt)
    else:
        _send_deposits(store, _payment_intent_of(store, session), attempt)
    if charge and charge["status"] == "failed":
        return charge
    session["status"] = "complete"
    session["url"] = None
    session["customer_details"] = customer_details(attempt.email, attempt.name)
    session["payment_status"] = "paid" if charge and charge["paid"] else "unpaid"
    store.announce("checkout.session.completed", session)
    return charge


def settle(store: Store, session: StripeObject, *, succeeds: bool) -> StripeObject | None:
    """Finish a session's processing payment, or the verification of its bank account."""
    if session["mode"] == "setup":
        finish_verification(store, session, succeeds=succeeds)
        return None
    intent_id = session["payment_intent"]
    intent = store.payment_intents.get(intent_id) if intent_id else None
    if intent is not None and intent["status"] == "requires_action":
        return _verify(store, session, intent, succeeds=succeeds)
    if intent is None or intent["status"] != "processing":
        raise Refusal("This Checkout Session has no processing payment.")
    charge = store.find(store.charges, intent["latest_charge"])
    if succeeds:
        succeed_charge(store, charge, intent)
        session["payment_status"] = "paid"
        store.announce("checkout.session.async_payment_succeeded", session)
    else:
        fail_charge(store, charge, intent, BANK_REFUSED)
        store.announce("checkout.session.async_payment_failed", session)
    return charge


def _send_deposits(store: Store, intent: StripeObject, attempt: Attempt) -> None:
    store.attempts[intent["id"]] = attempt
    intent["next_action"] = microdeposits_action(store, intent)
    intent["status"] = "requires_action"
    store.announce("payment_intent.requires_action", intent)


def _verify(
    store: Store, session: StripeObject, intent: StripeObject, *, succeeds: bool
) -> StripeObject | None:
    """Charge the bank account if the donor confirmed the deposits; fail the payment if not.

    At Stripe, the payment fails when the donor has not confirmed the deposits within ten days.
    """
    intent["next_action"] = None
    if succeeds:
        return charge_intent(store, intent, store.attempts[intent["id"]])
    intent["status"] = "requires_payment_method"
    intent["last_payment_error"] = {
        "code": "payment_method_microdeposit_verification_timeout",
        "message": "Microdeposit timeout. Customer has not verified their bank account within "
        "the required 10 day period.",
        "type": "invalid_request_error",
    }
    store.announce("payment_intent.payment_failed", intent)
    store.announce("checkout.session.async_payment_failed", session)
    return None


def _payment_intent_of(store: Store, session: StripeObject) -> StripeObject:
    """Return the session's payment intent.

    Since API version 2022-08-01, Stripe creates it when the donor first tries to pay.
    """
    if session["payment_intent"] is not None:
        return store.find(store.payment_intents, session["payment_intent"])
    request = store.payment_intent_data[session["id"]]
    methods = session["payment_method_types"]
    intent = new_payment_intent(
        store, session["amount_total"], session["currency"], methods, request
    )
    intent["allowed_payment_method_types"] = session["allowed_payment_method_types"]
    store.payment_intents.put(intent)
    session["payment_intent"] = intent["id"]
    store.announce("payment_intent.created", intent)
    return intent
