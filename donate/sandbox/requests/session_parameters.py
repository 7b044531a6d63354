"""The parameters of a checkout session, each with Stripe's check."""

from typing import Any

from donate.sandbox import currencies
from donate.sandbox.errors import not_in_this_sandbox
from donate.sandbox.requests.parameters import (
    boolean,
    choice,
    email_address,
    integer,
    list_of,
    metadata,
    only,
    record,
    text,
    web_address,
)

SUPPORTED_METHODS = ("card", "acss_debit")
KNOWN_METHODS = (
    *SUPPORTED_METHODS,
    *"affirm afterpay_clearpay alipay amazon_pay bancontact cashapp eps ideal klarna konbini link "
    "p24 paypal revolut_pay sepa_debit sofort us_bank_account wechat_pay".split(),
)

LOCALES = (
    "auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms mt "
    "nb nl pl pt pt-BR ro ru sk sl sv th tr vi zh zh-HK zh-TW"
).split()


def interval(value: Any, path: str) -> str:
    """Parse a price's interval; the sandbox supports only months and years."""
    chosen = str(choice("day", "week", "month", "year")(value, path))
    if chosen in ("day", "week"):
        raise not_in_this_sandbox(path, chosen)
    return chosen


def interval_count(value: Any, path: str) -> int:
    # A recurring price must recur at least every three years:
    # https://docs.stripe.com/api/prices/create
    return int(integer(1, 36)(value, path))


RECURRING = record({"interval": interval, "interval_count": interval_count}, required=["interval"])

LINE_ITEM = record(
    {
        "price_data": record(
            {
                "currency": currencies.currency_code,
                "product_data": record(
                    {
                        "name": text(max_length=250),
                        "description": text(max_length=40_000),
                        "images": list_of(web_address, max_length=8),
                        "metadata": metadata,
                        "tax_code": text(),
                        "unit_label": text(max_length=12),
                    },
                    required=["name"],
                ),
                "recurring": RECURRING,
                "tax_behavior": choice("exclusive", "inclusive", "unspecified"),
                "unit_amount": integer(0, currencies.MAX_AMOUNT),
            },
            required=["currency", "product_data", "unit_amount"],
            unsupported=["product", "unit_amount_decimal"],
        ),
        "quantity": integer(1, 999_999),
        "metadata": metadata,
    },
    required=["price_data", "quantity"],
    unsupported=["adjustable_quantity", "dynamic_tax_rates", "price", "tax_rates"],
)

PAYMENT_INTENT_DATA = record(
    {
        "capture_method": choice("automatic", "automatic_async"),
        "description": text(max_length=1_000),
        "metadata": metadata,
        "receipt_email": email_address,
        "statement_descriptor": text(pattern=r"[^<>\\'\"*]{5,22}"),
        "statement_descriptor_suffix": text(pattern=r"[^<>\\'\"*]{1,22}"),
    },
    unsupported=[
        "application_fee_amount",
        "on_behalf_of",
        "setup_future_usage",
        "shipping",
        "transfer_data",
        "transfer_group",
    ],
)

# The sandbox supports only the billing mode `flexible`, which is Stripe's default.
# https://docs.stripe.com/billing/subscriptions/billing-mode
BILLING_MODE = record({"type": only("flexible")}, required=["type"])

SUBSCRIPTION_DATA = record(
    {"billing_mode": BILLING_MODE, "description": text(max_length=500), "metadata": metadata},
    unsupported=[
        "application_fee_percent",
        "billing_cycle_anchor",
        "billing_cycle_anchor_config",
        "default_tax_rates",
        "invoice_settings",
        "on_behalf_of",
        "pending_invoice_item_interval",
        "proration_behavior",
        "transfer_data",
        "trial_end",
        "trial_period_days",
        "trial_settings",
    ],
)

SETUP_INTENT_DATA = record(
    {"description": text(max_length=1_000), "metadata": metadata}, unsupported=["on_behalf_of"]
)

PAYMENT_METHOD_OPTIONS = record(
    {
        "acss_debit": record(
            {
                "currency": choice("cad", "usd"),
                "mandate_options": record(
                    {
                        "custom_mandate_url": web_address,
                        "default_for": list_of(choice("invoice", "subscription")),
                        "interval_description": text(max_length=500),
                        "payment_schedule": choice("combined", "interval", "sporadic"),
                        "transaction_type": choice("business", "personal"),
                    }
                ),
                "verification_method": choice("automatic", "instant", "microdeposits"),
            },
            unsupported=["setup_future_usage", "target_date"],
        ),
        "card": record(
            {"request_three_d_secure": choice("any", "automatic", "challenge")},
            unsupported=["capture_method", "installments", "restrictions", "setup_future_usage"],
        ),
    }
)

CUSTOM_TEXT = record({"message": text(max_length=1_200)}, required=["message"])

SESSION = {
    "adaptive_pricing": record({"enabled": boolean}),
    "allow_promotion_codes": boolean,
    "allowed_payment_method_types": list_of(choice(*KNOWN_METHODS)),
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
        unsupported=["icon", "logo"],
    ),
    "cancel_url": web_address,
    "client_reference_id": text(max_length=200),
    "currency": currencies.currency_code,
    "custom_text": record({"after_submit": CUSTOM_TEXT, "submit": CUSTOM_TEXT}),
    "customer_creation": choice("always", "if_required"),
    "customer_email": email_address,
    "excluded_payment_method_types": list_of(choice(*KNOWN_METHODS)),
    "expires_at": integer(),
    "integration_identifier": text(max_length=200),
    "line_items": list_of(LINE_ITEM),
    "locale": choice(*LOCALES),
    "metadata": metadata,
    "mode": choice("payment", "setup", "subscription"),
    "origin_context": choice("mobile_app", "web"),
    "payment_intent_data": PAYMENT_INTENT_DATA,
    "payment_method_options": PAYMENT_METHOD_OPTIONS,
    "phone_number_collection": record({"enabled": boolean}, required=["enabled"]),
    "setup_intent_data": SETUP_INTENT_DATA,
    "subscription_data": SUBSCRIPTION_DATA,
    "submit_type": choice("auto", "book", "donate", "pay", "subscribe"),
    "success_url": web_address,
    "ui_mode": only("hosted_page"),
}

UNSUPPORTED = (
    "after_expiration consent_collection custom_fields customer customer_account customer_update "
    "discounts invoice_creation managed_payments name_collection optional_items "
    "payment_method_collection payment_method_configuration payment_method_data permissions "
    "redirect_on_completion return_url saved_payment_method_options "
    "shipping_address_collection shipping_options tax_id_collection "
    "wallet_options"
).split()
