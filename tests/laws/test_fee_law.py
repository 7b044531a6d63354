"""The amount that covers the fee is exact to the cent, for any amount and any rates."""

from hypothesis import given, strategies as st

from donate.gifts.choosing.fee_cover import fee_on, with_fee_covered

AMOUNTS = st.integers(1, 99_999_999)
TERMS = st.fixed_dictionaries(
    {"basis_points": st.integers(0, 2_000), "fixed_minor": st.integers(0, 10_000)}
)


@given(desired=AMOUNTS, terms=TERMS, step=st.sampled_from([1, 10, 100]))
def test_the_charge_is_the_least_that_covers_the_fee(
    desired: int, terms: dict[str, int], step: int
) -> None:
    """The charge is the least that leaves the desired amount after the fee."""
    desired *= step
    charged = with_fee_covered(desired, **terms, step=step)
    assert charged % step == 0
    assert charged - fee_on(charged, **terms) >= desired
    less = charged - step
    assert less - fee_on(less, **terms) < desired


@given(charged=AMOUNTS, terms=TERMS)
def test_more_charged_leaves_no_less(charged: int, terms: dict[str, int]) -> None:
    """A charge that is one minor unit higher leaves at least as much after the fee."""
    left, more = (c - fee_on(c, **terms) for c in (charged, charged + 1))
    assert more >= left


def test_fifty_dollars_at_the_usual_terms() -> None:
    """A fee of 2.9 % plus 30 cents on 51.80 is 1.80, which leaves 50.00."""
    terms = {"basis_points": 290, "fixed_minor": 30}
    assert with_fee_covered(5_000, **terms, step=1) == 5_180
    assert fee_on(5_180, **terms) == 180
