"""Every call to Stripe, and every field that we read, is covered by an assumption's check."""

from collections.abc import Iterator
from typing import Any

import pytest

from donate.clock import SystemClock
from donate.stripe_gateway.assumptions.listing import ASSUMPTIONS
from donate.stripe_gateway.assumptions.runner import check_all
from tests.assumptions.clicking import Clicker
from tests.assumptions.reading import fields_read, gateway_files, keys_named, routes_called
from tests.assumptions.tracing import Traced
from tests.assumptions.worlds import world_of
from tests.sandbox.running import run_sandbox
from tests.stripe_gateway.examples import KINDS, event

ROUTES = {route for one in ASSUMPTIONS for route in one.routes}
FIELDS = {field for one in ASSUMPTIONS for field in one.fields}
# These keys in the code are not fields of Stripe's objects.
OURS = {
    "parameters that we send": (
        "adaptive_pricing customer_email disabled line_items lt payment_intent_data price_data "
        "recurring starting_after submit_type subscription_data"
    ),
    "our metadata": "attempt gift_id listens_to reference request session",
    "our evidence": (
        "agreement anchor by decision ends_at event fees language month_ends_at note why"
    ),
    "our sums and tables": (
        "differing events listed objects open_checkout payout_id recorded stripe_event"
    ),
    "headers and list envelopes": ("has_more idempotent-replayed stripe-signature"),
}


@pytest.fixture(scope="module")
def objects() -> list[dict[str, Any]]:
    """Return all answers that the sandbox gave to the assumptions' checks, and example objects."""
    answers: list[dict[str, Any]] = []

    def remember(answer: Any) -> Any:
        answers.append(answer)
        return answer

    with run_sandbox() as sandbox:
        person = Clicker(sandbox)
        with world_of(sandbox, person=person, look=remember) as world:
            check_all(world, ASSUMPTIONS, lambda _: None)
        person.join()
    return [*answers, *_examples()]


def _examples() -> Iterator[dict[str, Any]]:
    for kind, example in KINDS.items():
        yield event(kind, example)
        yield example


def uncovered_routes(code: str) -> set[str]:
    return routes_called(code) - ROUTES


def uncovered_keys(code: str) -> set[str]:
    ours = {key for keys in OURS.values() for key in keys.split()}
    covered = {part for field in FIELDS for part in field.split(".")}
    return keys_named(code) - ours - covered


def test_every_call_to_stripe_is_covered() -> None:
    """Every route of Stripe's API that the service calls is listed by an assumption."""
    uncovered = {file.name: uncovered_routes(file.read_text()) for file in gateway_files()}
    assert {name: routes for name, routes in uncovered.items() if routes} == {}


def test_a_new_call_is_noticed() -> None:
    """The search through our code finds a call of the SDK that no assumption covers.

    It also finds a method of the SDK that is only passed to other code.
    """
    called = "def pay(sdk):\n    return sdk.v1.topups.list({'limit': 1})\n"
    passed_on = "v1 = sdk.v1\nlists = {'transfers': v1.transfers.list}\n"
    assert uncovered_routes(called) == {"GET /v1/topups"}
    assert uncovered_routes(passed_on) == {"GET /v1/transfers"}


def test_every_field_that_is_read_is_covered(objects: list[dict[str, Any]]) -> None:
    """Every field of Stripe's objects that the service reads is listed by an assumption."""
    read = fields_read(objects, SystemClock().now())
    assert len(read) > 80
    assert read - FIELDS == set()


def test_a_new_field_is_noticed() -> None:
    """A field that is read and that no assumption covers is noticed, at any depth of an object."""
    charge = {"object": "charge", "id": "ch_1", "outcome": {"reason": "highest_risk_level"}}
    fields: set[str] = set()
    payment = Traced({"object": "payment_intent", "latest_charge": charge}, fields)
    assert payment["latest_charge"].get("outcome")["reason"] == "highest_risk_level"
    assert fields - FIELDS == {"charge.outcome", "charge.outcome.reason"}


def test_every_key_in_the_code_is_covered() -> None:
    """Every key in the gateway's code is a field that an assumption lists, or is in OURS."""
    uncovered = {file.name: uncovered_keys(file.read_text()) for file in gateway_files()}
    assert {name: keys for name, keys in uncovered.items() if keys} == {}


@pytest.mark.parametrize(
    "code",
    [
        "reason = charge['outcome_reason']",
        "reason = charge.get('outcome_reason')",
        "reason = read_word(charge, 'outcome_reason')",
        "when = _seconds(charge, 'outcome_reason')",
    ],
)
def test_a_new_key_is_noticed(code: str) -> None:
    """A JSON key that our code reads and no assumption covers is noticed, however it is read."""
    assert uncovered_keys(code) == {"outcome_reason"}
