"""Each alteration of Stripe's behaviour makes exactly the expected assumptions fail."""

import pytest

from donate.stripe_gateway.assumptions.listing import ASSUMPTIONS, TOPICS
from donate.stripe_gateway.assumptions.outcomes import Outcome
from donate.stripe_gateway.assumptions.runner import check_all
from tests.assumptions.alterations import ALTERATIONS
from tests.assumptions.altered_stripe import Alteration, altered
from tests.assumptions.worlds import world_of
from tests.sandbox.running import RunningSandbox


def false_ones(sandbox: RunningSandbox, alteration: Alteration, expected: set[str]) -> set[str]:
    """Check the expected assumptions and all others on their topics; return those that failed."""
    topics = [t for t in TOPICS if expected & {one.name for one in t.assumptions}]
    assumptions = [one for topic in topics for one in topic.assumptions]
    with (
        altered(sandbox, alteration) as url,
        world_of(sandbox, url, patience_s=1.5) as world,
    ):
        results = check_all(world, assumptions, lambda _: None)
        world.clean_up()
    return {one.assumption.name for one in results if one.outcome == Outcome.DID_NOT_HOLD}


def test_there_are_twenty_alterations() -> None:
    """There are at least twenty alterations, and they name only assumptions that exist."""
    assert len(ALTERATIONS) >= 20
    names = {name for _, expected in ALTERATIONS.values() for name in expected}
    assert names - {one.name for one in ASSUMPTIONS} == set()


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_altered_stripe_is_noticed(sandbox: RunningSandbox, name: str) -> None:
    """If Stripe's behaviour changes in one point, exactly the assumptions about it fail."""
    alteration, expected = ALTERATIONS[name]
    failed = false_ones(sandbox, alteration, expected)
    assert failed == expected
