"""The customer portal: a page where a donor replaces a card, and nothing else.

https://docs.stripe.com/api/customer_portal/configurations: a portal opens with the default, which
the Dashboard makes when its settings are saved; the API can change it, and make others.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from donate.stripe_gateway.setup.account import StripeAccount
from donate.stripe_gateway.setup.steps import MADE_BY_US, Step, Wanted, well

if TYPE_CHECKING:
    from stripe.params.billing_portal import ConfigurationCreateParams, ConfigurationUpdateParams

# What a donor changes about a monthly gift, they change on our page, which books it.
FEATURES: Final = {
    "payment_method_update": True,
    "customer_update": False,
    "invoice_history": False,
    "subscription_cancel": False,
    "subscription_pause": False,
    "subscription_update": False,
}


def portal_steps(account: StripeAccount, wanted: Wanted) -> Sequence[Step]:
    """Look at the configuration that our portal opens with."""
    options: Any = {"stripe_account": wanted.connected_account or None}
    every = account.all_of(
        lambda sdk, params: sdk.v1.billing_portal.configurations.list(params, options),
        {"active": True},
    )
    # Without a default, the service names the one that was made for it.
    chosen = [one for one in every if one["is_default"]] or [one for one in every if is_ours(one)]
    if chosen:
        return [_held_against_ours(account, chosen[0], options)]

    def make() -> Sequence[Step]:
        asked: ConfigurationCreateParams = {
            "features": _features({name: FEATURES[name] for name in FEATURES}),
            "metadata": MADE_BY_US,
        }
        made = account.ask(lambda sdk: sdk.v1.billing_portal.configurations.create(asked, options))
        return [well(f"Made the customer portal's configuration {made['id']}.")]

    return [Step("Customer portal: make a configuration where donors replace a card.", act=make)]


def is_ours(configuration: dict[str, Any]) -> bool:
    """Tell whether `donate stripe setup` made this configuration."""
    metadata = configuration.get("metadata")
    return isinstance(metadata, dict) and metadata.items() >= MADE_BY_US.items()


def _held_against_ours(account: StripeAccount, found: dict[str, Any], options: Any) -> Step:
    features = found["features"]
    differing = {
        name: wanted
        for name, wanted in FEATURES.items()
        if bool((features.get(name) or {}).get("enabled")) is not wanted
    }
    name = f"Customer portal {found['id']}"
    if not differing:
        return well(f"{name}: donors replace a card there, and nothing else.")
    changed: ConfigurationUpdateParams = {"features": _features(differing)}

    def change() -> Sequence[Step]:
        account.ask(
            lambda sdk: sdk.v1.billing_portal.configurations.update(found["id"], changed, options)
        )
        return [well(f"Changed the customer portal's configuration {found['id']}.")]

    says = [
        f"switch {'on' if wanted else 'off'} {', '.join(names)}"
        for wanted in (True, False)
        if (names := [name for name, value in differing.items() if value is wanted])
    ]
    shared = ", the account's default" if found["is_default"] else ""
    return Step(f"{name}{shared}: {'; '.join(says)}.", act=change)


def _features(wanted: dict[str, bool]) -> Any:
    return {name: {"enabled": value} for name, value in wanted.items()}
