"""Covering the fee is exact to the cent, for any amount and any rates."""

from hypothesis import given, strategies as st

from donate.gifts.choosing.fee_cover import fee_on, with_fee_covered

AMOUNTS = st.integers(1, 99_999_999)
TERMS = st.fixed_dictionaries(
    {"basis_points": st.integers(0, 2_000), "fixed_minor": st.integers(0, 10_000)}
)


@given(desired=AMOUNTS, terms=TERMS, step=st.sampled_from([1, 10, 100]))
def test_the_least_that_leaves_what_is_wanted(
    desired: int, terms: dict[str, int], step: int
) -> None:
    """The charge leaves the desired amount after the fee, and one step less would not."""
    desired *= step
    charged = with_fee_covered(desired, **terms, step=step)
    assert charged % step == 0
    assert charged - fee_on(charged, **terms) >= desired
    less = charged - step
    assert less - fee_on(less, **terms) < desired


@given(charged=AMOUNTS, terms=TERMS)
def test_more_charged_leaves_no_less(charged: int, terms: dict[str, int]) -> None:
    """Charging one minor unit more never leaves less."""
    left, more = (c - fee_on(c, **terms) for c in (charged, charged + 1))
    assert more >= left


def test_fifty_dollars_at_the_usual_terms() -> None:
    """2.9 % and 30 cents on 51.80 are 1.80, which leaves 50.00."""
    terms = {"basis_points": 290, "fixed_minor": 30}
    assert with_fee_covered(5_000, **terms, step=1) == 5_180
    assert fee_on(5_180, **terms) == 180
