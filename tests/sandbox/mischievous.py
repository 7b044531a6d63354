"""A sandbox under mischief, with somebody who pays and somebody who listens."""

import json
from typing import Any

import stripe

from tests.sandbox.running import SESSION, Received, Receiver, RunningSandbox, wait_until

# A minute of delay is over before anyone has waited for it.
QUICK = 0.001


class World:
    def __init__(
        self, sandbox: RunningSandbox, client: stripe.StripeClient, receiver: Receiver
    ) -> None:
        self.sandbox, self.client, self.receiver = sandbox, client, receiver

    def begin(self, seed: int | None, *kinds: str, **more: Any) -> None:
        given = {"rate": 1.0, "time_scale": QUICK, **more}
        if kinds:
            given["kinds"] = kinds
        self.sandbox.control("POST", "/_sandbox/mischief", seed=seed, **given)

    def pay(self, times: int = 1) -> None:
        for _ in range(times):
            self.sandbox.pay(self.client.v1.checkout.sessions.create(SESSION).id)

    def done(self) -> list[dict[str, str]]:
        done: list[dict[str, str]] = self.sandbox.control("GET", "/_sandbox/mischief")["done"]
        return done

    def deliveries(self) -> dict[str, int]:
        counted: dict[str, int] = self.sandbox.control("GET", "/_sandbox/state")["deliveries"]
        return counted

    def received(self) -> list[Received]:
        """Every delivery, in the order it came in, when no more are on their way."""
        wait_until(lambda: self.deliveries()["pending"] == 0)
        return self.receiver.received

    def arrived(self) -> list[dict[str, Any]]:
        return [json.loads(received.body) for received in self.received()]

    def made(self) -> set[str]:
        return {event.id for event in self.client.v1.events.list({"limit": 100}).data}
