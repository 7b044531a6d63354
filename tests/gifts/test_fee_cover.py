"""How Stripe's fee is rounded, and what a donor who covers it is charged."""

import pytest

from donate.gifts.choosing.fee_cover import fee_on, with_fee_covered


@pytest.mark.parametrize(
    ("charged", "basis_points", "fixed", "fee"),
    [
        pytest.param(499, 290, 0, 14, id="14.471 is 14"),
        pytest.param(500, 290, 0, 15, id="14.5 is 15"),
        pytest.param(501, 290, 0, 15, id="14.529 is 15"),
        pytest.param(100, 249, 0, 2, id="2.49 is 2"),
        pytest.param(100, 250, 0, 3, id="2.50 is 3"),
        pytest.param(100, 251, 0, 3, id="2.51 is 3"),
        pytest.param(4_999, 1, 0, 0, id="0.4999 is nothing"),
        pytest.param(5_000, 1, 0, 1, id="0.5 is 1"),
        pytest.param(5_000, 1, 30, 31, id="0.5 and 30 are 31"),
        pytest.param(10_000, 1, 30, 31, id="1 and 30 are 31"),
        pytest.param(99_999_999, 100, 0, 1_000_000, id="a hundredth of a million"),
        pytest.param(10_000, 0, 30, 30, id="no share"),
    ],
)
def test_a_fee_is_rounded_as_stripe_rounds_it(
    charged: int, basis_points: int, fixed: int, fee: int
) -> None:
    """A fee is a percentage, rounded half up to a whole minor unit, plus a fixed amount."""
    assert fee_on(charged, basis_points=basis_points, fixed_minor=fixed) == fee


@pytest.mark.parametrize(
    ("gift", "basis_points", "fixed", "step", "charged"),
    [
        pytest.param(485, 290, 0, 1, 499, id="just below a half, 14 are enough"),
        pytest.param(486, 290, 0, 1, 501, id="a half costs a unit more"),
        pytest.param(1, 0, 0, 1, 1, id="no fee"),
        pytest.param(1, 0, 30, 1, 31, id="a fixed fee alone"),
        pytest.param(1, 2_000, 10_000, 1, 12_501, id="the dearest terms, the smallest gift"),
        pytest.param(2, 2_000, 0, 1, 2, id="a fee that is rounded to nothing"),
        pytest.param(3, 2_000, 0, 1, 4, id="a fee that is rounded up"),
        pytest.param(5_000, 290, 30, 10, 5_180, id="a step that fits"),
        pytest.param(5_000, 290, 30, 100, 5_200, id="the next whole step"),
        pytest.param(5_170, 0, 30, 100, 5_200, id="exactly a step"),
        pytest.param(5_171, 0, 30, 100, 5_300, id="one above a step"),
    ],
)
def test_as_little_as_covers_the_fee(
    gift: int, basis_points: int, fixed: int, step: int, charged: int
) -> None:
    """A donor who covers the fee is charged the smallest amount that is enough for gift and fee.

    The charge is a multiple of the currency's smallest step.
    """
    terms = {"basis_points": basis_points, "fixed_minor": fixed, "step": step}
    assert with_fee_covered(gift, **terms) == charged
