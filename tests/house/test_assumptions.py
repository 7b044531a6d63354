"""Whatever the service asks of Stripe, or reads of its answers, is on the list of assumptions."""

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
# Keys that the code names and that are no fields of Stripe's objects.
OURS = {
    "what we ask with": (
        "adaptive_pricing customer_email disabled line_items lt payment_intent_data price_data "
        "recurring starting_after submit_type subscription_data"
    ),
    "what we keep in metadata": "attempt gift_id listens_to reference request session",
    "what we keep in evidence": "agreement by decision ends_at event fees language why",
    "sums and tables of ours": "events listed objects open_checkout recorded stripe_event",
    "headers, and what stands around a list": ("has_more idempotent-replayed stripe-signature"),
}


@pytest.fixture(scope="module")
def objects() -> list[dict[str, Any]]:
    """Everything that Stripe answers while all assumptions are checked, and the examples."""
    seen: list[dict[str, Any]] = []

    def look(found: Any) -> Any:
        seen.append(found)
        return found

    with run_sandbox() as sandbox:
        person = Clicker(sandbox)
        with world_of(sandbox, person=person, look=look) as world:
            check_all(world, ASSUMPTIONS, lambda _: None)
        person.join()
    return [*seen, *_examples()]


def _examples() -> Iterator[dict[str, Any]]:
    for kind, found in KINDS.items():
        yield event(kind, found)
        yield found


def uncovered_routes(code: str) -> set[str]:
    return routes_called(code) - ROUTES


def uncovered_keys(code: str) -> set[str]:
    ours = {key for keys in OURS.values() for key in keys.split()}
    covered = {part for field in FIELDS for part in field.split(".")}
    return keys_named(code) - ours - covered


def test_every_call_to_stripe_is_covered() -> None:
    """Every route that the service calls is one that the check of an assumption calls."""
    found = {file.name: uncovered_routes(file.read_text()) for file in gateway_files()}
    assert {name: routes for name, routes in found.items() if routes} == {}


def test_a_new_call_is_noticed() -> None:
    """A call that no assumption covers is found, called at once or handed on."""
    called = "def pay(sdk):\n    return sdk.v1.payouts.list({'limit': 1})\n"
    handed_on = "v1 = sdk.v1\nlists = {'transfers': v1.transfers.list}\n"
    assert uncovered_routes(called) == {"GET /v1/payouts"}
    assert uncovered_routes(handed_on) == {"GET /v1/transfers"}


def test_every_field_that_is_read_is_covered(objects: list[dict[str, Any]]) -> None:
    """Every field that the service looks at is one that the check of an assumption looks at."""
    read = fields_read(objects, SystemClock().now())
    assert len(read) > 80
    assert read - FIELDS == set()


def test_a_new_field_is_noticed() -> None:
    """A field that no assumption covers is found, wherever it stands in the object."""
    charge = {"object": "charge", "id": "ch_1", "outcome": {"reason": "highest_risk_level"}}
    seen: set[str] = set()
    payment = Traced({"object": "payment_intent", "latest_charge": charge}, seen)
    assert payment["latest_charge"].get("outcome")["reason"] == "highest_risk_level"
    assert seen - FIELDS == {"charge.outcome", "charge.outcome.reason"}


def test_every_key_in_the_code_is_covered() -> None:
    """A key that no example reaches is covered all the same, or is one of our own."""
    found = {file.name: uncovered_keys(file.read_text()) for file in gateway_files()}
    assert {name: keys for name, keys in found.items() if keys} == {}


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
    """A key that no assumption covers is found in the code, however it is read."""
    assert uncovered_keys(code) == {"outcome_reason"}
