"""New invoices, invoice lines and invoice payments with Stripe's fields.

Field names: https://docs.stripe.com/api/invoices and https://docs.stripe.com/api/invoice-payment.
"""

from typing import Any

from donate.sandbox.objects.parts import null_fields
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store


def new_invoice(
    store: Store, subscription: StripeObject, customer: StripeObject, reason: str
) -> StripeObject:
    """Return a draft invoice for one period, with a line for each item of the subscription."""
    now = store.now()
    invoice_id = store.new_id("in_1")
    lines = [_new_line(store, invoice_id, item) for item in subscription["items"]["data"]]
    total = sum(line["amount"] for line in lines)
    period = lines[0]["period"] if reason == "subscription_cycle" else {"start": now, "end": now}
    return {
        "id": invoice_id,
        "object": "invoice",
        **null_fields(
            "account_tax_ids application custom_fields customer_account customer_phone "
            "customer_shipping default_payment_method default_source description due_date "
            "effective_at ending_balance footer from_invoice hosted_invoice_url invoice_pdf "
            "last_finalization_error latest_revision next_payment_attempt number on_behalf_of "
            "receipt_number rendering shipping_cost shipping_details statement_descriptor "
            "webhooks_delivered_at"
        ),
        "account_country": "CA",
        "account_name": "Sandbox charity",
        **_amounts(total),
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": {
            "enabled": False,
            **null_fields("disabled_reason liability provider status"),
        },
        "automatically_finalizes_at": None,
        "billing_reason": reason,
        "collection_method": "charge_automatically",
        "created": now,
        "currency": subscription["currency"],
        "customer": customer["id"],
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_tax_rates": [],
        "discounts": [],
        "issuer": {"type": "self"},
        "lines": {
            "object": "list",
            "data": lines,
            "has_more": False,
            "url": f"/v1/invoices/{invoice_id}/lines",
        },
        "livemode": False,
        "metadata": {},
        "parent": _parent(subscription),
        "payment_settings": null_fields(
            "default_mandate payment_method_options payment_method_types"
        ),
        "period_end": period["end"],
        "period_start": period["start"],
        "status": "draft",
        "test_clock": customer["test_clock"],
        "status_transitions": null_fields("finalized_at marked_uncollectible_at paid_at voided_at"),
    }


def _amounts(total: int) -> dict[str, Any]:
    """Return the amounts of an unpaid invoice that has no taxes, discounts, shipping or credit."""
    return {
        "amount_due": total,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_paid_off_stripe": 0,
        "amount_remaining": total,
        "amount_shipping": 0,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": 0,
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "total": total,
        "total_discount_amounts": [],
        "total_excluding_tax": total,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
    }


def _parent(subscription: StripeObject) -> dict[str, Any]:
    return {
        "quote_details": None,
        "subscription_details": {
            "metadata": dict(subscription["metadata"]),
            "subscription": subscription["id"],
        },
        "type": "subscription_details",
    }


def _new_line(store: Store, invoice_id: str, item: StripeObject) -> StripeObject:
    price = item["price"]
    amount = price["unit_amount"] * item["quantity"]
    return {
        "id": store.new_id("il_1"),
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "description": f"{item['quantity']} each {price['recurring']['interval']}",
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice_id,
        "livemode": False,
        "metadata": dict(item["metadata"]),
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": False,
                "proration_details": {"credited_items": None},
                "subscription": item["subscription"],
                "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        },
        "period": {"end": item["current_period_end"], "start": item["current_period_start"]},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        "quantity": item["quantity"],
        "quantity_decimal": str(item["quantity"]),
        "subscription": item["subscription"],
        "subtotal": amount,
        "taxes": [],
    }


def new_invoice_payment(store: Store, invoice: StripeObject, intent: StripeObject) -> StripeObject:
    return {
        "id": store.new_id("inpay_1"),
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": intent["amount"],
        "created": store.now(),
        "currency": intent["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }
