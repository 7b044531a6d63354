"""A Stripe account at the sandbox whose clock stands still, with a schedule of payouts."""

from datetime import UTC, datetime
from typing import Any

import stripe

from tests.sandbox.running import RunningSandbox, session_of

DAY_S = 86_400
# A Monday at noon, UTC.
MONDAY = int(datetime(2026, 8, 3, 12, tzinfo=UTC).timestamp())


class PaidAccount:
    """A sandbox whose clock stands still, with an automatic payout schedule."""

    def __init__(self, sandbox: RunningSandbox, client: stripe.StripeClient, **schedule: Any):
        self.sandbox = sandbox
        self.client = client
        self.now = MONDAY
        self.go_to(MONDAY)
        sandbox.control("POST", "/_sandbox/payouts/schedule", **schedule)

    def go_to(self, moment: int) -> None:
        self.now = moment
        self.sandbox.control("POST", "/_sandbox/clock", now=moment)

    def wait(self, days: int) -> None:
        self.go_to(self.now + days * DAY_S)

    def pay(self, amount: int, currency: str = "cad") -> Any:
        session = self.client.v1.checkout.sessions.create(session_of(amount, currency))
        return self.sandbox.pay(session.id)["charge"]

    def payouts(self, **filters: Any) -> list[Any]:
        """Return the payouts, the oldest first."""
        params: Any = {"limit": 100, **filters}
        return list(self.client.v1.payouts.list(params).data)[::-1]

    def lines(self, **filters: Any) -> list[Any]:
        params: Any = {"limit": 100, **filters}
        return list(self.client.v1.balance_transactions.list(params).auto_paging_iter())

    def events(self, payout_id: str) -> list[tuple[str, Any]]:
        """Return the type and object of each event about a payout, the oldest first."""
        events = list(self.client.v1.events.list({"limit": 100}).auto_paging_iter())[::-1]
        about = [event for event in events if event.data.object["id"] == payout_id]
        return [(event.type, event.data.object) for event in about]


def book(account: PaidAccount, **fields: Any) -> Any:
    answer = account.sandbox.control("POST", "/_sandbox/balance_transactions", **fields)
    return answer["balance_transaction"]


def amounts(account: PaidAccount, name: str) -> dict[str, int]:
    balance = account.client.v1.balance.retrieve()
    return {one.currency: one.amount for one in getattr(balance, name)}
