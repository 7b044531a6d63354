"""Account settings: webhook endpoints, the portal, payment methods, and API keys."""

import uuid
from typing import Any, Final

from donate.stripe_gateway.assumptions import sources
from donate.stripe_gateway.assumptions.model import Cost, Topic, expect, expect_equal
from donate.stripe_gateway.assumptions.outcomes import CouldNotBeTried
from donate.stripe_gateway.assumptions.world import Json, World
from donate.stripe_gateway.events.types import WEBHOOK_EVENT_TYPES
from donate.stripe_gateway.setup.account import StripeAccount, same_release
from donate.stripe_gateway.setup.permissions import permission_steps

SETTINGS: Final = Topic("The account's settings")
_KIND: Final = {"endpoint": "webhook_endpoint", "portal": "billing_portal.configuration"}


@SETTINGS.assumption(
    sources.WEBHOOK_ENDPOINTS,
    routes="POST /v1/webhook_endpoints",
    fields="webhook_endpoint.secret webhook_endpoint.api_version",
    cost=Cost.WRONG_BOOKS,
    if_false="Events have a different structure, or an unknown secret signs them.",
)
def an_endpoint_has_our_version_and_a_secret(world: World) -> None:
    """A new endpoint has the API version we request; its secret is only in the first answer."""
    endpoint = _endpoint(world, proving=True)
    expect(same_release(endpoint["api_version"]), f"api_version is {endpoint['api_version']}")
    expect(str(endpoint["secret"]).startswith("whsec_"), "the answer has no secret")


@SETTINGS.assumption(
    sources.WEBHOOK_ENDPOINTS,
    routes="GET /v1/webhook_endpoints",
    fields="webhook_endpoint.url webhook_endpoint.enabled_events webhook_endpoint.status",
    cost=Cost.STAFF_WORK,
    if_false="`donate stripe setup` creates a second endpoint, and every event arrives twice.",
)
def endpoints_are_listed(world: World) -> None:
    """The endpoint list has the URL, events and status of each endpoint, but no secret."""
    endpoint = _endpoint(world)
    page = world.call(lambda sdk: sdk.v1.webhook_endpoints.list({"limit": 100}), "list")
    listed = {item["id"]: item for item in page["data"]}
    expect(endpoint["id"] in listed, "the endpoint is not in the list")
    item = listed[endpoint["id"]]
    expect_equal(item["url"], endpoint["url"], "url")
    expect_equal(set(item["enabled_events"]), set(WEBHOOK_EVENT_TYPES), "enabled_events")
    expect(item["status"] in ("enabled", "disabled"), f"status is {item['status']}")
    expect(not item.get("secret"), "the list contains the secret")


@SETTINGS.assumption(
    sources.WEBHOOK_ENDPOINTS,
    routes="POST /v1/webhook_endpoints/{id}",
    cost=Cost.STAFF_WORK,
    if_false="`donate stripe setup` cannot enable an endpoint again.",
)
def an_endpoint_can_be_switched_off(world: World) -> None:
    """An update can disable an endpoint, and its status is then disabled."""
    endpoint_id = _endpoint(world)["id"]
    endpoint = world.call(
        lambda sdk: sdk.v1.webhook_endpoints.update(endpoint_id, {"disabled": True}),
        _KIND["endpoint"],
    )
    expect_equal(endpoint["status"], "disabled", "status")


@SETTINGS.assumption(
    sources.PORTAL_CONFIGURATION,
    routes="""
        POST /v1/billing_portal/configurations
        POST /v1/billing_portal/configurations/{id}
        GET /v1/billing_portal/configurations
    """,
    fields="""
        billing_portal.configuration.features.payment_method_update.enabled
        billing_portal.configuration.is_default
    """,
    cost=Cost.STAFF_WORK,
    if_false="`donate stripe setup` cannot prepare the page where donors replace a card.",
)
def a_portal_configuration_can_be_made(world: World) -> None:
    """The API can switch features of the portal; the list says which configuration is default."""
    params: Any = {
        "features": {"payment_method_update": {"enabled": True}},
        "metadata": {"made_by": "donate stripe check"},
    }
    configuration = world.call(
        lambda sdk: sdk.v1.billing_portal.configurations.create(params), _KIND["portal"]
    )
    expect(configuration["features"]["payment_method_update"]["enabled"], "the feature is off")
    expect(isinstance(configuration["is_default"], bool), "is_default is missing")
    # Deactivate the configuration, because Stripe cannot delete one.
    changed = world.call(
        lambda sdk: sdk.v1.billing_portal.configurations.update(
            configuration["id"], {"active": False}
        ),
        _KIND["portal"],
    )
    expect(changed["active"] is False, "the configuration is still active")
    page = world.call(
        lambda sdk: sdk.v1.billing_portal.configurations.list({"active": True}), "list"
    )
    expect(
        configuration["id"] not in {item["id"] for item in page["data"]},
        "the configuration is listed as active",
    )


@SETTINGS.assumption(
    sources.METHOD_CONFIGURATIONS,
    routes="""
        GET /v1/payment_method_configurations
        POST /v1/payment_method_configurations/{id}
    """,
    fields="""
        payment_method_configuration.is_default
        payment_method_configuration.active
        payment_method_configuration.application
        payment_method_configuration.card.display_preference.value
        payment_method_configuration.card.display_preference.overridable
        payment_method_configuration.card.available
    """,
    cost=Cost.NO_GIFT,
    if_false="A mode is offered that the account cannot take, and `donate doctor` misses it.",
)
def the_accounts_methods_are_listed(world: World) -> None:
    """The default configuration says if a payment method is available; an update switches it on."""
    page = world.call(lambda sdk: sdk.v1.payment_method_configurations.list(), "list")
    defaults = [
        configuration
        for configuration in page["data"]
        if configuration["is_default"] and configuration["active"]
    ]
    expect(defaults, "no configuration is the default")
    state = defaults[0].get("card")
    expect(state, "the default configuration lacks the card method")
    if defaults[0].get("application") or state["display_preference"]["value"] != "on":
        raise CouldNotBeTried("cards are switched off in this account")
    switched_on: Any = {"card": {"display_preference": {"preference": "on"}}}
    updated = world.call(
        lambda sdk: sdk.v1.payment_method_configurations.update(defaults[0]["id"], switched_on),
        "payment_method_configuration",
    )
    preference = updated["card"]["display_preference"]
    expect_equal(preference["value"], "on", "display_preference.value")
    # A platform can forbid its connected accounts to change this setting.
    expect(preference.get("overridable") in (None, True), "overridable is false")
    expect(isinstance(updated["card"]["available"], bool), "available is missing")


@SETTINGS.assumption(
    sources.RESTRICTED_KEYS,
    routes="""
        GET /v1/balance_transactions
        GET /v1/charges
        GET /v1/customers
        GET /v1/payment_intents
        GET /v1/setup_intents
        POST /v1/products/{id}
    """,
    cost=Cost.STAFF_WORK,
    if_false="`donate doctor` reports a key's permissions wrongly.",
)
def a_key_is_checked_before_the_object(world: World) -> None:
    """Stripe checks a key's permission before it looks for the object."""
    account = StripeAccount(world.account.secret_key, world.account.api_base)
    try:
        steps = list(permission_steps(account, livemode=False))
    finally:
        account.close()
    if any(step.by_hand for step in steps):
        raise CouldNotBeTried("the key is restricted: " + " ".join(step.says for step in steps))
    unsure = [step.says for step in steps if "could not be tried" in step.says]
    expect_equal(unsure, [], "the permissions that could not be tried")


def _endpoint(world: World, *, proving: bool = False) -> Json:
    def make() -> Json:
        params: Any = {
            "api_version": world.api_version,
            "description": "donate stripe check",
            "enabled_events": list(WEBHOOK_EVENT_TYPES),
            "url": f"https://donate-check-{uuid.uuid4().hex}.example.com/webhooks/stripe",
        }
        endpoint = world.call(
            lambda sdk: sdk.v1.webhook_endpoints.create(params), _KIND["endpoint"]
        )
        world.remove_later(
            f"webhook endpoint {endpoint['id']}",
            lambda: world.call(
                lambda sdk: sdk.v1.webhook_endpoints.delete(endpoint["id"]), _KIND["endpoint"]
            ),
        )
        return endpoint

    return world.make_once("webhook endpoint", make, proving=proving)
