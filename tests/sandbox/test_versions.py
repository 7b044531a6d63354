"""The sandbox delivers webhooks in the API version of the endpoint."""

import json
from typing import Any

import pytest
import stripe

from tests.sandbox.running import Receiver, RunningSandbox
from tests.sandbox.subscriptions import PROMISE, begin
from tests.waiting import until


def delivered(
    client: stripe.StripeClient, sandbox: RunningSandbox, receiver: Receiver, version: str
) -> dict[str, dict[str, Any]]:
    """Return the objects in the webhooks of a subscription's first payment, by event type."""
    sandbox.control("POST", "/_sandbox/webhooks", api_version=version)
    begin(client, sandbox)
    until(lambda: sandbox.control("GET", "/_sandbox/state")["deliveries"]["pending"] == 0)
    events = [json.loads(received.body) for received in receiver.received]
    assert {event["api_version"] for event in events} == {version}
    return {event["type"]: event["data"]["object"] for event in events}


def test_before_basil_an_invoice_names_everything_itself(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox, receiver: Receiver
) -> None:
    """Before API version basil, an invoice has the ids of its subscription, payment and charge."""
    objects = delivered(fresh_client, fresh_sandbox, receiver, "2024-06-20")
    invoice, charge = objects["invoice.paid"], objects["charge.succeeded"]
    assert invoice["subscription"] == objects["customer.subscription.created"]["id"]
    assert invoice["payment_intent"] == objects["payment_intent.succeeded"]["id"]
    assert (invoice["charge"], invoice["paid"]) == (charge["id"], True)
    assert invoice["subscription_details"] == {"metadata": PROMISE}
    assert not {"parent", "payments"} & set(invoice)
    assert charge["invoice"] == objects["payment_intent.succeeded"]["invoice"] == invoice["id"]
    assert "invoice_payment.paid" not in objects


def test_before_basil_the_period_is_on_the_subscription(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox, receiver: Receiver
) -> None:
    """Before API version basil, the current period is on the subscription, not on its items."""
    objects = delivered(fresh_client, fresh_sandbox, receiver, "2024-06-20")
    subscription = objects["customer.subscription.created"]
    assert subscription["current_period_end"] > subscription["current_period_start"]
    assert "current_period_end" not in subscription["items"]["data"][0]


@pytest.mark.parametrize("version", ["2025-03-31.basil", "2026-10-28.endive"])
def test_since_basil_the_parent_names_the_subscription(
    fresh_client: stripe.StripeClient,
    fresh_sandbox: RunningSandbox,
    receiver: Receiver,
    version: str,
) -> None:
    """Since API version basil, an invoice has a parent, which names the subscription.

    Another event, invoice_payment.paid, names the payment of the invoice.
    """
    objects = delivered(fresh_client, fresh_sandbox, receiver, version)
    invoice = objects["invoice.paid"]
    assert invoice["parent"]["subscription_details"]["metadata"] == PROMISE
    assert not {"subscription", "payment_intent", "charge"} & set(invoice)
    payment = objects["invoice_payment.paid"]
    assert payment["invoice"] == invoice["id"]
    assert payment["payment"]["payment_intent"] == objects["payment_intent.succeeded"]["id"]
    assert "current_period_end" in objects["customer.subscription.created"]["items"]["data"][0]


def test_the_list_of_events_is_in_todays_version(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """Events are listed in today's API version, whatever the endpoint's version is."""
    fresh_sandbox.control("POST", "/_sandbox/webhooks", api_version="2024-06-20")
    begin(fresh_client, fresh_sandbox)
    events = fresh_client.v1.events.list({"limit": 100}).data
    assert {event.api_version for event in events} == {"2026-10-28.endive"}
    assert "invoice_payment.paid" in {event.type for event in events}


def test_an_unknown_version_is_refused(sandbox: RunningSandbox) -> None:
    """An API version that the sandbox cannot write is refused for an endpoint."""
    answer = sandbox.http.post("/_sandbox/webhooks", json={"api_version": "2019-01-01"})
    assert answer.status_code == 422
