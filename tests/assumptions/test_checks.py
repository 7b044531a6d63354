"""Each assumption holds for the sandbox, and its check reads the fields that it declares."""

import re
from collections import Counter
from typing import Any

import pytest

from donate.stripe_gateway.assumptions import person_steps
from donate.stripe_gateway.assumptions.listing import ASSUMPTIONS, TOPICS
from donate.stripe_gateway.assumptions.model import Topic
from donate.stripe_gateway.assumptions.outcomes import Outcome
from donate.stripe_gateway.assumptions.runner import check_one
from donate.stripe_gateway.assumptions.world import Step
from tests.assumptions.clicking import Clicker
from tests.assumptions.tracing import Traced
from tests.assumptions.worlds import world_of
from tests.sandbox.running import RunningSandbox

# In a path, an id has a capital letter or a digit; other words, such as payment_intents, do not.
_ID = re.compile(r"(?:[a-z]+_)+[a-z]*[A-Z0-9][A-Za-z0-9]*")


def routes_called(sandbox: RunningSandbox) -> set[str]:
    """Return the routes that were requested since the last call of this function."""
    requests = sandbox.control("GET", "/_sandbox/requests")
    sandbox.control("DELETE", "/_sandbox/requests")
    return {f"{one['method']} {_without_ids(one['path'])}" for one in requests}


def _without_ids(path: str) -> str:
    return "/".join("{id}" if _ID.fullmatch(part) else part for part in path.split("/"))


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_holds_for_the_sandbox(sandbox: RunningSandbox, topic: Topic) -> None:
    """Each assumption holds; its check reads its declared fields, and leaves nothing at Stripe."""
    fields: set[str] = set()
    routes_called(sandbox)
    routes: set[str] = set()
    person = Clicker(sandbox)

    def look(body: Any) -> Any:
        return Traced(body, fields)

    with world_of(sandbox, person=person, look=look) as world:
        for assumption in topic.assumptions:
            result = check_one(world, assumption)
            assert (result.outcome, result.why) == (Outcome.HELD, ""), assumption.name
            routes |= routes_called(sandbox)
            assert set(assumption.fields) - fields == set(), assumption.name
            assert set(assumption.routes) - routes == set(), assumption.name
        leftovers = world.clean_up()
    person.join()
    assert leftovers == []


def test_there_are_sixty_assumptions() -> None:
    """There are at least sixty assumptions, each with its own name, sentence and source."""
    assert len(ASSUMPTIONS) >= 60
    names = Counter(one.name for one in ASSUMPTIONS) + Counter(one.sentence for one in ASSUMPTIONS)
    assert [text for text, times in names.items() if times > 1] == []
    for one in ASSUMPTIONS:
        assert one.sentence.endswith(".")
        assert one.if_false.endswith(".")
        assert one.source.url.startswith("https://docs.stripe.com/")
        assert one.source.title


def test_the_person_gets_all_links_at_the_start(sandbox: RunningSandbox) -> None:
    """The operator gets the links to all pages at once, each with what to do there."""
    steps: list[Step] = []
    with world_of(sandbox, person=steps.append) as world:
        person_steps.request_all(world)
        world.clean_up()
    assert [step.name for step in steps] == list(person_steps.WHAT_TO_DO)
    assert all(step.url.startswith(sandbox.url) and step.what_to_do for step in steps)
