"""Groups of fields that many of Stripe's objects share, with the sandbox's values."""

from typing import Any

NAME = "Sandbox charity"
_EVIDENCE = """
    access_activity_log billing_address cancellation_policy cancellation_policy_disclosure
    cancellation_rebuttal customer_communication customer_email_address customer_name
    customer_purchase_ip customer_signature duplicate_charge_documentation
    duplicate_charge_explanation duplicate_charge_id product_description receipt refund_policy
    refund_policy_disclosure refund_refusal_explanation service_date service_documentation
    shipping_address shipping_carrier shipping_date shipping_documentation
    shipping_tracking_number uncategorized_file uncategorized_text
"""


def null_fields(names: str) -> dict[str, None]:
    """Return fields with the value None. Stripe's objects show unset fields as null."""
    return dict.fromkeys(names.split())


def no_address() -> dict[str, None]:
    return null_fields("city country line1 line2 postal_code state")


def no_evidence() -> dict[str, Any]:
    return {**null_fields(_EVIDENCE), "enhanced_evidence": {}}


def branding(request: dict[str, Any]) -> dict[str, Any]:
    """Return a session's branding: the account's settings, replaced by those in the request."""
    return {
        **null_fields("icon logo"),
        "background_color": "#ffffff",
        "border_style": "rounded",
        "button_color": "#0074d4",
        "display_name": NAME,
        "font_family": "default",
        **request,
    }


def account_settings() -> dict[str, Any]:
    return {
        "branding": null_fields("icon logo primary_color secondary_color"),
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": True},
            "statement_descriptor_prefix": None,
        },
        "dashboard": {"display_name": NAME, "timezone": "Etc/UTC"},
        "payments": null_fields(
            "statement_descriptor statement_descriptor_kana statement_descriptor_kanji"
        ),
    }
