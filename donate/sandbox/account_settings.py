"""An account's initial settings: the portal configuration and the payment methods."""

from donate.sandbox.objects.parts import null_fields
from donate.sandbox.shelf import StripeObject

_PORTAL_ID = "bpc_1SandboxSandboxSandboxSa"
_METHODS_ID = "pmc_1SandboxSandboxSandboxSa"
_MADE_AT = 1_577_836_800
# The payment methods that the sandbox supports, and the account capability that each needs.
CAPABILITIES = {
    "acss_debit": "acss_debit_payments",
    "card": "card_payments",
    "link": "link_payments",
}


def default_portal_configuration() -> StripeObject:
    """Return the portal configuration that the Dashboard saves if nobody changes its settings."""
    configuration = new_portal_configuration(_PORTAL_ID, _MADE_AT)
    configuration["is_default"] = True
    features = configuration["features"]
    features["customer_update"].update(allowed_updates=["email", "address"], enabled=True)
    for name in ("invoice_history", "payment_method_update", "subscription_cancel"):
        features[name]["enabled"] = True
    return configuration


def new_portal_configuration(configuration_id: str, created: int) -> StripeObject:
    return {
        "id": configuration_id,
        "object": "billing_portal.configuration",
        **null_fields("application default_return_url name"),
        "active": True,
        "business_profile": null_fields("headline privacy_policy_url terms_of_service_url"),
        "created": created,
        "features": {
            "customer_update": {"allowed_updates": [], "enabled": False},
            "invoice_history": {"enabled": False},
            "payment_method_update": {"enabled": False, "payment_method_configuration": None},
            "subscription_cancel": {
                "cancellation_reason": {"enabled": False, "options": []},
                "enabled": False,
                "mode": "at_period_end",
                "proration_behavior": "none",
            },
            "subscription_pause": {"enabled": False},
            "subscription_update": {
                "billing_cycle_anchor": "unchanged",
                "default_allowed_updates": [],
                "enabled": False,
                "products": [],
                "proration_behavior": "none",
                "schedule_at_period_end": {"conditions": []},
                "trial_update_behavior": "end_trial",
            },
        },
        "is_default": False,
        "livemode": False,
        "login_page": {"enabled": False, "url": None},
        "metadata": {},
        "updated": created,
    }


def new_method_configuration() -> StripeObject:
    """Return the default payment method configuration of an account set up for this service."""
    # Only the class `Shelf` needs the field `created`, to sort objects. The API's answers leave the
    # field out, as Stripe's answers do.
    return {
        "id": _METHODS_ID,
        "object": "payment_method_configuration",
        **null_fields("application parent"),
        "active": True,
        "created": _MADE_AT,
        "is_default": True,
        "livemode": False,
        "name": "Default",
        **{name: {"preference": "on"} for name in CAPABILITIES},
    }
