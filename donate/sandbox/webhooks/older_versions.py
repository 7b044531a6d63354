"""Events as an endpoint of an older version of the API gets them.

Since basil, an invoice names its subscription under `parent` and its payments in objects of their
own, and a subscription's period stands on its items:
https://docs.stripe.com/changelog/basil/2025-03-31/adds-new-parent-field-to-invoicing-objects
"""

from typing import Any

from donate.sandbox.api_versions import BEFORE_BASIL, TODAY, Version
from donate.sandbox.copies import deep_copy
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

# Fields that came after basil.
_NEWER = {
    "checkout.session": "integration_identifier managed_payments",
    "payment_intent": "allowed_payment_method_types managed_payments",
    "subscription": "billing_mode billing_schedules managed_payments",
}
_NEWER_THAN_2024 = {
    "checkout.session": "adaptive_pricing collected_information discounts permissions "
    "wallet_options",
    "customer": "customer_account",
    "invoice": "amount_overpaid amount_paid_off_stripe customer_account parent "
    "total_pretax_credit_amounts total_taxes",
    "subscription": "customer_account",
}


def seen_in(version: Version, event: StripeObject, store: Store) -> StripeObject:
    """The event as an endpoint of this version gets it."""
    if version == TODAY:
        return event
    older = {**event, "api_version": version, "data": deep_copy(event["data"])}
    found = older["data"]["object"]
    _drop(found, _NEWER)
    if version == BEFORE_BASIL:
        _write_as_in_2024(found, store)
        _drop(found, _NEWER_THAN_2024)
    return older


def _write_as_in_2024(found: StripeObject, store: Store) -> None:
    match found["object"]:
        case "invoice":
            found.update(_links_of_invoice(found, store))
            for line in found["lines"]["data"]:
                _write_line_as_in_2024(line)
        case "subscription":
            items = found["items"]["data"]
            for name in ("current_period_start", "current_period_end"):
                found[name] = items[0][name]
                for item in items:
                    del item[name]
            found["discount"] = None
            found["plan"] = items[0]["plan"] if len(items) == 1 else None
        case "payment_intent":
            found["invoice"] = store.invoices_of_intents.get(found["id"])
        case "charge":
            found["invoice"] = store.invoices_of_intents.get(found["payment_intent"])


def _links_of_invoice(invoice: StripeObject, store: Store) -> dict[str, Any]:
    """What an invoice said of its subscription and its payment before basil."""
    details = invoice["parent"]["subscription_details"]
    intent, is_outside = None, False
    if invoice["status"] != "draft":
        payment = store.payments_of_invoices[invoice["id"]]["payment"]
        is_outside = payment["type"] == "payment_record"
        intent = store.payment_intents.get(payment.get("payment_intent", ""))
    return {
        # Only since basil does it count what was paid elsewhere.
        **({"amount_paid": 0} if is_outside else {}),
        "charge": (intent and invoice["attempted"] and intent["latest_charge"]) or None,
        "discount": None,
        "paid": invoice["status"] == "paid",
        "paid_out_of_band": is_outside,
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


def _drop(found: StripeObject, newer: dict[str, str]) -> None:
    for name in newer.get(found["object"], "").split():
        found.pop(name, None)
