"""A webhook endpoint gets its events in the version of the API it was made for."""

import json
from typing import Any

import pytest
import stripe

from tests.sandbox.running import Receiver, RunningSandbox, wait_until
from tests.sandbox.subscriptions import PROMISE, begin


def delivered(
    client: stripe.StripeClient, sandbox: RunningSandbox, receiver: Receiver, version: str
) -> dict[str, dict[str, Any]]:
    """What arrives of a subscription's first payment, by type."""
    sandbox.control("POST", "/_sandbox/webhooks", api_version=version)
    begin(client, sandbox)
    wait_until(lambda: sandbox.control("GET", "/_sandbox/state")["deliveries"]["pending"] == 0)
    events = [json.loads(received.body) for received in receiver.received]
    assert {event["api_version"] for event in events} == {version}
    return {event["type"]: event["data"]["object"] for event in events}


def test_before_basil_an_invoice_names_everything_itself(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox, receiver: Receiver
) -> None:
    """In 2024-06-20 an invoice has subscription, payment_intent and charge, and no parent."""
    told = delivered(fresh_client, fresh_sandbox, receiver, "2024-06-20")
    invoice, charge = told["invoice.paid"], told["charge.succeeded"]
    assert invoice["subscription"] == told["customer.subscription.created"]["id"]
    assert invoice["payment_intent"] == told["payment_intent.succeeded"]["id"]
    assert (invoice["charge"], invoice["paid"]) == (charge["id"], True)
    assert invoice["subscription_details"] == {"metadata": PROMISE}
    assert not {"parent", "payments"} & set(invoice)
    assert charge["invoice"] == told["payment_intent.succeeded"]["invoice"] == invoice["id"]
    assert "invoice_payment.paid" not in told


def test_before_basil_the_period_stands_on_the_subscription(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox, receiver: Receiver
) -> None:
    """In 2024-06-20 current_period_end is the subscription's own, and not its item's."""
    told = delivered(fresh_client, fresh_sandbox, receiver, "2024-06-20")
    subscription = told["customer.subscription.created"]
    assert subscription["current_period_end"] > subscription["current_period_start"]
    assert "current_period_end" not in subscription["items"]["data"][0]


@pytest.mark.parametrize("version", ["2025-03-31.basil", "2026-10-28.endive"])
def test_since_basil_the_parent_names_the_subscription(
    fresh_client: stripe.StripeClient,
    fresh_sandbox: RunningSandbox,
    receiver: Receiver,
    version: str,
) -> None:
    """Since basil an invoice has a parent, and an event of its own says which payment paid it."""
    told = delivered(fresh_client, fresh_sandbox, receiver, version)
    invoice = told["invoice.paid"]
    assert invoice["parent"]["subscription_details"]["metadata"] == PROMISE
    assert not {"subscription", "payment_intent", "charge"} & set(invoice)
    payment = told["invoice_payment.paid"]
    assert payment["invoice"] == invoice["id"]
    assert payment["payment"]["payment_intent"] == told["payment_intent.succeeded"]["id"]
    assert "current_period_end" in told["customer.subscription.created"]["items"]["data"][0]


def test_the_list_of_events_is_in_todays_version(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """What an endpoint was made for changes deliveries and nothing else."""
    fresh_sandbox.control("POST", "/_sandbox/webhooks", api_version="2024-06-20")
    begin(fresh_client, fresh_sandbox)
    events = fresh_client.v1.events.list({"limit": 100}).data
    assert {event.api_version for event in events} == {"2026-10-28.endive"}
    assert "invoice_payment.paid" in {event.type for event in events}


def test_an_unknown_version_is_refused(sandbox: RunningSandbox) -> None:
    """Only the versions that the sandbox can write are taken."""
    answer = sandbox.http.post("/_sandbox/webhooks", json={"api_version": "2019-01-01"})
    assert answer.status_code == 422
