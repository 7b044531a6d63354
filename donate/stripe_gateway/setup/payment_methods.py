"""Checks that the account's default configuration offers our regions' payment methods.

https://docs.stripe.com/api/payment_method_configurations: a method is available when its preference
is on and its capability is active. Only Stripe can activate a capability.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from donate.stripe_gateway.setup.account import StripeAccount
from donate.stripe_gateway.setup.steps import RequiredSettings, Step, by_hand, well

if TYPE_CHECKING:
    from stripe.params import PaymentMethodConfigurationUpdateParams

_LABELS: Final = {"card": "Cards", "acss_debit": "Pre-authorized debit in Canada"}
_DASHBOARD: Final = "the Dashboard under Settings, Payment methods"


def method_steps(account: StripeAccount, required: RequiredSettings) -> Sequence[Step]:
    """Return a Step for each payment method we need. It says whether donors can use the method."""
    options: Any = {"stripe_account": required.connected_account or None}
    configurations = account.all_of(
        lambda sdk, params: sdk.v1.payment_method_configurations.list(params, options)
    )
    defaults = [one for one in configurations if one["is_default"] and one["active"]]
    # Sort configurations that platforms added to the account last.
    defaults.sort(key=lambda one: one.get("application") is not None)
    if not defaults:
        return [by_hand(f"Payment methods: Stripe lists no default; look at them in {_DASHBOARD}.")]
    return [_step(account, defaults[0], name, options) for name in required.methods]


def _step(account: StripeAccount, configuration: dict[str, Any], method: str, options: Any) -> Step:
    state = configuration.get(method)
    if state is None:
        return by_hand(f"{_LABELS[method]}: not offered to this account; ask Stripe why.")
    preference = state["display_preference"]
    if preference["value"] == "on":
        return _availability_step(method, state)
    if preference.get("overridable") is False:
        return by_hand(f"{_LABELS[method]}: off, and only the account's platform can change that.")
    changes: PaymentMethodConfigurationUpdateParams = {}
    switched_on: Any = {"display_preference": {"preference": "on"}}
    if method == "card":
        changes["card"] = switched_on
    else:
        changes["acss_debit"] = switched_on

    def change() -> Sequence[Step]:
        answer = account.ask(
            lambda sdk: sdk.v1.payment_method_configurations.update(
                configuration["id"], changes, options
            )
        )
        return [_availability_step(method, answer[method])]

    return Step(
        f"{_LABELS[method]}: switch it on in the payment methods {configuration['id']}.", act=change
    )


def _availability_step(method: str, state: dict[str, Any]) -> Step:
    if state["available"]:
        return well(f"{_LABELS[method]}: switched on and active.")
    return by_hand(
        f"{_LABELS[method]}: switched on, but not active yet. Finish what Stripe asks for in "
        f"{_DASHBOARD}."
    )
