"""Payments that a request makes and confirms at once, and what follows some of them.

https://docs.stripe.com/api/payment_intents/create and https://docs.stripe.com/testing
"""

from typing import Any

from donate.sandbox import currencies
from donate.sandbox.charges import charge_intent
from donate.sandbox.copies import copy_of
from donate.sandbox.disputes import open_dispute
from donate.sandbox.errors import Refusal
from donate.sandbox.known_methods import attempt_with
from donate.sandbox.objects import new_payment_intent
from donate.sandbox.parameters import choice, list_of, metadata, only, read, text, whole
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

_NEW = {
    "amount": whole(1, currencies.LARGEST_AMOUNT),
    "confirm": only("true"),
    "currency": currencies.currency_code,
    "description": text(longest=1_000),
    "metadata": metadata,
    "payment_method": text(),
    # Without it Stripe would offer all that the Dashboard allows, and ask for a return_url.
    "payment_method_types": list_of(choice("card")),
}


class Declined(Refusal):
    """A refusal that brings along the payment intent that was tried."""

    def __init__(self, charge: StripeObject, intent: StripeObject) -> None:
        self._more = {
            "charge": charge["id"],
            "decline_code": charge["outcome"]["reason"],
            "payment_intent": copy_of(intent),
        }
        super().__init__(
            charge["failure_message"],
            status=402,
            kind="card_error",
            code=charge["failure_code"],
            is_final=True,
        )

    def body(self, request_log_url: str) -> dict[str, Any]:
        told = super().body(request_log_url)["error"]
        return {"error": dict(sorted({**told, **self._more}.items()))}


def create_payment_intent(store: Store, parameters: dict[str, Any]) -> StripeObject:
    asked = read(parameters, _NEW, required=list(set(_NEW) - {"description", "metadata"}))
    attempt = attempt_with(store, asked["payment_method"], None)
    currencies.refuse_small_total(asked["amount"], asked["currency"])
    intent = new_payment_intent(
        store, asked["amount"], asked["currency"], asked["payment_method_types"], asked
    )
    store.payment_intents.put(intent)
    store.announce("payment_intent.created", intent)
    charge = charge_intent(store, intent, attempt)
    if charge["status"] == "failed":
        raise Declined(charge, intent)
    match asked["payment_method"]:
        case "pm_card_createDispute":
            open_dispute(store, intent)
        case "pm_card_refundFail":
            store.failing_refunds.add(charge["id"])
        case "pm_card_pendingRefund":
            store.slow_refunds.add(charge["id"])
        case _:
            pass
    return intent
