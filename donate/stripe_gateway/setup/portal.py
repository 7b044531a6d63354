"""Sets up the customer portal, where a donor can replace a card and do nothing else.

https://docs.stripe.com/api/customer_portal/configurations: a portal opens with the default
configuration. The Dashboard creates this configuration when somebody saves the portal's settings
there. The API can change it, and can create other configurations.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from donate.stripe_gateway.setup.account import StripeAccount
from donate.stripe_gateway.setup.steps import MADE_BY_US, RequiredSettings, Step, well

if TYPE_CHECKING:
    from stripe.params.billing_portal import ConfigurationCreateParams, ConfigurationUpdateParams

# In the portal, donors can only replace a card. They change a monthly gift on our own page, because
# it records the change.
FEATURES: Final = {
    "payment_method_update": True,
    "customer_update": False,
    "invoice_history": False,
    "subscription_cancel": False,
    "subscription_pause": False,
    "subscription_update": False,
}


def portal_steps(account: StripeAccount, required: RequiredSettings) -> Sequence[Step]:
    """Return a Step that says whether our portal's configuration is right."""
    options: Any = {"stripe_account": required.connected_account or None}
    configurations = account.all_of(
        lambda sdk, params: sdk.v1.billing_portal.configurations.list(params, options),
        {"active": True},
    )
    # If the account has no default configuration, the service uses the one that setup created.
    defaults = [one for one in configurations if one["is_default"]]
    candidates = defaults or [one for one in configurations if is_ours(one)]
    if candidates:
        return [_comparison_step(account, candidates[0], options)]

    def make() -> Sequence[Step]:
        params: ConfigurationCreateParams = {
            "features": _features({name: FEATURES[name] for name in FEATURES}),
            "metadata": MADE_BY_US,
        }
        created = account.ask(
            lambda sdk: sdk.v1.billing_portal.configurations.create(params, options)
        )
        return [well(f"Made the customer portal's configuration {created['id']}.")]

    return [Step("Customer portal: make a configuration where donors replace a card.", act=make)]


def is_ours(configuration: dict[str, Any]) -> bool:
    """Return whether `donate stripe setup` created this configuration."""
    metadata = configuration.get("metadata")
    return isinstance(metadata, dict) and metadata.items() >= MADE_BY_US.items()


def _comparison_step(account: StripeAccount, configuration: dict[str, Any], options: Any) -> Step:
    features = configuration["features"]
    differences = {
        name: required
        for name, required in FEATURES.items()
        if bool((features.get(name) or {}).get("enabled")) is not required
    }
    name = f"Customer portal {configuration['id']}"
    if not differences:
        return well(f"{name}: donors replace a card there, and nothing else.")
    changes: ConfigurationUpdateParams = {"features": _features(differences)}

    def change() -> Sequence[Step]:
        account.ask(
            lambda sdk: sdk.v1.billing_portal.configurations.update(
                configuration["id"], changes, options
            )
        )
        return [well(f"Changed the customer portal's configuration {configuration['id']}.")]

    says = [
        f"switch {'on' if required else 'off'} {', '.join(names)}"
        for required in (True, False)
        if (names := [name for name, value in differences.items() if value is required])
    ]
    default_note = ", the account's default" if configuration["is_default"] else ""
    return Step(f"{name}{default_note}: {'; '.join(says)}.", act=change)


def _features(required: dict[str, bool]) -> Any:
    return {name: {"enabled": value} for name, value in required.items()}
