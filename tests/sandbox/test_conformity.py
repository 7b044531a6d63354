"""Tests that the check of the sandbox against Stripe's documents finds every kind of difference.

tests/conftest.py checks for each test that the sandbox has no unlisted difference.
"""

from collections import Counter
from typing import Any

import pytest
import stripe

from donate.sandbox.observer import Exchange
from tests.sandbox.conftest import client_of
from tests.sandbox.differences import STANDING
from tests.sandbox.running import SESSION, RunningSandbox, monthly_of, run_sandbox, session_params
from tests.sandbox.sdk_types import PARAMETERS
from tests.sandbox.shapes import decoded, stripe_shapes
from tests.sandbox.watching import WATCH, Watch

SESSIONS = "/v1/checkout/sessions"
PRICE = (
    "line_items[0][price_data][currency]=cad&line_items[0][price_data][unit_amount]=2500"
    "&line_items[0][price_data][product_data][name]=Gift&line_items[0][quantity]=1"
)
WRONG_REQUESTS = [
    pytest.param("/v1/refunds", "payment_intent=pi_1&reason=regret", "reason", id="value"),
    pytest.param("/v1/refunds", "payment_intent=pi_1&note=sorry", "note", id="name"),
    pytest.param("/v1/refunds", "payment_intent=", "payment_intent", id="empty"),
    pytest.param("/v1/refunds", "payment_intent=pi_1&amount=5.00", "amount", id="whole number"),
    pytest.param("/v1/products", "description=Gift", "name", id="missing"),
    pytest.param(
        SESSIONS, f"mode=payment&{PRICE}&line_items[0][price_data][tax_behavior]=no",
        "line_items[].price_data.tax_behavior", id="value within",
    ),
    pytest.param(
        SESSIONS, f"mode=payment&{PRICE}&allowed_payment_method_types[0]=interac",
        "allowed_payment_method_types[]", id="value that only the SDK knows",
    ),
    pytest.param(SESSIONS, f"mode=payment&{PRICE}&locale=fr-QC", "locale", id="value of many"),
    pytest.param("/v1/gifts", "", "", id="route"),
]  # fmt: skip


def watch_of(method: str, path: str, form: str, status: int | None, answer: str = "{}") -> Watch:
    watch = Watch()
    watch.answered(Exchange(method, path, form.encode(), status, answer.encode()))
    watch.check_waiting()
    return watch


@pytest.mark.parametrize(("path", "form", "place"), WRONG_REQUESTS)
def test_a_wrong_request_is_noticed(path: str, form: str, place: str) -> None:
    """A request that Stripe's documents do not allow is reported with its parameter."""
    watch = watch_of("POST", path, form, None)
    assert watch.unexpected
    assert all(place in difference for difference in watch.unexpected)


@pytest.mark.parametrize(("status", "counts"), [(400, False), (402, True), (500, True)])
def test_a_wrong_request_that_is_refused_is_not_reported(status: int, *, counts: bool) -> None:
    """A request that Stripe's documents do not allow is not reported if the sandbox refused it."""
    watch = watch_of("POST", "/v1/refunds", "payment_intent=pi_1&reason=regret", status)
    assert bool(watch.unexpected) is counts
    assert watch.seen["wrong and refused"] == (0 if counts else 1)


def test_a_wrong_answer_is_noticed(
    client: stripe.StripeClient,
) -> None:
    """A missing, null or unknown field in an answer is reported with its name."""
    session: dict[str, Any] = client.v1.checkout.sessions.create(SESSION).to_dict()
    refunds = stripe_shapes().answer_check("GET /v1/refunds")
    assert [one.name for one in refunds({"object": "list", "data": [], "has_more": None})] == [
        "has_more is no boolean",
        "url is missing",
    ]
    check = stripe_shapes().named("checkout.session")
    changed = {**session, "payment_status": "given", "surprise": 1, "payment_method_types": None}
    assert {one.name for one in check(changed)} - STANDING.keys() == {
        "checkout.session: payment_method_types is no list",
        "checkout.session: payment_status is not among the values",
        "checkout.session: surprise is not in the document",
    }


def test_a_wrong_event_is_noticed() -> None:
    """An event with a wrong type, object or previous attribute is reported."""
    refund = {"id": "re_1", "object": "refund", "amount": "1", "created": 1, "currency": "cad"}
    event = {
        "id": "evt_1", "object": "event", "api_version": None, "created": 1, "livemode": False,
        "pending_webhooks": 0, "request": None, "type": "refund.regretted",
        "data": {"object": refund, "previous_attributes": {"mood": "glad"}},
    }  # fmt: skip
    watch = Watch()
    watch.announced(event)
    watch.check_waiting()
    assert len(watch.unexpected) == 3
    for place in ("type is no type", "refund: amount is no integer", "previous_attributes.mood"):
        assert any(place in difference for difference in watch.unexpected), place


def test_every_sandbox_of_the_tests_is_watched(http_client: stripe.HTTPClient) -> None:
    """The requests, answers and events of every sandbox that a test starts are checked."""
    WATCH.check_waiting()
    before = Counter(WATCH.seen)
    with run_sandbox() as sandbox:
        client = client_of(sandbox, http_client)
        sandbox.pay(client.v1.checkout.sessions.create(SESSION).id)
    WATCH.check_waiting()
    added = WATCH.seen - before
    assert added["requests"] == added["answers"] == 1
    assert added["events"] == 4


def test_each_listed_difference_still_occurs(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """Each difference that is listed as known still occurs; otherwise it has to be removed."""
    WATCH.check_waiting()
    before = Counter(WATCH.standing)
    sessions = fresh_client.v1.checkout.sessions
    once = sessions.create(session_params(allowed_payment_method_types=["card"]))
    fresh_sandbox.pay(once.id)
    fresh_sandbox.pay(sessions.create(monthly_of(2_500)).id)
    fresh_client.v1.products.create({"name": "Gift"})
    features: Any = {"subscription_pause": {"enabled": False}}
    fresh_client.v1.billing_portal.configurations.create({"features": features})
    endpoint: Any = {
        "url": "https://give.example.org/webhooks/stripe",
        "enabled_events": ["checkout.session.completed"],
        "api_version": stripe.api_version,
    }
    fresh_client.v1.webhook_endpoints.create(endpoint)
    WATCH.check_waiting()
    assert set(WATCH.standing - before) == set(STANDING)


def test_every_route_has_its_parameters() -> None:
    """The routes in stripe_shapes.json are those for which sdk_types.py names the SDK's type."""
    assert stripe_shapes().routes == set(PARAMETERS)


def test_a_form_is_read_as_stripe_reads_it() -> None:
    """In a form, `a[b]` is nested, `a[]` is numbered, and a name that is repeated is an error."""
    assert decoded(b"a[b][]=1&a[b][]=2&c=%20") == {"a": {"b": {"0": "1", "1": "2"}}, "c": " "}
    with pytest.raises(ValueError, match="twice"):
        decoded(b"a=1&a=2")
