"""Prices: the amount of each payment, and how often it recurs.

https://docs.stripe.com/api/prices/object
"""

from typing import Any

from donate.sandbox.errors import Refusal, no_such
from donate.sandbox.objects.parts import null_fields
from donate.sandbox.objects.products import new_product
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store


def new_price(store: Store, data: dict[str, Any], currency: str) -> StripeObject:
    """Return a price from a checked `price_data`. If it names no product, create one."""
    recurring = data.get("recurring")
    return {
        "id": store.new_id("price_1"),
        "object": "price",
        **null_fields("custom_unit_amount lookup_key nickname tiers_mode transform_quantity"),
        "active": False,
        "billing_scheme": "per_unit",
        "created": store.now(),
        "currency": currency,
        "livemode": False,
        "metadata": {},
        "product": _product(store, data),
        "recurring": recurring
        and {
            "interval": recurring["interval"],
            "interval_count": recurring.get("interval_count", 1),
            "meter": None,
            "trial_period_days": None,
            "usage_type": "licensed",
        },
        "tax_behavior": data.get("tax_behavior", "unspecified"),
        "type": "recurring" if recurring else "one_time",
        "unit_amount": data["unit_amount"],
        "unit_amount_decimal": str(data["unit_amount"]),
    }


def plan_of(price: StripeObject) -> StripeObject:
    """Return a recurring price as a plan, the older form that Stripe still shows as well."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        **null_fields("meter nickname tiers_mode transform_usage trial_period_days"),
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": {},
        "product": price["product"],
        "usage_type": "licensed",
    }


def _product(store: Store, data: dict[str, Any]) -> str:
    if "product" in data:
        product = store.products.get(data["product"])
        if product is None:
            raise no_such("product", data["product"], "product", status=400)
        if not product["active"]:
            raise Refusal(
                f"The product {product['id']} is marked as inactive, and thus no new subscriptions "
                "can be created to any plans of this product.",
                is_final=True,
            )
        return str(product["id"])
    # A product that is created with a price is inactive from the start, like the price.
    # Implementers report from live accounts (2026) that Stripe then refuses another price for the
    # product, with the message above.
    return str(new_product(store, data["product_data"], is_active=False)["id"])
