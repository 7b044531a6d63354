"""The account's webhook endpoints.

https://docs.stripe.com/api/webhook_endpoints: only the answer to the request that creates an
endpoint contains its secret, and its API version never changes. The sandbox delivers its events to
the webhook URL in its own settings, not to these endpoints.
"""

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from donate.sandbox.api_versions import VERSIONS
from donate.sandbox.errors import Refusal, invalid_parameter, not_in_this_sandbox
from donate.sandbox.objects.parts import null_fields
from donate.sandbox.requests.parameters import (
    boolean,
    list_of,
    metadata,
    metadata_change,
    read,
    text,
    unset_or,
    web_address,
)
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

# Stripe allows 16 webhook endpoints: https://docs.stripe.com/webhooks#register-webhook
MAX_ENDPOINTS = 16
# The API versions that an endpoint may have. The sandbox can write events only in the versions
# that VERSIONS lists.
ENDPOINT_VERSIONS = (*VERSIONS, "2026-09-30.endive")

EVENT_TYPES = frozenset(
    (
        "charge.dispute.closed charge.dispute.created charge.dispute.funds_reinstated "
        "charge.dispute.funds_withdrawn charge.dispute.updated charge.failed charge.refunded "
        "charge.succeeded checkout.session.async_payment_failed "
        "checkout.session.async_payment_succeeded checkout.session.completed "
        "checkout.session.expired customer.created customer.subscription.created "
        "customer.subscription.deleted customer.subscription.updated invoice.created "
        "invoice.finalized invoice.paid invoice.payment_failed invoice.payment_succeeded "
        "invoice_payment.paid payment_intent.created payment_intent.payment_failed "
        "payment_intent.processing payment_intent.succeeded payout.canceled "
        "payout.created payout.failed payout.paid payout.reconciliation_completed payout.updated "
        "product.created refund.created refund.failed refund.updated"
    ).split()
)


def _event_type(value: Any, path: str) -> str:
    name = str(text()(value, path))
    if name == "*" or name in EVENT_TYPES:
        return name
    raise not_in_this_sandbox(path, name)


def _event_types(value: Any, path: str) -> list[str]:
    if value in ("", []):
        raise invalid_parameter(path, "You must enable at least one event.")
    types: list[str] = list_of(_event_type)(value, path)
    return types


def _public_address(value: Any, path: str) -> str:
    url = str(web_address(value, path))
    host = urlsplit(url).hostname or ""
    try:
        is_public = ip_address(host).is_global
    except ValueError:
        is_public = host != "localhost" and "." in host
    if not is_public:
        raise invalid_parameter(
            path,
            "Invalid URL: URL must be publicly accessible. Consider using a tool like the Stripe "
            "CLI to test webhooks locally: https://github.com/stripe/stripe-cli",
            code="url_invalid",
        )
    return url


def _version(value: Any, path: str) -> str:
    version = str(text()(value, path))
    if version not in ENDPOINT_VERSIONS:
        raise invalid_parameter(path, f"Invalid API version: {version}")
    return version


_CHANGED = {
    "description": unset_or(text()),
    "enabled_events": _event_types,
    "metadata": metadata_change,
    "url": _public_address,
}
_NEW = {**_CHANGED, "api_version": _version, "connect": boolean, "metadata": metadata}


def create_endpoint(store: Store, parameters: dict[str, Any]) -> StripeObject:
    request = read(parameters, _NEW, required=["enabled_events", "url"])
    if len(store.webhook_endpoints) >= MAX_ENDPOINTS:
        raise Refusal(f"You have reached the maximum of {MAX_ENDPOINTS} test webhook endpoints.")
    endpoint = {
        "id": store.new_id("we_1"),
        "object": "webhook_endpoint",
        **null_fields("application"),
        "api_version": request.get("api_version"),
        "created": store.now(),
        "description": request.get("description"),
        "enabled_events": request["enabled_events"],
        "livemode": False,
        "metadata": request.get("metadata", {}),
        "status": "enabled",
        "url": request["url"],
    }
    store.webhook_endpoints.put(endpoint)
    store.connect_endpoints[endpoint["id"]] = request.get("connect", False)
    return {**endpoint, "secret": store.new_id("whsec_", 32)}


def change_endpoint(store: Store, parameters: dict[str, Any], endpoint_id: str) -> StripeObject:
    endpoint = store.find(store.webhook_endpoints, endpoint_id, "webhook_endpoint")
    request = read(parameters, {**_CHANGED, "disabled": boolean})
    if "metadata" in request:
        merged = {**endpoint["metadata"], **request["metadata"]} if request["metadata"] else {}
        endpoint["metadata"] = {name: value for name, value in merged.items() if value is not None}
    if "disabled" in request:
        endpoint["status"] = "disabled" if request["disabled"] else "enabled"
    for name in ("description", "enabled_events", "url"):
        if name in request:
            endpoint[name] = request[name]
    return endpoint


def delete_endpoint(store: Store, parameters: dict[str, Any], endpoint_id: str) -> StripeObject:
    read(parameters, {})
    store.find(store.webhook_endpoints, endpoint_id, "webhook_endpoint")
    store.webhook_endpoints.remove(endpoint_id)
    return {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}
