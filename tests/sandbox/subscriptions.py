"""Helpers that begin a subscription at the sandbox."""

from typing import Any

import stripe

from tests.sandbox.running import RunningSandbox, monthly_of

PROMISE = {"gift_id": "g-1", "reference": "LWCAN-7KQ4M2X"}


def begin(client: stripe.StripeClient, sandbox: RunningSandbox, **more: Any) -> Any:
    """Pay a session of 25.00 CAD a month, and return the session."""
    params = monthly_of(2_500, subscription_data={"metadata": PROMISE}, **more)
    return sandbox.pay(client.v1.checkout.sessions.create(params).id)["session"]


def event_types(client: stripe.StripeClient) -> list[str]:
    return [event.type for event in reversed(client.v1.events.list({"limit": 100}).data)]
