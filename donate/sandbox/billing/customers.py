"""Customers that API requests create, and test clocks for their subscriptions.

https://docs.stripe.com/api/customers/create and https://docs.stripe.com/api/test_clocks
"""

from typing import Any

from donate.sandbox.billing.subscriptions import ENDED, end_subscription, renew
from donate.sandbox.errors import Refusal, invalid_parameter, no_such
from donate.sandbox.objects.subscriptions import new_customer
from donate.sandbox.requests.parameters import email_address, integer, metadata, read, text
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

_NEW = {
    "email": email_address,
    "metadata": metadata,
    "name": text(max_length=256),
    "test_clock": text(),
}
_CLOCK_LIFE_S = 30 * 86_400
# Stripe finalizes and collects each monthly invoice an hour after drafting it.
_COLLECTED_AFTER_S = 3_600


def create_customer(store: Store, parameters: dict[str, Any]) -> StripeObject:
    request = read(parameters, _NEW)
    clock_id = request.get("test_clock")
    if clock_id and store.test_clocks.get(clock_id) is None:
        raise no_such("test_clock", clock_id, "test_clock", status=400)
    customer = new_customer(store, request.get("email"), request.get("name"), None)
    customer.update(metadata=request.get("metadata", {}), test_clock=clock_id)
    store.customers.put(customer)
    store.announce("customer.created", customer)
    return customer


def delete_customer(store: Store, parameters: dict[str, Any], customer_id: str) -> StripeObject:
    """Delete a customer and end its subscriptions."""
    read(parameters, {})
    customer = store.find(store.customers, customer_id, "customer")
    for subscription in _running_subscriptions(store, customer_id):
        end_subscription(store, subscription)
    store.customers.remove(customer_id)
    store.announce("customer.deleted", customer)
    return _deleted(customer)


def create_clock(store: Store, parameters: dict[str, Any]) -> StripeObject:
    request = read(
        parameters,
        {"frozen_time": integer(1), "name": text(max_length=300)},
        required=["frozen_time"],
    )
    clock = {
        "id": store.new_id("clock_1"),
        "object": "test_helpers.test_clock",
        "created": store.now(),
        "deletes_after": store.now() + _CLOCK_LIFE_S,
        "frozen_time": request["frozen_time"],
        "livemode": False,
        "name": request.get("name"),
        "status": "ready",
        "status_details": {},
    }
    store.test_clocks.put(clock)
    store.announce("test_helpers.test_clock.created", clock)
    return clock


def delete_clock(store: Store, parameters: dict[str, Any], clock_id: str) -> StripeObject:
    """Delete a test clock and its customers."""
    read(parameters, {})
    clock = store.find(store.test_clocks, clock_id, "test_clock")
    for customer in [
        customer for customer in store.customers if customer["test_clock"] == clock_id
    ]:
        delete_customer(store, {}, customer["id"])
    store.test_clocks.remove(clock_id)
    return _deleted(clock)


def advance_clock(store: Store, parameters: dict[str, Any], clock_id: str) -> StripeObject:
    """Start to advance a test clock. It is ready again when all due invoices are collected."""
    request = read(parameters, {"frozen_time": integer(1)}, required=["frozen_time"])
    clock = store.find(store.test_clocks, clock_id, "test_clock")
    if clock["status"] != "ready":
        raise Refusal("Test clock advancement underway - cannot perform modifications.", status=429)
    if request["frozen_time"] <= clock["frozen_time"]:
        raise invalid_parameter("frozen_time", "The time must be after the clock's current time.")
    clock["status"] = "advancing"
    store.schedule(lambda: _finish_advancing(store, clock, request["frozen_time"]))
    return clock


def _finish_advancing(store: Store, clock: StripeObject, frozen_time: int) -> None:
    customers = [
        customer["id"] for customer in store.customers if customer["test_clock"] == clock["id"]
    ]
    for subscription in [
        one for customer in customers for one in _running_subscriptions(store, customer)
    ]:
        while (
            subscription["status"] in ("active", "past_due")
            and _period_end(subscription) + _COLLECTED_AFTER_S <= frozen_time
        ):
            with store.at_time(_period_end(subscription) + _COLLECTED_AFTER_S):
                renew(store, subscription, succeeds=None)
    clock.update(frozen_time=frozen_time, status="ready")
    store.announce("test_helpers.test_clock.ready", clock)


def _running_subscriptions(store: Store, customer_id: str) -> list[StripeObject]:
    return [
        subscription
        for subscription in store.subscriptions
        if subscription["customer"] == customer_id and subscription["status"] not in ENDED
    ]


def _period_end(subscription: StripeObject) -> int:
    return int(subscription["items"]["data"][0]["current_period_end"])


def _deleted(thing: StripeObject) -> StripeObject:
    return {"id": thing["id"], "object": thing["object"], "deleted": True}
