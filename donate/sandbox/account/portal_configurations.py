"""Configurations of the customer portal, and the choice of the default one.

https://docs.stripe.com/api/customer_portal/configurations: the default configuration is created
when somebody saves the settings in the Dashboard. No API parameter makes a configuration the
default one, and configurations cannot be deleted.
"""

from typing import Any

from donate.sandbox.account_settings import new_portal_configuration
from donate.sandbox.errors import Refusal, no_such
from donate.sandbox.requests.parameters import (
    Check,
    boolean,
    choice,
    list_of,
    metadata,
    metadata_change,
    only,
    read,
    record,
    text,
    unset_or,
    web_address,
)
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

_UPDATES = ("address", "email", "name", "phone", "shipping", "tax_id")
_FEATURES: dict[str, dict[str, Check]] = {
    "customer_update": {
        "allowed_updates": unset_or(list_of(choice(*_UPDATES))),
        "enabled": boolean,
    },
    "invoice_history": {"enabled": boolean},
    "payment_method_update": {"enabled": boolean},
    "subscription_cancel": {
        "enabled": boolean,
        "mode": choice("at_period_end", "immediately"),
        "proration_behavior": choice("none", "create_prorations"),
    },
    "subscription_pause": {"enabled": boolean},
    # Letting donors change a subscription in the portal requires products and prices in the
    # configuration. The sandbox does not support these.
    "subscription_update": {"enabled": only("false")},
}
_UNSUPPORTED_IN = {
    "payment_method_update": ["payment_method_configuration"],
    "subscription_cancel": ["cancellation_reason"],
    "subscription_pause": ["duration"],
    "subscription_update": (
        "billing_cycle_anchor default_allowed_updates products proration_behavior "
        "schedule_at_period_end trial_update_behavior"
    ).split(),
}
# An update of one of these features may leave out `enabled`; the other features require it.
_PARTIAL = {"customer_update", "subscription_cancel", "subscription_pause", "subscription_update"}
_UNSUPPORTED = "business_profile login_page".split()
_COMMON: dict[str, Check] = {
    "default_return_url": unset_or(web_address),
    "name": unset_or(text(max_length=256)),
}


def _features(*, complete: bool) -> Check:
    def required(name: str) -> list[str]:
        needs = name != "subscription_pause" and (complete or name not in _PARTIAL)
        return ["enabled"] if needs else []

    return record(
        {
            name: record(checks, required=required(name), unsupported=_UNSUPPORTED_IN.get(name, []))
            for name, checks in _FEATURES.items()
        }
    )


def create_configuration(store: Store, parameters: dict[str, Any]) -> StripeObject:
    checks = {**_COMMON, "features": _features(complete=True), "metadata": metadata}
    request = read(parameters, checks, required=["features"], unsupported=_UNSUPPORTED)
    configuration = new_portal_configuration(store.new_id("bpc_1"), store.now())
    _apply(configuration, request)
    store.portal_configurations.put(configuration)
    store.announce("billing_portal.configuration.created", configuration)
    return configuration


def change_configuration(
    store: Store, parameters: dict[str, Any], configuration_id: str
) -> StripeObject:
    configuration = store.find(store.portal_configurations, configuration_id, "configuration")
    checks = {
        **_COMMON,
        "active": boolean,
        "features": _features(complete=False),
        "metadata": metadata_change,
    }
    request = read(parameters, checks, unsupported=_UNSUPPORTED)
    if request.get("active") is False and configuration["is_default"]:
        raise Refusal("You cannot deactivate your default configuration.", param="active")
    _apply(configuration, request)
    configuration["updated"] = store.now()
    store.announce("billing_portal.configuration.updated", configuration)
    return configuration


def configuration_for(store: Store, request: dict[str, Any]) -> str:
    """Return the id of the requested configuration, or of the default configuration."""
    requested_id = request.get("configuration")
    if requested_id is not None:
        requested = store.portal_configurations.get(requested_id)
        if requested is None:
            raise no_such("configuration", requested_id, "configuration", status=400)
        if not requested["active"]:
            raise Refusal(f"The configuration {requested_id} is not active.", param="configuration")
        return str(requested_id)
    for configuration in store.portal_configurations:
        if configuration["is_default"]:
            return str(configuration["id"])
    raise Refusal(
        "No configuration provided and your test mode default configuration has not been created. "
        "Provide a configuration or create your default by saving your customer portal settings in "
        "test mode at https://dashboard.stripe.com/test/settings/billing/portal."
    )


def _apply(configuration: StripeObject, request: dict[str, Any]) -> None:
    for name, feature in request.get("features", {}).items():
        values = {key: [] if value is None else value for key, value in feature.items()}
        if "enabled" in values:
            values["enabled"] = values["enabled"] in (True, "true")
        configuration["features"][name].update(values)
    if "metadata" in request:
        merged = {**configuration["metadata"], **request["metadata"]} if request["metadata"] else {}
        configuration["metadata"] = {key: value for key, value in merged.items() if value}
    for name in ("active", "default_return_url", "name"):
        if name in request:
            configuration[name] = request[name]
