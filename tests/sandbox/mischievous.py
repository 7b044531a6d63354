"""A sandbox that makes mischief (random faults), a donor who pays, and a receiver of webhooks."""

import json
from typing import Any

import stripe

from tests.sandbox.running import SESSION, Received, Receiver, RunningSandbox
from tests.waiting import until

# The factor for the delays of webhooks: a minute becomes 60 milliseconds.
QUICK = 0.001


class World:
    def __init__(
        self, sandbox: RunningSandbox, client: stripe.StripeClient, receiver: Receiver
    ) -> None:
        self.sandbox, self.client, self.receiver = sandbox, client, receiver

    def begin(self, seed: int | None, *kinds: str, **more: Any) -> None:
        lever = {"rate": 1.0, "time_scale": QUICK, **more}
        if kinds:
            lever["kinds"] = kinds
        self.sandbox.control("POST", "/_sandbox/mischief", seed=seed, **lever)

    def pay(self, times: int = 1) -> None:
        for _ in range(times):
            self.sandbox.pay(self.client.v1.checkout.sessions.create(SESSION).id)

    def deeds(self) -> list[dict[str, str]]:
        deeds: list[dict[str, str]] = self.sandbox.control("GET", "/_sandbox/mischief")["done"]
        return deeds

    def deliveries(self) -> dict[str, int]:
        counts: dict[str, int] = self.sandbox.control("GET", "/_sandbox/state")["deliveries"]
        return counts

    def received(self) -> list[Received]:
        """Return every delivered webhook in the order of arrival, once none is pending."""
        until(lambda: self.deliveries()["pending"] == 0)
        return self.receiver.received

    def arrived(self) -> list[dict[str, Any]]:
        return [json.loads(received.body) for received in self.received()]

    def made_ids(self) -> set[str]:
        return {event.id for event in self.client.v1.events.list({"limit": 100}).data}
