"""Sets up the webhook endpoint: one with our URL, enabled, with our events and our API version.

https://docs.stripe.com/api/webhook_endpoints: the API version of an endpoint cannot be changed.
Stripe returns the endpoint's secret only when the endpoint is created. It never says whether the
endpoint listens to connected accounts.
"""

from collections.abc import Sequence
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from donate.stripe_gateway.events.types import WEBHOOK_EVENT_TYPES
from donate.stripe_gateway.setup.account import API_VERSION, StripeAccount, same_release
from donate.stripe_gateway.setup.steps import (
    DASHBOARD_WEBHOOKS,
    MADE_BY_US,
    RequiredSettings,
    Step,
    by_hand,
    well,
)

if TYPE_CHECKING:
    from stripe.params import WebhookEndpointCreateParams, WebhookEndpointUpdateParams

_LISTENS_TO: Final = "listens_to"
_CONNECTED: Final = "connected accounts"
_OWN: Final = "its own account"


def webhook_steps(account: StripeAccount, required: RequiredSettings) -> Sequence[Step]:
    """Return Steps that say whether the endpoint with our URL is right. Ignore other URLs."""
    endpoints = account.all_of(lambda sdk, params: sdk.v1.webhook_endpoints.list(params))
    ours = [one for one in endpoints if one["url"] == required.webhook_url]
    # Sort enabled endpoints first. Otherwise keep Stripe's order, which is newest first.
    matching = sorted(
        (one for one in ours if same_release(one.get("api_version"))),
        key=lambda one: one["status"] != "enabled",
    )
    if not matching:
        return [_creation_step(account, required, ours)]
    best = matching[0]
    steps = [_comparison_step(account, best), *_listening_steps(best, required)]
    steps += [
        by_hand(
            f"Webhook endpoint {one['id']}: it has the same address as {best['id']}, so that "
            f"every event comes twice. Delete it in {DASHBOARD_WEBHOOKS}, and take its secret out "
            "of STRIPE_WEBHOOK_SECRET."
        )
        for one in ours
        if one is not best and one["status"] == "enabled"
    ]
    return steps


def _creation_step(
    account: StripeAccount, required: RequiredSettings, old_endpoints: list[Any]
) -> Step:
    url = required.webhook_url
    if not _is_public(url):
        return by_hand(
            f"Webhook endpoint: Stripe cannot reach {url}. Set PUBLIC_URL to the address where "
            "donors reach the service, and run this again."
        )
    count = len(WEBHOOK_EVENT_TYPES)
    description = f"{url} with {count} events, in version {API_VERSION} of Stripe's API"
    if not old_endpoints:
        return Step(
            f"Webhook endpoint: make one for {description}.",
            act=partial(_make, account, required, old_endpoints),
        )
    one = old_endpoints[0]
    version = one.get("api_version") or "the account's default version"
    return Step(
        f"Webhook endpoint {one['id']} sends events of {version}, and Stripe lets nobody change "
        f"that: make a new one for {description}, beside it.",
        act=partial(_make, account, required, old_endpoints),
    )


def _make(
    account: StripeAccount, required: RequiredSettings, old_endpoints: list[Any]
) -> Sequence[Step]:
    listens_to = _CONNECTED if required.connected_account else _OWN
    version: Any = API_VERSION
    params: WebhookEndpointCreateParams = {
        "api_version": version,
        "connect": bool(required.connected_account),
        "description": "Donations",
        "enabled_events": list(WEBHOOK_EVENT_TYPES),
        "metadata": MADE_BY_US | {_LISTENS_TO: listens_to},
        "url": required.webhook_url,
    }
    created = account.ask(lambda sdk: sdk.v1.webhook_endpoints.create(params))
    line = f"STRIPE_WEBHOOK_SECRET={created['secret']}"
    if not old_endpoints:
        return [
            well(
                f"Made webhook endpoint {created['id']}. Put this line into .env; the secret is "
                f"not shown again here:\n\n    {line}\n"
            )
        ]
    return [
        well(
            f"Made webhook endpoint {created['id']}. Until the old one is gone, both secrets are "
            "needed. Put this line into .env, the secret that stands there now after the comma, "
            f"and restart the service:\n\n    {line},whsec_…\n"
        ),
        by_hand(
            f"When its first event has arrived, delete {old_endpoints[0]['id']} in "
            f"{DASHBOARD_WEBHOOKS}, and take its secret out of .env. Until then events come "
            "twice, and count once."
        ),
    ]


def _comparison_step(account: StripeAccount, endpoint: dict[str, Any]) -> Step:
    missing = sorted(set(WEBHOOK_EVENT_TYPES) - set(endpoint["enabled_events"]))
    extra = sorted(set(endpoint["enabled_events"]) - set(WEBHOOK_EVENT_TYPES))
    changes: WebhookEndpointUpdateParams = {}
    parts = []
    if missing or extra:
        changes["enabled_events"] = list(WEBHOOK_EVENT_TYPES)
        parts += [f"send {', '.join(missing)} too"] if missing else []
        parts += [f"no longer send {', '.join(extra)}"] if extra else []
    if endpoint["status"] != "enabled":
        changes["disabled"] = False
        parts.append("switch it on again")
    if not changes:
        return well(
            f"Webhook endpoint {endpoint['id']}: {endpoint['url']}, enabled, "
            f"{len(WEBHOOK_EVENT_TYPES)} events, version {endpoint['api_version']}."
        )

    def change() -> Sequence[Step]:
        account.ask(lambda sdk: sdk.v1.webhook_endpoints.update(endpoint["id"], changes))
        return [well(f"Changed webhook endpoint {endpoint['id']}; its secret is the same.")]

    return Step(f"Webhook endpoint {endpoint['id']}: {'; '.join(parts)}.", act=change)


def _listening_steps(endpoint: dict[str, Any], required: RequiredSettings) -> Sequence[Step]:
    expected = _CONNECTED if required.connected_account else _OWN
    # If an endpoint has no metadata of ours, a person created it. It usually receives events of its
    # own account, but not of connected accounts.
    actual = (endpoint.get("metadata") or {}).get(_LISTENS_TO, _OWN)
    if actual == expected:
        return []
    return [
        by_hand(
            f"Webhook endpoint {endpoint['id']}: as far as we know it listens to {actual}, and "
            f"STRIPE_ACCOUNT needs {expected}. Delete it in {DASHBOARD_WEBHOOKS} and run this "
            "again."
        )
    ]


def _is_public(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host
