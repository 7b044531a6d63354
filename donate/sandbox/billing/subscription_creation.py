"""Subscriptions created by API request, with a saved payment method.

https://docs.stripe.com/api/subscriptions/create
"""

from typing import Any

from donate.sandbox import currencies
from donate.sandbox.billing.subscription_changes import ITEM
from donate.sandbox.billing.subscriptions import collect_with_saved_method, start_subscription
from donate.sandbox.charging.saved_methods import check_method
from donate.sandbox.charging.setups import has_subscription_mandate
from donate.sandbox.errors import Refusal, invalid_parameter, no_such
from donate.sandbox.objects.parts import null_fields
from donate.sandbox.objects.prices import new_price
from donate.sandbox.requests.parameters import (
    boolean,
    choice,
    list_of,
    metadata,
    only,
    read,
    record,
    text,
)
from donate.sandbox.requests.session_parameters import BILLING_MODE, KNOWN_METHODS
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

_PAYMENT_SETTINGS = record(
    {
        "payment_method_options": record(
            {
                "acss_debit": record(
                    {
                        "mandate_options": record(
                            {"transaction_type": choice("business", "personal")}
                        ),
                        "verification_method": choice("automatic", "instant", "microdeposits"),
                    }
                )
            }
        ),
        "payment_method_types": list_of(choice(*KNOWN_METHODS)),
        "save_default_payment_method": choice("off", "on_subscription"),
    }
)
_NEW = {
    "billing_mode": BILLING_MODE,
    "collection_method": only("charge_automatically"),
    "currency": currencies.currency_code,
    "customer": text(),
    "default_payment_method": text(),
    "description": text(max_length=500),
    "items": list_of(ITEM, max_length=20),
    "metadata": metadata,
    "off_session": boolean,
    "payment_behavior": only("allow_incomplete"),
    "payment_settings": _PAYMENT_SETTINGS,
    "proration_behavior": choice("always_invoice", "create_prorations", "none"),
}
_UNSUPPORTED = (
    "add_invoice_items application_fee_percent automatic_tax backdate_start_date "
    "billing_cycle_anchor billing_cycle_anchor_config billing_schedules "
    "billing_thresholds cancel_at cancel_at_period_end customer_account days_until_due "
    "default_source default_tax_rates discounts invoice_settings on_behalf_of "
    "pending_invoice_item_interval transfer_data trial_end trial_from_plan trial_period_days "
    "trial_settings"
).split()


def create_subscription(store: Store, parameters: dict[str, Any]) -> StripeObject:
    request = read(parameters, _NEW, required=["customer", "items"], unsupported=_UNSUPPORTED)
    customer = store.customers.get(request["customer"])
    if customer is None:
        raise no_such("customer", request["customer"], "customer", status=400)
    currency = _common_currency(request)
    method = _method_of(store, customer, request, currency)
    items = [
        _line_item(store, item, currency, index) for index, item in enumerate(request["items"])
    ]
    total = sum(item["price"]["unit_amount"] * item["quantity"] for item in items)
    currencies.refuse_small_total(total, currency)
    currencies.refuse_large_total(total)
    customer["currency"] = currency
    subscription = start_subscription(
        store, customer, items, request, method=store.attempts[method]
    )
    subscription["default_payment_method"] = method
    subscription["payment_settings"] = {
        **null_fields("payment_method_options payment_method_types"),
        "save_default_payment_method": "off",
        **request.get("payment_settings", {}),
    }
    collect_with_saved_method(store, store.find(store.invoices, subscription["latest_invoice"]))
    return subscription


def _common_currency(request: dict[str, Any]) -> str:
    for index, item in enumerate(request["items"]):
        if "id" in item or "price_data" not in item:
            raise invalid_parameter(f"items[{index}]", "A new item needs price_data.")
    codes = {item["price_data"]["currency"] for item in request["items"]}
    codes |= {request["currency"]} if "currency" in request else set()
    if len(codes) != 1:
        raise invalid_parameter("items", "All items of a subscription share one currency.")
    return str(codes.pop())


def _method_of(store: Store, customer: StripeObject, request: dict[str, Any], currency: str) -> str:
    method_id = request.get("default_payment_method")
    if method_id is None:
        raise Refusal(
            "This customer has no attached payment source or default payment method.",
            code="resource_missing",
            is_final=True,
        )
    check_method(store, method_id, customer["id"], "default_payment_method")
    method = store.find(store.payment_methods, method_id)
    types = request.get("payment_settings", {}).get("payment_method_types", [method["type"]])
    is_debit = method["type"] == "acss_debit"
    if method["type"] not in types or (is_debit and currency not in ("cad", "usd")):
        raise invalid_parameter(
            "default_payment_method", f"`{method['type']}` cannot pay for this subscription."
        )
    if is_debit and not has_subscription_mandate(store, method_id):
        raise invalid_parameter(
            "default_payment_method", "This payment method has no mandate for subscriptions."
        )
    return str(method_id)


def _line_item(store: Store, item: dict[str, Any], currency: str, index: int) -> StripeObject:
    path = f"items[{index}][price_data][unit_amount]"
    currencies.refuse_odd_amount(item["price_data"]["unit_amount"], currency, path)
    return {
        "metadata": {},
        "price": new_price(store, item["price_data"], currency),
        "quantity": item.get("quantity", 1),
    }
