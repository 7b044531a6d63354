"""A Stripe that behaves otherwise is noticed, and the assumption that is false is named."""

import pytest

from donate.stripe_gateway.assumptions.listing import ASSUMPTIONS, TOPICS
from donate.stripe_gateway.assumptions.outcomes import Outcome
from donate.stripe_gateway.assumptions.runner import check_all
from tests.assumptions.spoiling import Spoiling, spoiled
from tests.assumptions.spoilings import SPOILINGS
from tests.assumptions.worlds import world_of
from tests.sandbox.running import RunningSandbox


def false_ones(sandbox: RunningSandbox, spoiling: Spoiling, expected: set[str]) -> set[str]:
    """Return what does not hold, in the topics of what is expected."""
    concerned = [t for t in TOPICS if expected & {one.name for one in t.assumptions}]
    asked = [one for topic in concerned for one in topic.assumptions]
    with (
        spoiled(sandbox, spoiling) as url,
        world_of(sandbox, url, patience_s=1.5) as world,
    ):
        results = check_all(world, asked, lambda _: None)
        world.clean_up()
    return {one.assumption.name for one in results if one.outcome == Outcome.DID_NOT_HOLD}


def test_there_are_enough_of_them() -> None:
    """At least twenty Stripes are spoiled, and only with assumptions that are on the list."""
    assert len(SPOILINGS) >= 20
    named = {name for _, expected in SPOILINGS.values() for name in expected}
    assert named - {one.name for one in ASSUMPTIONS} == set()


@pytest.mark.parametrize("name", SPOILINGS)
def test_a_spoiled_stripe_is_named(sandbox: RunningSandbox, name: str) -> None:
    """Of a Stripe that behaves otherwise in one point, the assumptions about that point fail."""
    spoiling, expected = SPOILINGS[name]
    found = false_ones(sandbox, spoiling, expected)
    assert found == expected
