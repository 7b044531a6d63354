"""Computes the amount that a donor adds to a gift to cover Stripe's fee. Pure functions.

https://support.stripe.com/questions/passing-the-stripe-fee-on-to-customers
https://support.stripe.com/questions/rounding-rules-for-stripe-fees: 0.025 is rounded up to 0.03.
"""

from typing import Final

_WHOLE: Final = 10_000


def fee_on(charged_minor: int, *, basis_points: int, fixed_minor: int) -> int:
    """Return the fee on a payment. Halves of a minor unit are rounded up."""
    share, rest = divmod(charged_minor * basis_points, _WHOLE)
    return share + (2 * rest >= _WHOLE) + fixed_minor


def with_fee_covered(gift_minor: int, *, basis_points: int, fixed_minor: int, step: int) -> int:
    """Return the amount to charge so that the whole gift is left after Stripe's fee is deducted.

    The result is the smallest multiple of `step` minor units that is enough.
    """

    def after_fee(charged_minor: int) -> int:
        fee = fee_on(charged_minor, basis_points=basis_points, fixed_minor=fixed_minor)
        return charged_minor - fee

    # Start at the exact solution without rounding, or the multiple of `step` just below it. No
    # smaller amount is enough: rounding lowers the fee by at most half a unit, and charging one
    # unit less costs more than that (for a fee below 50%). A larger charge never leaves less, so
    # the first match is the smallest.
    charged = (gift_minor + fixed_minor) * _WHOLE // (_WHOLE - basis_points) // step * step
    while after_fee(charged) < gift_minor:
        charged += step
    return charged
