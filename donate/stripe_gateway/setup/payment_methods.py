"""The payment methods that our regions offer: switched on, and active, in the account's default.

https://docs.stripe.com/api/payment_method_configurations: a method is available when its preference
is on and the capability behind it is active. Only Stripe makes a capability active.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from donate.stripe_gateway.setup.account import StripeAccount
from donate.stripe_gateway.setup.steps import Step, Wanted, by_hand, well

if TYPE_CHECKING:
    from stripe.params import PaymentMethodConfigurationUpdateParams

_NAMES: Final = {"card": "Cards", "acss_debit": "Pre-authorized debit in Canada"}
_WHERE: Final = "the Dashboard under Settings, Payment methods"


def method_steps(account: StripeAccount, wanted: Wanted) -> Sequence[Step]:
    """Look at each payment method that is needed."""
    options: Any = {"stripe_account": wanted.connected_account or None}
    every = account.all_of(
        lambda sdk, params: sdk.v1.payment_method_configurations.list(params, options)
    )
    defaults = [one for one in every if one["is_default"] and one["active"]]
    # Platforms bring configurations of their own: theirs come last.
    defaults.sort(key=lambda one: one.get("application") is not None)
    if not defaults:
        return [by_hand(f"Payment methods: Stripe lists no default; look at them in {_WHERE}.")]
    return [_step(account, defaults[0], name, options) for name in wanted.methods]


def _step(account: StripeAccount, found: dict[str, Any], method: str, options: Any) -> Step:
    state = found.get(method)
    if state is None:
        return by_hand(f"{_NAMES[method]}: not offered to this account; ask Stripe why.")
    preference = state["display_preference"]
    if preference["value"] == "on":
        return _available(method, state)
    if preference.get("overridable") is False:
        return by_hand(f"{_NAMES[method]}: off, and only the account's platform can change that.")
    changed: PaymentMethodConfigurationUpdateParams = {}
    switched_on: Any = {"display_preference": {"preference": "on"}}
    if method == "card":
        changed["card"] = switched_on
    else:
        changed["acss_debit"] = switched_on

    def change() -> Sequence[Step]:
        answer = account.ask(
            lambda sdk: sdk.v1.payment_method_configurations.update(found["id"], changed, options)
        )
        return [_available(method, answer[method])]

    return Step(f"{_NAMES[method]}: switch it on in the payment methods {found['id']}.", act=change)


def _available(method: str, state: dict[str, Any]) -> Step:
    if state["available"]:
        return well(f"{_NAMES[method]}: switched on and active.")
    return by_hand(
        f"{_NAMES[method]}: switched on, but not active yet. Finish what Stripe asks for in "
        f"{_WHERE}."
    )
