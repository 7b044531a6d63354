"""Subscriptions at the sandbox."""

from typing import Any

import stripe

from tests.sandbox.running import RunningSandbox, monthly_of

PROMISE = {"gift_id": "g-1", "reference": "LWCAN-7KQ4M2X"}


def begin(client: stripe.StripeClient, sandbox: RunningSandbox, **more: Any) -> Any:
    """A paid session of 25.00 CAD a month, as the control lever gives it back."""
    asked = monthly_of(2_500, subscription_data={"metadata": PROMISE}, **more)
    return sandbox.pay(client.v1.checkout.sessions.create(asked).id)["session"]


def event_types(client: stripe.StripeClient) -> list[str]:
    return [event.type for event in reversed(client.v1.events.list({"limit": 100}).data)]
