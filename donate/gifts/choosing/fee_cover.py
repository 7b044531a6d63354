"""How much to add to a gift so that the fee takes nothing of it: exact, in whole minor units. Pure.

https://support.stripe.com/questions/passing-the-stripe-fee-on-to-customers
https://support.stripe.com/questions/rounding-rules-for-stripe-fees: 0.025 is rounded up to 0.03.
"""

from typing import Final

_WHOLE: Final = 10_000


def fee_on(charged_minor: int, *, basis_points: int, fixed_minor: int) -> int:
    """Return the fee on a payment, the share of it rounded half up to a minor unit."""
    share, rest = divmod(charged_minor * basis_points, _WHOLE)
    return share + (2 * rest >= _WHOLE) + fixed_minor


def with_fee_covered(wanted_minor: int, *, basis_points: int, fixed_minor: int, step: int) -> int:
    """Return the least amount, a multiple of `step`, that leaves `wanted_minor` after the fee."""

    def left(charged_minor: int) -> int:
        fee = fee_on(charged_minor, basis_points=basis_points, fixed_minor=fixed_minor)
        return charged_minor - fee

    # What is left grows with what is charged, so the first that is enough is the least. Rounding
    # gives us half a unit at most, which with a fee below half of the payment is less than a unit.
    charged = (wanted_minor + fixed_minor) * _WHOLE // (_WHOLE - basis_points) // step * step
    while left(charged) < wanted_minor:
        charged += step
    return charged
