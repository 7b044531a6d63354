"""Payment and setup intents that one API request creates and confirms, and what follows.

https://docs.stripe.com/api/payment_intents/create, https://docs.stripe.com/api/setup_intents/create
and https://docs.stripe.com/testing
"""

from typing import Any

from donate.sandbox import currencies
from donate.sandbox.charging.charges import charge_intent
from donate.sandbox.charging.disputes import open_dispute
from donate.sandbox.charging.known_methods import BANK_ACCOUNT, attempt_with, save_known_method
from donate.sandbox.charging.setups import (
    check_billing_mandate,
    microdeposits_action,
    new_setup_intent,
)
from donate.sandbox.copies import deep_copy
from donate.sandbox.errors import Refusal, missing_parameter, no_such
from donate.sandbox.objects.payments import new_payment_intent
from donate.sandbox.requests.parameters import (
    choice,
    email_address,
    integer,
    list_of,
    metadata,
    only,
    read,
    record,
    text,
)
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

_NEW = {
    "amount": integer(1, currencies.MAX_AMOUNT),
    "confirm": only("true"),
    "currency": currencies.currency_code,
    "description": text(max_length=1_000),
    "metadata": metadata,
    "payment_method": text(),
    # A request should name its payment methods. Otherwise Stripe offers all of them, and requires a
    # return_url.
    "allowed_payment_method_types": list_of(choice("card")),
}


class Declined(Refusal):
    """The refusal of a request whose payment was declined. It contains the payment intent."""

    def __init__(self, charge: StripeObject, intent: StripeObject) -> None:
        self._more = {
            "charge": charge["id"],
            "decline_code": charge["outcome"]["reason"],
            "payment_intent": deep_copy(intent),
        }
        super().__init__(
            charge["failure_message"],
            status=402,
            kind="card_error",
            code=charge["failure_code"],
            is_final=True,
        )

    def body(self, request_log_url: str) -> dict[str, Any]:
        error = super().body(request_log_url)["error"]
        return {"error": dict(sorted({**error, **self._more}.items()))}


def create_payment_intent(store: Store, parameters: dict[str, Any]) -> StripeObject:
    request = read(parameters, _NEW, required=list(set(_NEW) - {"description", "metadata"}))
    attempt = attempt_with(store, request["payment_method"], None)
    currencies.refuse_small_total(request["amount"], request["currency"])
    intent = new_payment_intent(
        store,
        request["amount"],
        request["currency"],
        request["allowed_payment_method_types"],
        request,
    )
    store.payment_intents.put(intent)
    store.announce("payment_intent.created", intent)
    charge = charge_intent(store, intent, attempt)
    if charge["status"] == "failed":
        raise Declined(charge, intent)
    match request["payment_method"]:
        case "pm_card_createDispute":
            open_dispute(store, intent)
        case "pm_card_createDisputeInquiry":
            open_dispute(store, intent, inquiry=True)
        case "pm_card_refundFail":
            store.failing_refunds.add(charge["id"])
        case "pm_card_pendingRefund":
            store.slow_refunds.add(charge["id"])
        case _:
            pass
    return intent


_MANDATE = record({"default_for": list_of(choice("invoice", "subscription"))}, ["default_for"])
_NEW_SETUP = {
    "confirm": only("true"),
    "customer": text(),
    "mandate_data": record(
        {"customer_acceptance": record({"type": only("offline")}, ["type"])},
        ["customer_acceptance"],
    ),
    "metadata": metadata,
    "payment_method": only(BANK_ACCOUNT),
    "payment_method_data": record(
        {
            "acss_debit": record(
                {
                    "account_number": only("000123456789"),
                    "institution_number": only("000"),
                    "transit_number": only("11000"),
                },
                ["account_number", "institution_number", "transit_number"],
            ),
            "billing_details": record({"email": email_address, "name": text()}, ["email", "name"]),
            "type": only("acss_debit"),
        },
        ["acss_debit", "billing_details", "type"],
    ),
    "payment_method_options": record(
        {
            "acss_debit": record(
                {"currency": only("cad"), "mandate_options": _MANDATE},
                ["currency", "mandate_options"],
            )
        },
        ["acss_debit"],
    ),
    "allowed_payment_method_types": list_of(only("acss_debit")),
}


def create_setup_intent(store: Store, parameters: dict[str, Any]) -> StripeObject:
    """Save a bank account with the requested mandate.

    If the request names the predefined test bank account, the account is verified at once. If the
    request contains an account number, the account has to be confirmed with microdeposits.
    """
    sources = {"payment_method", "payment_method_data"}
    request = read(parameters, _NEW_SETUP, required=list(set(_NEW_SETUP) - {"metadata", *sources}))
    if len(sources & set(request)) != 1:
        raise missing_parameter("payment_method")
    is_verified = "payment_method" in request
    options = request["payment_method_options"]["acss_debit"]
    check_billing_mandate(
        options["mandate_options"], "payment_method_options[acss_debit][mandate_options]"
    )
    customer = store.customers.get(request["customer"])
    if customer is None:
        raise no_such("customer", request["customer"], "customer", status=400)
    methods = {"payment_method_types": request["allowed_payment_method_types"]}
    intent = new_setup_intent(store, request | methods)
    method = save_known_method(store, BANK_ACCOUNT, customer)
    intent.update(
        customer=customer["id"],
        mandate=store.new_id("mandate_1"),
        payment_method=method["id"],
        next_action=None if is_verified else microdeposits_action(store, intent),
        status="succeeded" if is_verified else "requires_action",
    )
    store.announce(f"setup_intent.{intent['status']}", intent)
    return intent
