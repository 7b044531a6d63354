"""The webhook endpoint: one of our address, enabled, with our events, in our version of the API.

https://docs.stripe.com/api/webhook_endpoints: an endpoint's version cannot be changed, its secret
is told only by the answer that made it, and nothing tells whether it listens to connected accounts.
"""

from collections.abc import Sequence
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from donate.stripe_gateway.events.types import EVENT_TYPES
from donate.stripe_gateway.setup.account import API_VERSION, StripeAccount, same_release
from donate.stripe_gateway.setup.steps import (
    DASHBOARD_WEBHOOKS,
    MADE_BY_US,
    Step,
    Wanted,
    by_hand,
    well,
)

if TYPE_CHECKING:
    from stripe.params import WebhookEndpointCreateParams, WebhookEndpointUpdateParams

_LISTENS_TO: Final = "listens_to"
_CONNECTED: Final = "connected accounts"
_OWN: Final = "its own account"


def webhook_steps(account: StripeAccount, wanted: Wanted) -> Sequence[Step]:
    """Look at the endpoints of our address; those of other addresses are nobody's business."""
    every = account.all_of(lambda sdk, params: sdk.v1.webhook_endpoints.list(params))
    ours = [one for one in every if one["url"] == wanted.webhook_url]
    # The newest comes first, and an enabled one before those that are switched off.
    fitting = sorted(
        (one for one in ours if same_release(one.get("api_version"))),
        key=lambda one: one["status"] != "enabled",
    )
    if not fitting:
        return [_missing(account, wanted, ours)]
    chosen = fitting[0]
    steps = [_held_against_ours(account, chosen), *_who_it_listens_to(chosen, wanted)]
    steps += [
        by_hand(
            f"Webhook endpoint {one['id']}: it has the same address as {chosen['id']}, so that "
            f"every event comes twice. Delete it in {DASHBOARD_WEBHOOKS}, and take its secret out "
            "of STRIPE_WEBHOOK_SECRET."
        )
        for one in ours
        if one is not chosen and one["status"] == "enabled"
    ]
    return steps


def _missing(account: StripeAccount, wanted: Wanted, older: list[Any]) -> Step:
    where = wanted.webhook_url
    if not _is_public(where):
        return by_hand(
            f"Webhook endpoint: Stripe cannot reach {where}. Set PUBLIC_URL to the address where "
            "donors reach the service, and run this again."
        )
    what = f"{where} with {len(EVENT_TYPES)} events, in version {API_VERSION} of Stripe's API"
    if not older:
        return Step(
            f"Webhook endpoint: make one for {what}.", act=partial(_make, account, wanted, older)
        )
    one = older[0]
    version = one.get("api_version") or "the account's default version"
    return Step(
        f"Webhook endpoint {one['id']} sends events of {version}, and Stripe lets nobody change "
        f"that: make a new one for {what}, beside it.",
        act=partial(_make, account, wanted, older),
    )


def _make(account: StripeAccount, wanted: Wanted, older: list[Any]) -> Sequence[Step]:
    listens_to = _CONNECTED if wanted.connected_account else _OWN
    version: Any = API_VERSION
    asked: WebhookEndpointCreateParams = {
        "api_version": version,
        "connect": bool(wanted.connected_account),
        "description": "Donations",
        "enabled_events": list(EVENT_TYPES),
        "metadata": MADE_BY_US | {_LISTENS_TO: listens_to},
        "url": wanted.webhook_url,
    }
    made = account.ask(lambda sdk: sdk.v1.webhook_endpoints.create(asked))
    line = f"STRIPE_WEBHOOK_SECRET={made['secret']}"
    if not older:
        return [
            well(
                f"Made webhook endpoint {made['id']}. Put this line into .env; the secret is not "
                f"shown again here:\n\n    {line}\n"
            )
        ]
    return [
        well(
            f"Made webhook endpoint {made['id']}. Until the old one is gone, both secrets are "
            "needed. Put this line into .env, the secret that stands there now after the comma, "
            f"and restart the service:\n\n    {line},whsec_…\n"
        ),
        by_hand(
            f"When its first event has arrived, delete {older[0]['id']} in {DASHBOARD_WEBHOOKS}, "
            "and take its secret out of .env. Until then events come twice, and count once."
        ),
    ]


def _held_against_ours(account: StripeAccount, found: dict[str, Any]) -> Step:
    missing = sorted(set(EVENT_TYPES) - set(found["enabled_events"]))
    extra = sorted(set(found["enabled_events"]) - set(EVENT_TYPES))
    changed: WebhookEndpointUpdateParams = {}
    says = []
    if missing or extra:
        changed["enabled_events"] = list(EVENT_TYPES)
        says += [f"send {', '.join(missing)} too"] if missing else []
        says += [f"no longer send {', '.join(extra)}"] if extra else []
    if found["status"] != "enabled":
        changed["disabled"] = False
        says.append("switch it on again")
    if not changed:
        return well(
            f"Webhook endpoint {found['id']}: {found['url']}, enabled, {len(EVENT_TYPES)} events, "
            f"version {found['api_version']}."
        )

    def change() -> Sequence[Step]:
        account.ask(lambda sdk: sdk.v1.webhook_endpoints.update(found["id"], changed))
        return [well(f"Changed webhook endpoint {found['id']}; its secret is the same.")]

    return Step(f"Webhook endpoint {found['id']}: {'; '.join(says)}.", act=change)


def _who_it_listens_to(found: dict[str, Any], wanted: Wanted) -> Sequence[Step]:
    should = _CONNECTED if wanted.connected_account else _OWN
    # Without our mark, somebody made it by hand: for an account of one's own, the usual kind.
    does = (found.get("metadata") or {}).get(_LISTENS_TO, _OWN)
    if does == should:
        return []
    return [
        by_hand(
            f"Webhook endpoint {found['id']}: as far as is known it listens to {does}, and "
            f"STRIPE_ACCOUNT asks for {should}. Delete it in {DASHBOARD_WEBHOOKS} and run this "
            "again."
        )
    ]


def _is_public(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host
