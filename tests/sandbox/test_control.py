"""Control requests under /_sandbox/: the clock, payments, and the log of requests."""

import httpx
import pytest
import stripe

from tests.sandbox.running import SESSION, RunningSandbox, session_params


def refused(sandbox: RunningSandbox, path: str, **lever: object) -> httpx.Response:
    with pytest.raises(httpx.HTTPStatusError) as error:
        sandbox.control("POST", path, **lever)
    return error.value.response


def test_the_clock_dates_new_objects(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """If the sandbox's clock is set back, new objects and events have the clock's date."""
    last_year = 1_760_000_000
    fresh_sandbox.control("POST", "/_sandbox/clock", now=last_year)
    session = fresh_client.v1.checkout.sessions.create(session_params(expires_at=last_year + 3_600))
    paid = fresh_sandbox.pay(session.id)
    assert paid["session"]["created"] == paid["charge"]["created"] == last_year
    assert {event.created for event in fresh_client.v1.events.list().data} == {last_year}
    state = fresh_sandbox.control("POST", "/_sandbox/clock", now=None)
    assert state["follows_real_time"]
    assert state["now"] > last_year


def test_a_control_request_pays_a_session(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """A control request can pay a session: it names a test card or the outcome, and the payer."""
    session = client.v1.checkout.sessions.create(SESSION)
    declined = sandbox.control(
        "POST", "/_sandbox/pay", session=session.id, card="4000 0000 0000 9995"
    )
    assert declined["charge"]["outcome"]["reason"] == "insufficient_funds"
    paid = sandbox.control(
        "POST",
        "/_sandbox/pay",
        session=session.id,
        card="4242424242424242",
        name="Grace Hopper",
        email="grace@example.com",
    )
    details = paid["session"]["customer_details"]
    assert (details["name"], details["email"]) == ("Grace Hopper", "grace@example.com")
    assert paid["charge"]["billing_details"]["name"] == "Grace Hopper"


def test_an_invalid_control_request_is_refused(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """A control request with an unknown id, field or card, or a closed session, is refused."""
    session = client.v1.checkout.sessions.create(SESSION)
    for lever in ({"card": "1"}, {}, {"card": "4242424242424242", "outcome": "paid"}):
        assert refused(sandbox, "/_sandbox/pay", session=session.id, **lever).status_code == 400
    assert refused(sandbox, "/_sandbox/pay", session="cs_no", outcome="paid").status_code == 404
    assert refused(sandbox, "/_sandbox/pay", session=session.id, colour="blue").status_code == 422
    expired = sandbox.control("POST", "/_sandbox/expire", session=session.id)["session"]
    assert expired["status"] == "expired"
    closed = refused(sandbox, "/_sandbox/pay", session=session.id, outcome="paid")
    assert "expired" in closed.json()["error"]


def test_requests_are_logged(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox, key: str
) -> None:
    """The log has each request's parameters, idempotency key, status and injected fault."""
    fresh_sandbox.control("POST", "/_sandbox/trouble", path="/v1/checkout/*", kind="reset_after")
    with pytest.raises(stripe.APIConnectionError):
        fresh_client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    fresh_client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    first, second = fresh_sandbox.control("GET", "/_sandbox/requests")
    assert (first["method"], first["path"]) == ("POST", "/v1/checkout/sessions")
    assert first["idempotency_key"] == key
    assert first["parameters"]["line_items"][0]["price_data"]["unit_amount"] == "2500"
    assert (first["trouble"], first["replayed"]) == ("reset_after", False)
    assert (second["trouble"], second["replayed"], second["status"]) == (None, True, 200)
    assert fresh_sandbox.control("DELETE", "/_sandbox/requests") == {"forgotten": 2}
