"""What an account is set up with: webhook endpoints, the portal, and its payment methods."""

import uuid
from typing import Any, Final

from donate.stripe_gateway.assumptions import sources
from donate.stripe_gateway.assumptions.model import Cost, Topic, expect, expect_equal
from donate.stripe_gateway.assumptions.outcomes import CouldNotBeTried
from donate.stripe_gateway.assumptions.world import Json, World
from donate.stripe_gateway.events.types import EVENT_TYPES
from donate.stripe_gateway.setup.account import StripeAccount, same_release
from donate.stripe_gateway.setup.permissions import permission_steps

SETTINGS: Final = Topic("The account's settings")
_KIND: Final = {"endpoint": "webhook_endpoint", "portal": "billing_portal.configuration"}


@SETTINGS.assumption(
    sources.WEBHOOK_ENDPOINTS,
    routes="POST /v1/webhook_endpoints",
    fields="webhook_endpoint.secret webhook_endpoint.api_version",
    cost=Cost.WRONG_BOOKS,
    if_false="Events come in another shape than the one we read, or signed with an unknown secret.",
)
def an_endpoint_has_our_version_and_a_secret(world: World) -> None:
    """An endpoint that is made with our version of the API has it, and tells its secret once."""
    made = _endpoint(world, proving=True)
    expect(same_release(made["api_version"]), f"api_version is {made['api_version']}")
    expect(str(made["secret"]).startswith("whsec_"), "the answer has no secret")


@SETTINGS.assumption(
    sources.WEBHOOK_ENDPOINTS,
    routes="GET /v1/webhook_endpoints",
    fields="webhook_endpoint.url webhook_endpoint.enabled_events webhook_endpoint.status",
    cost=Cost.STAFF_WORK,
    if_false="`donate stripe setup` makes a second endpoint, and every event comes twice.",
)
def endpoints_are_listed(world: World) -> None:
    """The list of endpoints has each with its address, its events and its status, no secret."""
    made = _endpoint(world)
    page = world.call(lambda sdk: sdk.v1.webhook_endpoints.list({"limit": 100}), "list")
    listed = {one["id"]: one for one in page["data"]}
    expect(made["id"] in listed, "the endpoint is not in the list")
    found = listed[made["id"]]
    expect_equal(found["url"], made["url"], "url")
    expect_equal(set(found["enabled_events"]), set(EVENT_TYPES), "enabled_events")
    expect(found["status"] in ("enabled", "disabled"), f"status is {found['status']}")
    expect(not found.get("secret"), "the list tells the secret")


@SETTINGS.assumption(
    sources.WEBHOOK_ENDPOINTS,
    routes="POST /v1/webhook_endpoints/{id}",
    cost=Cost.STAFF_WORK,
    if_false="`donate stripe setup` cannot switch an endpoint on again.",
)
def an_endpoint_can_be_switched_off(world: World) -> None:
    """An endpoint is disabled by an update, and shows it as its status."""
    made = _endpoint(world)["id"]
    found = world.call(
        lambda sdk: sdk.v1.webhook_endpoints.update(made, {"disabled": True}), _KIND["endpoint"]
    )
    expect_equal(found["status"], "disabled", "status")


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
    """The portal's features are switched by the API, and listed with what is the default."""
    asked: Any = {
        "features": {"payment_method_update": {"enabled": True}},
        "metadata": {"made_by": "donate stripe check"},
    }
    made = world.call(
        lambda sdk: sdk.v1.billing_portal.configurations.create(asked), _KIND["portal"]
    )
    expect(made["features"]["payment_method_update"]["enabled"], "the feature is off")
    expect(isinstance(made["is_default"], bool), "is_default is missing")
    # Nothing deletes a configuration; an inactive one is not used.
    changed = world.call(
        lambda sdk: sdk.v1.billing_portal.configurations.update(made["id"], {"active": False}),
        _KIND["portal"],
    )
    expect(changed["active"] is False, "the configuration is still active")
    page = world.call(
        lambda sdk: sdk.v1.billing_portal.configurations.list({"active": True}), "list"
    )
    expect(made["id"] not in {one["id"] for one in page["data"]}, "it is listed as active")


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
    if_false="A mode is offered that the account cannot take, and `donate doctor` does not say so.",
)
def the_accounts_methods_are_listed(world: World) -> None:
    """The default configuration says of each method whether it is on and available; on stays on."""
    page = world.call(lambda sdk: sdk.v1.payment_method_configurations.list(), "list")
    defaults = [one for one in page["data"] if one["is_default"] and one["active"]]
    expect(defaults, "no configuration is the default")
    state = defaults[0].get("card")
    expect(state, "the default configuration says nothing of cards")
    if defaults[0].get("application") or state["display_preference"]["value"] != "on":
        raise CouldNotBeTried("cards are switched off in this account")
    switched_on: Any = {"card": {"display_preference": {"preference": "on"}}}
    again = world.call(
        lambda sdk: sdk.v1.payment_method_configurations.update(defaults[0]["id"], switched_on),
        "payment_method_configuration",
    )
    preference = again["card"]["display_preference"]
    expect_equal(preference["value"], "on", "display_preference.value")
    # A platform's own accounts may not change it.
    expect(preference.get("overridable") in (None, True), "overridable is false")
    expect(isinstance(again["card"]["available"], bool), "available is missing")


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
    if_false="`donate doctor` says that a key lacks a permission which it has, or the reverse.",
)
def a_key_is_checked_before_the_object(world: World) -> None:
    """Stripe looks at the key first: only then is what does not exist told to be missing."""
    account = StripeAccount(world.account.secret_key, world.account.api_base)
    try:
        steps = list(permission_steps(account, livemode=False))
    finally:
        account.close()
    if any(step.by_hand for step in steps):
        raise CouldNotBeTried("the key is restricted: " + " ".join(step.says for step in steps))
    unsure = [step.says for step in steps if "could not be tried" in step.says]
    expect_equal(unsure, [], "what could not be found out")


def _endpoint(world: World, *, proving: bool = False) -> Json:
    def make() -> Json:
        asked: Any = {
            "api_version": world.api_version,
            "description": "donate stripe check",
            "enabled_events": list(EVENT_TYPES),
            "url": f"https://donate-check-{uuid.uuid4().hex}.example.com/webhooks/stripe",
        }
        made = world.call(lambda sdk: sdk.v1.webhook_endpoints.create(asked), _KIND["endpoint"])
        world.remove_later(
            f"webhook endpoint {made['id']}",
            lambda: world.call(
                lambda sdk: sdk.v1.webhook_endpoints.delete(made["id"]), _KIND["endpoint"]
            ),
        )
        return made

    found: Json = world.make_once("webhook endpoint", make, proving=proving)
    return found
