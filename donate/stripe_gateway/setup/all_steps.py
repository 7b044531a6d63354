"""Compares the Stripe account with what the service needs, and reports each setting as a Step.

Checking changes nothing. The function `act` of a Step corrects the setting. If a Step has no `act`,
a person has to correct it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from donate.errors import StripeRefused
from donate.regions.modes import Mode
from donate.regions.regions import Region
from donate.stripe_gateway.setup.account import NotPermitted, StripeAccount
from donate.stripe_gateway.setup.payment_methods import method_steps
from donate.stripe_gateway.setup.portal import portal_steps
from donate.stripe_gateway.setup.steps import RequiredSettings, Step, by_hand
from donate.stripe_gateway.setup.webhook import webhook_steps


def methods_of(regions: Iterable[Region]) -> tuple[str, ...]:
    """Return Stripe's names for the payment methods that any region offers."""
    offered = {mode for region in regions for mode in region.modes}
    return tuple(
        mode.facts.stripe_method for mode in Mode if mode in offered and mode.through_stripe
    )


def check_account(account: StripeAccount, required: RequiredSettings) -> Iterator[Step]:
    """Check every setting. Raises StripeUnavailable, or StripeKeyRefused for an invalid key."""
    yield from _steps_or_refusal("Webhook endpoint", lambda: webhook_steps(account, required))
    yield from _steps_or_refusal("Customer portal", lambda: portal_steps(account, required))
    yield from _steps_or_refusal("Payment methods", lambda: method_steps(account, required))


def carry_out(step: Step) -> Sequence[Step]:
    """Correct one setting by calling the Step's `act`. Raises StripeUnavailable.

    If Stripe refuses, return a Step that says so.
    """
    assert step.act, "only a change can be carried out"
    return _steps_or_refusal(step.says, step.act)


def _steps_or_refusal(name: str, steps: Callable[[], Sequence[Step]]) -> Sequence[Step]:
    try:
        return steps()
    except NotPermitted as error:
        return [Step(f"{name}: {error}.", is_unknown=True)]
    except StripeRefused as error:
        return [by_hand(f"{name}: Stripe says: {error}.")]
