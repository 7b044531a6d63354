"""The predefined payment methods of Stripe's test mode, by their ids.

The cards that a person types on a page are in `objects/cards.py`.
https://docs.stripe.com/testing and https://docs.stripe.com/payments/acss-debit/set-up-payment
"""

from typing import Any

from donate.sandbox.charging.saved_methods import save_method
from donate.sandbox.errors import Refusal, no_such
from donate.sandbox.objects.attempts import Attempt, bank_debit_attempt, card_attempt
from donate.sandbox.objects.cards import GENERIC_DECLINE, KnownCard
from donate.sandbox.requests.parameters import read, text
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

FAILS_LATER = "pm_card_chargeCustomerFail"
BANK_ACCOUNT = "pm_acssDebit_success"
CARDS = {
    "pm_card_visa": KnownCard("4242424242424242", "visa", "US"),
    "pm_card_chargeDeclined": KnownCard("4000000000000002", "visa", "US", GENERIC_DECLINE),
    "pm_card_createDispute": KnownCard("4000000000000259", "visa", "US"),
    "pm_card_createDisputeInquiry": KnownCard("4000000000001976", "visa", "US"),
    "pm_card_pendingRefund": KnownCard("4000000000007726", "visa", "US"),
    "pm_card_refundFail": KnownCard("4000000000005126", "visa", "US"),
    FAILS_LATER: KnownCard("4000000000000341", "visa", "US", GENERIC_DECLINE),
}


def attempt_with(store: Store, method_id: str, email: str | None) -> Attempt:
    """Return an attempt to pay with a predefined or a saved payment method."""
    if method_id in store.attempts:
        return store.attempts[method_id]
    if method_id == BANK_ACCOUNT:
        return bank_debit_attempt("000", "11000", "000123456789", email, "Ann Check")
    if method_id not in CARDS:
        raise no_such("PaymentMethod", method_id, "payment_method", status=400)
    return card_attempt(CARDS[method_id], email, None)


def save_known_method(store: Store, method_id: str, customer: StripeObject) -> StripeObject:
    """Save a predefined test method as the customer's payment method."""
    attempt = attempt_with(store, method_id, customer["email"])
    return store.find(store.payment_methods, save_method(store, attempt, customer["id"]))


def attach_method(store: Store, parameters: dict[str, Any], method_id: str) -> StripeObject:
    request = read(parameters, {"customer": text()}, required=["customer"])
    customer = store.customers.get(request["customer"])
    if customer is None:
        raise no_such("customer", request["customer"], "customer", status=400)
    attempt = attempt_with(store, method_id, customer["email"])
    if attempt.outcome == "declined" and method_id != FAILS_LATER:
        raise Refusal(attempt.decline.message, status=402, kind="card_error", code="card_declined")
    if attempt.outcome == "processing":
        raise Refusal(
            "This PaymentMethod has to be verified first; confirm a SetupIntent with it.",
            param="payment_method",
        )
    return save_known_method(store, method_id, customer)
