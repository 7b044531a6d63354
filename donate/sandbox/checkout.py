"""Checkout sessions: opening one, with everything Stripe would refuse, and ending one unpaid."""

from typing import Any

from donate.sandbox import currencies
from donate.sandbox.errors import Refusal, invalid_parameter, missing_parameter, not_in_this_sandbox
from donate.sandbox.objects import new_line_item, new_session
from donate.sandbox.parameters import (
    choice,
    email_address,
    flag,
    list_of,
    metadata,
    only,
    read,
    record,
    text,
    web_address,
    whole,
)
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

SHORTEST_LIFE_S = 30 * 60
LONGEST_LIFE_S = 24 * 60 * 60
# A caller's clock and the time the request travels may differ from ours by a little.
LIFE_TOLERANCE_S = 60

METHODS_PLAYED = ("card", "acss_debit")
METHODS_KNOWN = (
    *METHODS_PLAYED,
    *"affirm afterpay_clearpay alipay amazon_pay bancontact cashapp eps ideal klarna konbini link "
    "p24 paypal revolut_pay sepa_debit sofort us_bank_account wechat_pay".split(),
)

LOCALES = (
    "auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms mt "
    "nb nl pl pt pt-BR ro ru sk sl sv th tr vi zh zh-HK zh-TW"
).split()

LINE_ITEM = record(
    {
        "price_data": record(
            {
                "currency": currencies.currency_code,
                "product_data": record(
                    {
                        "name": text(longest=250),
                        "description": text(longest=40_000),
                        "images": list_of(web_address, longest=8),
                        "metadata": metadata,
                        "tax_code": text(),
                        "unit_label": text(longest=12),
                    },
                    required=["name"],
                ),
                "tax_behavior": choice("exclusive", "inclusive", "unspecified"),
                "unit_amount": whole(0, currencies.LARGEST_AMOUNT),
            },
            required=["currency", "product_data", "unit_amount"],
            not_here=["product", "recurring", "unit_amount_decimal"],
        ),
        "quantity": whole(1, 999_999),
        "metadata": metadata,
    },
    required=["price_data", "quantity"],
    not_here=["adjustable_quantity", "dynamic_tax_rates", "price", "tax_rates"],
)

PAYMENT_INTENT_DATA = record(
    {
        "capture_method": choice("automatic", "automatic_async"),
        "description": text(longest=1_000),
        "metadata": metadata,
        "receipt_email": email_address,
        "statement_descriptor": text(pattern=r"[^<>\\'\"*]{5,22}"),
        "statement_descriptor_suffix": text(pattern=r"[^<>\\'\"*]{1,22}"),
    },
    not_here=[
        "application_fee_amount",
        "on_behalf_of",
        "setup_future_usage",
        "shipping",
        "transfer_data",
        "transfer_group",
    ],
)

PAYMENT_METHOD_OPTIONS = record(
    {
        "acss_debit": record(
            {
                "currency": choice("cad", "usd"),
                "mandate_options": record(
                    {
                        "custom_mandate_url": web_address,
                        "interval_description": text(longest=500),
                        "payment_schedule": choice("combined", "interval", "sporadic"),
                        "transaction_type": choice("business", "personal"),
                    },
                    not_here=["default_for"],
                ),
                "verification_method": choice("automatic", "instant", "microdeposits"),
            },
            not_here=["setup_future_usage", "target_date"],
        ),
        "card": record(
            {"request_three_d_secure": choice("any", "automatic", "challenge")},
            not_here=["capture_method", "installments", "restrictions", "setup_future_usage"],
        ),
    }
)

CUSTOM_TEXT = record({"message": text(longest=1_200)}, required=["message"])

SESSION = {
    "adaptive_pricing": record({"enabled": flag}),
    "allow_promotion_codes": flag,
    "allowed_payment_method_types": list_of(choice(*METHODS_KNOWN)),
    "automatic_tax": record({"enabled": only("false")}, required=["enabled"]),
    "billing_address_collection": choice("auto", "required"),
    "branding_settings": record(
        {
            "background_color": text(),
            "border_style": choice("pill", "rectangular", "rounded"),
            "button_color": text(),
            "display_name": text(),
            "font_family": text(),
        },
        not_here=["icon", "logo"],
    ),
    "cancel_url": web_address,
    "client_reference_id": text(longest=200),
    "currency": currencies.currency_code,
    "custom_text": record({"after_submit": CUSTOM_TEXT, "submit": CUSTOM_TEXT}),
    "customer_creation": only("if_required"),
    "customer_email": email_address,
    "excluded_payment_method_types": list_of(choice(*METHODS_KNOWN)),
    "expires_at": whole(),
    "integration_identifier": text(longest=200),
    "line_items": list_of(LINE_ITEM),
    "locale": choice(*LOCALES),
    "metadata": metadata,
    "mode": choice("payment", "setup", "subscription"),
    "origin_context": choice("mobile_app", "web"),
    "payment_intent_data": PAYMENT_INTENT_DATA,
    "payment_method_options": PAYMENT_METHOD_OPTIONS,
    "phone_number_collection": record({"enabled": flag}, required=["enabled"]),
    "submit_type": choice("auto", "book", "donate", "pay", "subscribe"),
    "success_url": web_address,
    "ui_mode": only("hosted_page"),
}

KNOWN_TO_STRIPE = (
    "after_expiration consent_collection custom_fields customer customer_account customer_update "
    "discounts invoice_creation managed_payments name_collection optional_items "
    "payment_method_collection payment_method_configuration payment_method_data permissions "
    "redirect_on_completion return_url saved_payment_method_options setup_intent_data "
    "shipping_address_collection shipping_options subscription_data tax_id_collection "
    "wallet_options"
).split()


def create_session(store: Store, parameters: dict[str, Any]) -> StripeObject:
    refuse_payment_method_types(parameters)
    asked = read(parameters, SESSION, required=["mode"], not_here=KNOWN_TO_STRIPE)
    if asked["mode"] != "payment":
        raise not_in_this_sandbox("mode", asked["mode"])
    for name in ("line_items", "success_url"):
        if not asked.get(name):
            raise missing_parameter(name)
    currency = _common_currency(asked)
    total = _total(asked["line_items"], currency)
    asked["payment_method_types"] = _methods_offered(asked, currency)
    asked["expires_at"] = _expiry(store, asked)

    session = new_session(store, asked, total, currency)
    store.sessions.put(session)
    store.line_items[session["id"]] = [
        new_line_item(store, item, currency) for item in asked["line_items"]
    ]
    store.payment_intent_data[session["id"]] = asked.get("payment_intent_data", {})
    store.expire_later(session)
    return session


def expire_session(store: Store, session: StripeObject, at: int | None = None) -> StripeObject:
    """End an open session; `at` is given when its time simply ran out."""
    if session["status"] != "open":
        raise Refusal(
            "Only an open Checkout Session can be expired. This Checkout Session has a status of "
            f"{session['status']}.",
            is_final=True,
        )
    session["status"] = "expired"
    session["url"] = None
    store.announce("checkout.session.expired", session, at=at)
    return session


def expire_due_sessions(store: Store) -> None:
    for session in store.sessions_due_to_expire():
        expire_session(store, session, at=session["expires_at"])


def refuse_payment_method_types(parameters: dict[str, Any]) -> None:
    # Gone since endive, where a session says which methods it allows:
    # https://docs.stripe.com/changelog/endive/2026-09-30/remove-payment-method-types-checkout-sessions
    if "payment_method_types" in parameters:
        raise invalid_parameter(
            "payment_method_types",
            "payment_method_types is no longer supported in this API version. Use "
            "allowed_payment_method_types or excluded_payment_method_types instead.",
            code="payment_method_types_no_longer_supported",
        )


def _common_currency(asked: dict[str, Any]) -> str:
    found = {item["price_data"]["currency"] for item in asked["line_items"]}
    if asked.get("currency"):
        found.add(asked["currency"])
    if len(found) > 1:
        raise invalid_parameter(
            "line_items", "All prices of a Checkout Session must be in the same currency."
        )
    return str(found.pop())


def _total(line_items: list[dict[str, Any]], currency: str) -> int:
    for index, item in enumerate(line_items):
        path = f"line_items[{index}][price_data][unit_amount]"
        currencies.refuse_odd_amount(item["price_data"]["unit_amount"], currency, path)
    total: int = sum(item["price_data"]["unit_amount"] * item["quantity"] for item in line_items)
    currencies.refuse_small_total(total, currency)
    currencies.refuse_large_total(total)
    return total


def _methods_offered(asked: dict[str, Any], currency: str) -> list[str]:
    """What `allowed` and `excluded` leave of the methods that fit this session."""
    allowed = asked.get("allowed_payment_method_types")
    excluded = asked.get("excluded_payment_method_types", [])
    mandate = asked.get("payment_method_options", {}).get("acss_debit", {}).get("mandate_options")
    fitting = ["card"]
    if currency in ("cad", "usd"):
        if mandate or (allowed and "acss_debit" in allowed):
            _check_mandate(mandate or {})
            fitting.append("acss_debit")
    elif allowed == ["acss_debit"]:
        raise invalid_parameter(
            "allowed_payment_method_types",
            f"The currency provided ({currency}) is invalid for acss_debit: use cad or usd.",
        )
    offered = [
        method
        for method in fitting
        if (allowed is None or method in allowed) and method not in excluded
    ]
    if not offered:
        raise invalid_parameter(
            "allowed_payment_method_types",
            "No valid payment method types for this Checkout Session.",
        )
    return offered


def _check_mandate(mandate: dict[str, Any]) -> None:
    path = "payment_method_options[acss_debit][mandate_options]"
    for name in ("payment_schedule", "transaction_type"):
        if name not in mandate:
            raise missing_parameter(f"{path}[{name}]")
    if mandate["payment_schedule"] != "sporadic" and "interval_description" not in mandate:
        raise missing_parameter(f"{path}[interval_description]")


def _expiry(store: Store, asked: dict[str, Any]) -> int:
    now = store.now()
    path = "expires_at"
    expires_at = int(asked.get("expires_at", now + LONGEST_LIFE_S))
    if expires_at < now + SHORTEST_LIFE_S - LIFE_TOLERANCE_S:
        raise invalid_parameter(
            path, f"The `{path}` timestamp must be at least 30 minutes from session creation."
        )
    if expires_at > now + LONGEST_LIFE_S + LIFE_TOLERANCE_S:
        raise invalid_parameter(
            path, f"The `{path}` timestamp must be less than 24 hours from session creation."
        )
    return expires_at
