"""Changes of a subscription by API request, with Stripe's reasons for refusing them.

https://docs.stripe.com/api/subscriptions/update
"""

from typing import Any

from donate.sandbox import currencies
from donate.sandbox.billing.subscriptions import ENDED, end_subscription, update_subscription
from donate.sandbox.charging.saved_methods import check_method
from donate.sandbox.copies import deep_copy
from donate.sandbox.errors import (
    Refusal,
    invalid_parameter,
    no_such,
    not_in_this_sandbox,
)
from donate.sandbox.objects.prices import new_price, plan_of
from donate.sandbox.requests.parameters import (
    boolean,
    choice,
    integer,
    list_of,
    metadata_change,
    read,
    record,
    text,
    unset_or,
)
from donate.sandbox.requests.session_parameters import RECURRING
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

CANCELLATION_DETAILS = record(
    {
        "comment": unset_or(text(max_length=5_000)),
        "feedback": unset_or(
            choice(
                "customer_service",
                "low_quality",
                "missing_features",
                "other",
                "switched_service",
                "too_complex",
                "too_expensive",
                "unused",
            )
        ),
    }
)

ITEM = record(
    {
        "id": text(),
        "price_data": record(
            {
                "currency": currencies.currency_code,
                "product": text(),
                "recurring": RECURRING,
                "tax_behavior": choice("exclusive", "inclusive", "unspecified"),
                "unit_amount": integer(0, currencies.MAX_AMOUNT),
            },
            required=["currency", "product", "recurring", "unit_amount"],
            unsupported=["unit_amount_decimal"],
        ),
        "quantity": integer(1, 999_999),
    },
    unsupported=[
        "billing_thresholds",
        "clear_usage",
        "current_trial",
        "deleted",
        "discounts",
        "metadata",
        "plan",
        "price",
        "tax_rates",
    ],
)

CHANGE = {
    "cancel_at_period_end": boolean,
    "cancel_at": unset_or(integer(1)),
    "cancellation_details": CANCELLATION_DETAILS,
    # Refuse an empty value, because Stripe's OpenAPI document and SDK do not allow unsetting the
    # default payment method.
    "default_payment_method": text(),
    "description": unset_or(text(max_length=500)),
    "items": list_of(ITEM, max_length=20),
    "metadata": metadata_change,
    "pause_collection": unset_or(
        record(
            {
                "behavior": choice("keep_as_draft", "mark_uncollectible", "void"),
                "resumes_at": integer(1),
            },
            required=["behavior"],
        )
    ),
    "proration_behavior": choice("always_invoice", "create_prorations", "none"),
}
CHANGES_UNSUPPORTED = (
    "add_invoice_items application_fee_percent automatic_tax billing_cycle_anchor "
    "billing_schedules billing_thresholds collection_method days_until_due "
    "default_source default_tax_rates discounts invoice_settings "
    "off_session on_behalf_of payment_behavior payment_settings "
    "pending_invoice_item_interval proration_date transfer_data trial_end trial_from_plan "
    "trial_settings"
).split()
# The only fields of an ended subscription that can be changed.
CHANGEABLE_AFTER_END = ("cancellation_details", "expand", "metadata")


def change_subscription(
    store: Store, subscription: StripeObject, parameters: dict[str, Any]
) -> StripeObject:
    request = read(parameters, CHANGE, unsupported=CHANGES_UNSUPPORTED)
    if subscription["status"] in ENDED and not set(request) <= set(CHANGEABLE_AFTER_END):
        raise Refusal(
            "A canceled subscription can only update its cancellation_details and metadata.",
            is_final=True,
        )
    values: dict[str, Any] = {
        name: request[name] for name in ("description", "pause_collection") if name in request
    }
    pause = values.get("pause_collection")
    if pause:
        pause.setdefault("resumes_at", None)
    if pause and pause["resumes_at"] and pause["resumes_at"] <= store.now():
        raise invalid_parameter(
            "pause_collection[resumes_at]", "`resumes_at` must be a time in the future."
        )
    if "items" in request:
        values["items"] = _changed_items(store, subscription, request)
    if "metadata" in request:
        values["metadata"] = _changed_metadata(subscription["metadata"], request["metadata"])
    if "cancellation_details" in request:
        details = request["cancellation_details"]
        values["cancellation_details"] = {**subscription["cancellation_details"], **details}
    if "default_payment_method" in request:
        values["default_payment_method"] = _new_default_method(store, subscription, request)
    if request.get("cancel_at") and request.get("cancel_at_period_end"):
        raise invalid_parameter(
            "cancel_at", "You cannot set both `cancel_at` and `cancel_at_period_end`."
        )
    if "cancel_at_period_end" in request:
        with_period = request["cancel_at_period_end"]
        ends_at = period_end(subscription) if with_period else None
        values |= scheduled_end(store, subscription, values, ends_at, with_period=with_period)
    if "cancel_at" in request:
        if request["cancel_at"] and request["cancel_at"] <= store.now():
            raise invalid_parameter("cancel_at", "`cancel_at` must be a time in the future.")
        values |= scheduled_end(
            store, subscription, values, request["cancel_at"], with_period=False
        )
    update_subscription(store, subscription, **values)
    return subscription


def _new_default_method(store: Store, subscription: StripeObject, request: dict[str, Any]) -> str:
    method_id, path = request["default_payment_method"], "default_payment_method"
    check_method(store, method_id, subscription["customer"], path)
    store.saved_methods[subscription["id"]] = store.attempts[method_id]
    return str(method_id)


def cancel_subscription(
    store: Store, subscription: StripeObject, parameters: dict[str, Any]
) -> StripeObject:
    request = read(
        parameters,
        {"cancellation_details": CANCELLATION_DETAILS, "invoice_now": boolean, "prorate": boolean},
    )
    for name in ("invoice_now", "prorate"):
        if request.get(name):
            raise not_in_this_sandbox(name, "true")
    if subscription["status"] in ENDED:
        raise no_such("subscription", subscription["id"])
    subscription["cancellation_details"].update(request.get("cancellation_details", {}))
    end_subscription(store, subscription)
    return subscription


def _changed_items(
    store: Store, subscription: StripeObject, request: dict[str, Any]
) -> dict[str, Any]:
    # By default, Stripe prorates the current month. The sandbox does not support this.
    behavior = request.get("proration_behavior", "create_prorations")
    if behavior != "none":
        raise not_in_this_sandbox("proration_behavior", behavior)
    items: dict[str, Any] = deep_copy(subscription["items"])
    by_id = {item["id"]: item for item in items["data"]}
    for index, change in enumerate(request["items"]):
        path = f"items[{index}]"
        if "id" not in change:
            raise not_in_this_sandbox(path, "a new item")
        if change["id"] not in by_id:
            raise no_such("subscription_item", change["id"], f"{path}[id]", status=400)
        item = by_id[change["id"]]
        item["quantity"] = change.get("quantity", item["quantity"])
        if "price_data" in change:
            _refuse_another_interval(item, change["price_data"], subscription["currency"], path)
            item["price"] = new_price(store, change["price_data"], subscription["currency"])
            item["plan"] = plan_of(item["price"])
    total = sum(item["price"]["unit_amount"] * item["quantity"] for item in items["data"])
    currencies.refuse_small_total(total, subscription["currency"])
    currencies.refuse_large_total(total)
    return items


def _refuse_another_interval(
    item: StripeObject, price_data: dict[str, Any], currency: str, path: str
) -> None:
    if price_data["currency"] != currency:
        raise invalid_parameter(
            f"{path}[price_data][currency]",
            f"The subscription is in `{currency}`; its items cannot be in another currency.",
        )
    currencies.refuse_odd_amount(
        price_data["unit_amount"], currency, f"{path}[price_data][unit_amount]"
    )
    recurring, current = price_data["recurring"], item["price"]["recurring"]
    if (recurring["interval"], recurring.get("interval_count", 1)) != (
        current["interval"],
        current["interval_count"],
    ):
        raise not_in_this_sandbox(f"{path}[price_data][recurring]", "another interval")


def _changed_metadata(before: dict[str, str], request: dict[str, str | None]) -> dict[str, str]:
    if not request:
        return {}
    merged = {**before, **request}
    return {name: value for name, value in merged.items() if value is not None}


def scheduled_end(
    store: Store,
    subscription: StripeObject,
    values: dict[str, Any],
    ends_at: int | None,
    *,
    with_period: bool,
) -> dict[str, Any]:
    """Return the fields for a subscription that ends at `ends_at`. None means no scheduled end."""
    details = (subscription | values)["cancellation_details"]
    return {
        "cancel_at": ends_at,
        "cancel_at_period_end": with_period,
        "canceled_at": store.now() if ends_at else None,
        "cancellation_details": {
            **details,
            "reason": "cancellation_requested" if ends_at else None,
        },
    }


def period_end(subscription: StripeObject) -> int:
    return int(min(item["current_period_end"] for item in subscription["items"]["data"]))
