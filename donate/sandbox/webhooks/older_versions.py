"""Converts events to the form that an endpoint with an older API version gets.

Since basil, an invoice names its subscription under `parent`, its payments are objects of their
own, and a subscription's period is on its items:
https://docs.stripe.com/changelog/basil/2025-03-31/adds-new-parent-field-to-invoicing-objects
"""

from typing import Any

from donate.sandbox.api_versions import BEFORE_BASIL, TODAY, Version
from donate.sandbox.copies import deep_copy
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

# Fields that Stripe added after API version basil.
_ADDED_AFTER_BASIL = {
    "checkout.session": "integration_identifier managed_payments",
    "payment_intent": "allowed_payment_method_types managed_payments",
    "subscription": "billing_mode billing_schedules managed_payments",
}
_ADDED_AFTER_2024 = {
    "checkout.session": "adaptive_pricing collected_information discounts permissions "
    "wallet_options",
    "customer": "customer_account",
    "invoice": "amount_overpaid amount_paid_off_stripe customer_account parent "
    "total_pretax_credit_amounts total_taxes",
    "payout": "payout_method trace_id",
    "subscription": "customer_account",
}


def event_in_version(version: Version, event: StripeObject, store: Store) -> StripeObject:
    """Return the event in the form that an endpoint with this API version gets."""
    if version == TODAY:
        return event
    older = {**event, "api_version": version, "data": deep_copy(event["data"])}
    target = older["data"]["object"]
    _remove_fields(target, _ADDED_AFTER_BASIL)
    if version == BEFORE_BASIL:
        _write_as_in_2024(target, store)
        _remove_fields(target, _ADDED_AFTER_2024)
    return older


def _write_as_in_2024(target: StripeObject, store: Store) -> None:
    match target["object"]:
        case "invoice":
            target.update(_links_of_invoice(target, store))
            for line in target["lines"]["data"]:
                _write_line_as_in_2024(line)
        case "subscription":
            items = target["items"]["data"]
            for name in ("current_period_start", "current_period_end"):
                target[name] = items[0][name]
                for item in items:
                    del item[name]
            target["discount"] = None
            target["plan"] = items[0]["plan"] if len(items) == 1 else None
        case "payment_intent":
            target["invoice"] = store.invoices_of_intents.get(target["id"])
        case "charge":
            target["invoice"] = store.invoices_of_intents.get(target["payment_intent"])


def _links_of_invoice(invoice: StripeObject, store: Store) -> dict[str, Any]:
    """Return the fields that link an invoice to subscription and payment before version basil."""
    details = invoice["parent"]["subscription_details"]
    intent, is_out_of_band = None, False
    if invoice["status"] != "draft":
        payment = store.payments_of_invoices[invoice["id"]]["payment"]
        is_out_of_band = payment["type"] == "payment_record"
        intent = store.payment_intents.get(payment.get("payment_intent", ""))
    return {
        # Before API version basil, amount_paid did not include payments made outside Stripe.
        **({"amount_paid": 0} if is_out_of_band else {}),
        "charge": (intent and invoice["attempted"] and intent["latest_charge"]) or None,
        "discount": None,
        "paid": invoice["status"] == "paid",
        "paid_out_of_band": is_out_of_band,
        "payment_intent": intent and intent["id"],
        "quote": None,
        "subscription": details["subscription"],
        "subscription_details": {"metadata": details["metadata"]},
        "tax": None,
        "total_tax_amounts": [],
    }


def _write_line_as_in_2024(line: StripeObject) -> None:
    details = line.pop("parent")["subscription_item_details"]
    pricing = line.pop("pricing")
    line.update(
        amount_excluding_tax=line["amount"],
        price={
            "id": pricing["price_details"]["price"],
            "object": "price",
            "currency": line["currency"],
            "product": pricing["price_details"]["product"],
            "type": "recurring",
            "unit_amount_decimal": pricing["unit_amount_decimal"],
        },
        proration=False,
        subscription=details["subscription"],
        subscription_item=details["subscription_item"],
        tax_amounts=[],
        tax_rates=[],
        type="subscription",
        unit_amount_excluding_tax=pricing["unit_amount_decimal"],
    )
    for name in ("pretax_credit_amounts", "quantity_decimal", "subtotal", "taxes"):
        del line[name]


def _remove_fields(target: StripeObject, fields: dict[str, str]) -> None:
    for name in fields.get(target["object"], "").split():
        target.pop(name, None)
