"""New customers and subscriptions with Stripe's fields.

Field names: https://docs.stripe.com/api/customers and https://docs.stripe.com/api/subscriptions.
"""

from typing import Any

from donate.sandbox.months import MONTHS_IN, months_after
from donate.sandbox.objects.parts import no_address, null_fields
from donate.sandbox.objects.prices import plan_of
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store


def new_customer(
    store: Store, email: str | None, name: str | None, currency: str | None
) -> StripeObject:
    return {
        "id": store.new_id("cus_", 14),
        "object": "customer",
        **null_fields(
            "customer_account default_source description discount phone shipping test_clock"
        ),
        "address": no_address(),
        "balance": 0,
        "created": store.now(),
        "currency": currency,
        "delinquent": False,
        "email": email,
        "invoice_prefix": store.new_id("", 8).upper(),
        "invoice_settings": null_fields(
            "custom_fields default_payment_method footer rendering_options"
        ),
        "livemode": False,
        "metadata": {},
        "name": name,
        "next_invoice_sequence": 1,
        "preferred_locales": [],
        "tax_exempt": "none",
    }


def new_subscription(
    store: Store,
    customer: StripeObject,
    line_items: list[StripeObject],
    request: dict[str, Any],
) -> StripeObject:
    """Return an incomplete subscription; `request` has its description and metadata."""
    now = store.now()
    subscription_id = store.new_id("sub_1")
    return {
        "id": subscription_id,
        "object": "subscription",
        **null_fields(
            "application application_fee_percent billing_cycle_anchor_config billing_thresholds "
            "cancel_at canceled_at customer_account days_until_due default_payment_method "
            "default_source ended_at latest_invoice next_pending_invoice_item_invoice "
            "on_behalf_of pause_collection pending_invoice_item_interval pending_setup_intent "
            "pending_update schedule transfer_data trial_end trial_start"
        ),
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": now,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible"},
        "billing_schedules": [],
        "cancel_at_period_end": False,
        "cancellation_details": null_fields("comment feedback reason"),
        "collection_method": "charge_automatically",
        "created": now,
        "currency": customer["currency"],
        "customer": customer["id"],
        "default_tax_rates": [],
        "description": request.get("description"),
        "discounts": [],
        "invoice_settings": {
            **null_fields("account_tax_ids custom_fields description footer"),
            "issuer": {"type": "self"},
        },
        "items": {
            "object": "list",
            "data": [_new_item(store, subscription_id, item) for item in line_items],
            "has_more": False,
            "url": f"/v1/subscription_items?subscription={subscription_id}",
        },
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": dict(request.get("metadata", {})),
        "payment_settings": {
            **null_fields("payment_method_options payment_method_types"),
            "save_default_payment_method": "off",
        },
        "start_date": now,
        "status": "incomplete",
        "test_clock": customer["test_clock"],
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
    }


def _new_item(store: Store, subscription_id: str, line_item: StripeObject) -> StripeObject:
    now, price = store.now(), line_item["price"]
    months = MONTHS_IN[price["recurring"]["interval"]] * price["recurring"]["interval_count"]
    return {
        "id": store.new_id("si_", 14),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": now,
        "current_period_end": months_after(now, months),
        "current_period_start": now,
        "discounts": [],
        "metadata": dict(line_item["metadata"]),
        "plan": plan_of(price),
        "price": price,
        "quantity": line_item["quantity"],
        "subscription": subscription_id,
        "tax_rates": [],
    }
