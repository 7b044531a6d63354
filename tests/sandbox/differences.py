"""Known differences between Stripe's OpenAPI document and the sandbox or the tests, with reasons.

tests/sandbox/test_conformity.py checks that each difference still occurs.
"""

_NEWER = (
    "Newer than the document (2026-09-30.endive); the SDK's types have it. "
    "https://docs.stripe.com/changelog/endive/2026-09-30/"
    "remove-payment-method-types-checkout-sessions"
)
_NEWER_VERSION = "The SDK writes and reads 2026-10-28.endive, which is newer than the document."
_IN_THE_SDK = "The document leaves out what it deprecates; the SDK's type of the object has it."
_IN_THE_FIXTURES = (
    "The document leaves out what it deprecates; Stripe's sample of the object has it, as null. "
    "https://github.com/stripe/openapi, openapi/fixtures3.json"
)

STANDING = {
    "POST /v1/checkout/sessions: allowed_payment_method_types is not in the document": _NEWER,
    "checkout.session: allowed_payment_method_types is not in the document": _NEWER,
    "charge: source is not in the document": _IN_THE_SDK,
    "payment_intent: source is not in the document": _IN_THE_FIXTURES,
    "product: type is not in the document": _IN_THE_SDK,
    "POST /v1/billing_portal/configurations: features.subscription_pause is not in the document": (
        _IN_THE_SDK
    ),
    "portal_features: subscription_pause is not in the document": _IN_THE_SDK,
    "POST /v1/webhook_endpoints: api_version is not among the values": _NEWER_VERSION,
    "recurring: trial_period_days is not in the document": _IN_THE_SDK,
    "subscription_item: plan is not in the document": _IN_THE_SDK,
}
