"""The sandbox's webhooks are signed, delivered at least once, and retried."""

import json
import time
from typing import Any

import pytest
import stripe

from donate.sandbox.app import SandboxConfig, create_server
from tests.real_parts import WEBHOOK_SECRET
from tests.sandbox.conftest import client_of
from tests.sandbox.running import SESSION, Receiver, RunningSandbox, run_sandbox
from tests.waiting import until


def types(receiver: Receiver) -> list[str]:
    return [json.loads(received.body)["type"] for received in receiver.received]


def pay_one(client: stripe.StripeClient, sandbox: RunningSandbox, outcome: str = "paid") -> Any:
    session = client.v1.checkout.sessions.create(SESSION)
    return sandbox.pay(session.id, outcome)["session"]


def is_quiet(sandbox: RunningSandbox) -> bool:
    pending = sandbox.control("GET", "/_sandbox/state")["deliveries"]["pending"]
    return bool(pending == 0)


def test_every_event_arrives_signed(
    fresh_sandbox: RunningSandbox, fresh_client: stripe.StripeClient, receiver: Receiver
) -> None:
    """Every webhook has a signature that is dated now and that Stripe's SDK accepts."""
    pay_one(fresh_client, fresh_sandbox)
    until(lambda: len(receiver.received) == 4)
    assert sorted(types(receiver)) == [
        "charge.succeeded",
        "checkout.session.completed",
        "payment_intent.created",
        "payment_intent.succeeded",
    ]
    for received in receiver.received:
        assert stripe.WebhookSignature.verify_header(
            received.body.decode(), received.signature, WEBHOOK_SECRET, tolerance=5
        )


def test_an_event_holds_the_object_as_it_was(
    fresh_sandbox: RunningSandbox, fresh_client: stripe.StripeClient, receiver: Receiver
) -> None:
    """An event holds its object as it was when the event occurred, whatever changes later."""
    session = pay_one(fresh_client, fresh_sandbox)
    fresh_sandbox.control("POST", "/_sandbox/refund", payment_intent=session["payment_intent"])
    charge_event = fresh_client.v1.events.list({"type": "charge.succeeded"}).data[0]
    assert charge_event.data.object["amount_refunded"] == 0
    until(lambda: "checkout.session.completed" in types(receiver))
    bodies = [json.loads(received.body) for received in receiver.received]
    completed = next(body for body in bodies if body["type"] == "checkout.session.completed")
    assert completed["data"]["object"] == session


def test_an_event_says_which_request_made_it(
    fresh_sandbox: RunningSandbox, fresh_client: stripe.StripeClient, key: str
) -> None:
    """An event has the id of the API request that caused it, or none if the donor did."""
    session = pay_one(fresh_client, fresh_sandbox)
    refund = fresh_client.v1.refunds.create(
        {"payment_intent": session["payment_intent"]}, {"idempotency_key": key}
    )
    by_request = fresh_client.v1.events.list({"type": "refund.created"}).data[0].request
    by_donor = fresh_client.v1.events.list({"type": "charge.succeeded"}).data[0].request
    assert refund.last_response is not None
    assert by_request is not None
    assert by_donor is not None
    assert (by_request.id, by_request.idempotency_key) == (refund.last_response.request_id, key)
    assert (by_donor.id, by_donor.idempotency_key) == (None, None)


def test_a_failed_delivery_is_retried(
    fresh_sandbox: RunningSandbox, fresh_client: stripe.StripeClient, receiver: Receiver
) -> None:
    """A webhook is sent again until the answer is a 2xx, and the log has every delivery."""
    receiver.answers.extend([500, 302])
    session = fresh_client.v1.checkout.sessions.create(SESSION)
    fresh_client.v1.checkout.sessions.expire(session.id)
    until(lambda: is_quiet(fresh_sandbox))
    assert types(receiver) == ["checkout.session.expired"] * 3
    log = fresh_sandbox.control("GET", "/_sandbox/webhooks/deliveries")
    assert [(delivery["attempt"], delivery["status"]) for delivery in log] == [
        (1, 500),
        (2, 302),
        (3, 200),
    ]
    assert fresh_client.v1.events.list({"delivery_success": False}).data == []


def test_retries_come_to_an_end(
    fresh_sandbox: RunningSandbox, fresh_client: stripe.StripeClient, receiver: Receiver
) -> None:
    """After the last retry an event is listed as not delivered."""
    receiver.answers.extend([503] * 3)
    session = fresh_client.v1.checkout.sessions.create(SESSION)
    fresh_client.v1.checkout.sessions.expire(session.id)
    until(lambda: is_quiet(fresh_sandbox))
    assert len(receiver.received) == 3
    undelivered = fresh_client.v1.events.list({"delivery_success": False}).data
    assert [event.pending_webhooks for event in undelivered] == [1]


def test_a_receiver_that_is_down_is_logged(http_client: stripe.HTTPClient) -> None:
    """If nothing listens at the endpoint's URL, the log has a connection error."""
    with run_sandbox(webhook_url="http://127.0.0.1:9/nobody", retry_delays_s=()) as sandbox:
        pay_one(client_of(sandbox, http_client), sandbox)
        until(lambda: is_quiet(sandbox))
        log = sandbox.control("GET", "/_sandbox/webhooks/deliveries")
    assert {delivery["status"] for delivery in log} == {None}
    assert all("ConnectionRefusedError" in delivery["error"] for delivery in log)


@pytest.mark.alone
def test_a_slow_receiver_does_not_hold_up_the_api(
    fresh_sandbox: RunningSandbox, fresh_client: stripe.StripeClient, receiver: Receiver
) -> None:
    """Webhooks are delivered in the background and in parallel."""
    receiver.delay_s = 0.3
    before = time.monotonic()
    pay_one(fresh_client, fresh_sandbox)
    assert time.monotonic() - before < receiver.delay_s
    until(lambda: len(receiver.received) == 4)
    assert time.monotonic() - before < 4 * receiver.delay_s


def test_paused_webhooks_are_not_delivered_later(
    fresh_sandbox: RunningSandbox, fresh_client: stripe.StripeClient, receiver: Receiver
) -> None:
    """Events that occur while webhooks are paused are not delivered, not even after the pause."""
    fresh_sandbox.control("POST", "/_sandbox/webhooks", paused=True)
    pay_one(fresh_client, fresh_sandbox)
    assert len(fresh_client.v1.events.list({"delivery_success": False}).data) == 4
    state = fresh_sandbox.control("POST", "/_sandbox/webhooks", paused=False)
    assert (state["paused"], state["missed"], state["pending"]) == (False, 0, 0)
    assert receiver.received == []


def test_missed_webhooks_can_be_delivered(
    fresh_sandbox: RunningSandbox, fresh_client: stripe.StripeClient, receiver: Receiver
) -> None:
    """With deliver_missed, events from the time of the pause are delivered at its end."""
    fresh_sandbox.control("POST", "/_sandbox/webhooks", paused=True)
    pay_one(fresh_client, fresh_sandbox)
    fresh_sandbox.control("POST", "/_sandbox/webhooks", paused=False, deliver_missed=True)
    until(lambda: len(receiver.received) == 4)


def test_an_event_can_be_delivered_many_times(
    fresh_sandbox: RunningSandbox, fresh_client: stripe.StripeClient, receiver: Receiver
) -> None:
    """A control request can deliver an event several times, always with the same id."""
    fresh_sandbox.control("POST", "/_sandbox/webhooks", paused=True)
    pay_one(fresh_client, fresh_sandbox)
    event = fresh_client.v1.events.list({"type": "checkout.session.completed"}).data[0]
    sent = fresh_sandbox.control("POST", "/_sandbox/webhooks/deliver", event=event.id, times=5)
    assert [delivery["status"] for delivery in sent["deliveries"]] == [200] * 5
    assert {json.loads(received.body)["id"] for received in receiver.received} == {event.id}
    assert len(receiver.received) == 5


@pytest.mark.alone
def test_closing_stops_deliveries(http_client: stripe.HTTPClient, receiver: Receiver) -> None:
    """A sandbox that closes does not wait for retries of webhooks."""
    receiver.answers.extend([500] * 4)
    with run_sandbox(webhook_url=receiver.url, retry_delays_s=(60.0,)) as sandbox:
        pay_one(client_of(sandbox, http_client), sandbox)
        until(lambda: len(receiver.received) == 4)
        before = time.monotonic()
    assert time.monotonic() - before < 3


@pytest.mark.parametrize(
    ("secret_key", "webhook_secret"), [("sk_live_1", "whsec_1"), ("", "whsec_1"), ("sk_test_1", "")]
)
def test_a_config_that_is_unsafe_is_refused(secret_key: str, webhook_secret: str) -> None:
    """A sandbox with a live key or an empty secret does not start."""
    with pytest.raises(ValueError, match="secret"):
        SandboxConfig(secret_key=secret_key, webhook_secret=webhook_secret)


def test_the_sandbox_listens_on_loopback_only() -> None:
    """The sandbox refuses a host that other machines could reach."""
    config = SandboxConfig(secret_key="sk_test_1", webhook_secret="whsec_1")
    with pytest.raises(ValueError, match="loopback"):
        create_server(config, "0.0.0.0", 8001)
