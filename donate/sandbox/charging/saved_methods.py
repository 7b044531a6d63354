"""Customers' saved payment methods, and the one that pays for a subscription.

A subscription's own default method is used first, otherwise its customer's default:
https://docs.stripe.com/api/subscriptions/update#update_subscription-default_payment_method
"""

from dataclasses import replace
from typing import Any

from donate.sandbox.errors import invalid_parameter, no_such
from donate.sandbox.objects.attempts import Attempt
from donate.sandbox.objects.parts import no_address, null_fields
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store


def save_method(
    store: Store, attempt: Attempt, customer: str | None, method_id: str | None = None
) -> str:
    """Save a card or bank account and return its id."""
    method = _new_method(store, attempt, customer, method_id or store.new_id("pm_1"))
    store.payment_methods.put(method)
    store.attempts[method["id"]] = replace(attempt, method=method["id"])
    if customer:
        store.announce("payment_method.attached", method)
    return str(method["id"])


def saved_method_of(store: Store, subscription_id: str) -> Attempt | None:
    """Return the method that pays a subscription's invoices, or None."""
    own = store.saved_methods.get(subscription_id)
    subscription = store.subscriptions.get(subscription_id)
    if own or subscription is None:
        return own
    customer = store.find(store.customers, subscription["customer"])
    return store.attempts.get(customer["invoice_settings"]["default_payment_method"] or "")


def check_method(store: Store, method_id: str, customer: str, path: str) -> str:
    """Return the method's id. Raises Refusal if it does not exist or is another customer's."""
    method = store.payment_methods.get(method_id)
    if method is None:
        raise no_such("PaymentMethod", method_id, path, status=400)
    if method["customer"] != customer:
        raise invalid_parameter(
            path, "The customer does not have a payment method with this ID attached."
        )
    return method_id


def set_default_method(store: Store, customer: StripeObject, method_id: str) -> None:
    """Make a saved method the default for its customer's subscriptions."""
    settings = customer["invoice_settings"]
    before = {"invoice_settings": {**settings}}
    settings["default_payment_method"] = method_id
    store.announce("customer.updated", customer, previous=before)


def _new_method(
    store: Store, attempt: Attempt, customer: str | None, method_id: str
) -> StripeObject:
    kind = attempt.method_details["type"]
    return {
        "id": method_id,
        "object": "payment_method",
        kind: _card(attempt) if kind == "card" else _account(attempt),
        "allow_redisplay": "limited",
        "billing_details": {
            **null_fields("phone tax_id"),
            "address": no_address(),
            "email": attempt.email,
            "name": attempt.name,
        },
        "created": store.now(),
        "customer": customer,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": kind,
    }


def _account(attempt: Attempt) -> dict[str, Any]:
    fields = "bank_name fingerprint institution_number last4 transit_number".split()
    account = attempt.method_details["acss_debit"]
    return {name: account[name] for name in fields}


def _card(attempt: Attempt) -> dict[str, Any]:
    fields = "brand checks country exp_month exp_year fingerprint funding last4".split()
    card = attempt.method_details["card"]
    return {
        **{name: card[name] for name in fields},
        "display_brand": card["brand"],
        "generated_from": None,
        "networks": {"available": [card["brand"]], "preferred": None},
        "regulated_status": card["regulated_status"],
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }
