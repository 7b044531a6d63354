"""A service and a pretend Stripe that pays out each day, on one clock, without webhooks."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from donate.gifts.models import Gift
from donate.storage.database import Database
from donate.stripe_gateway.balance.reader import PayoutReader
from donate.stripe_gateway.catchup.lists import StripeLists
from donate.stripe_gateway.client import Page
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.gifts_and_events import settle
from tests.stripe_gateway.without_webhooks import Away, going_away

DELAY_DAYS = 2


@dataclass
class PayingOut:
    """A service whose payouts the tests make, tell about, and read."""

    away: Away

    @property
    def database(self) -> Database:
        return self.away.database

    def reader(self) -> PayoutReader:
        """Return a reader of payouts, like the one of each process of the service."""
        away = self.away
        return PayoutReader(away.database, away.client, away.lists, away.clock)

    def reader_that_loses_stripe(self) -> PayoutReader:
        """Return a reader for which Stripe fails after the first page of a list."""
        away = self.away

        class FailsAfterAPage(StripeLists):
            def page_of(self, *args: Any, **more: Any) -> Page:
                page = super().page_of(*args, **more)
                lever = {"path": "/v1/balance_transactions", "method": "GET", "kind": "500"}
                away.sandbox.control("POST", "/_sandbox/trouble", times=50, **lever)
                return page

        def never_wait(_stopping: threading.Event, _seconds: float) -> bool:
            return False

        lists = FailsAfterAPage(away.client, never_wait)
        return PayoutReader(away.database, away.client, lists, away.clock)

    def give(self, amount_minor: int = 5_000, currency: str = "CAD") -> tuple[Gift, str]:
        """Return a gift that is paid at Stripe, and known here, and its payment intent."""
        gift, intent = self.away.paid(currency, amount_minor)
        self.hear()
        return gift, intent

    def wait(self, days: int) -> None:
        """Let days pass; the pretend Stripe makes the payouts that fall due in them."""
        self.away.later(timedelta(days=days))

    def payouts(self) -> list[dict[str, Any]]:
        """Return the payouts at Stripe, the oldest first."""
        return self.away.client.list_page("payouts", {"limit": 100}).objects[::-1]

    def hear(self, *kinds: str) -> None:
        """Deliver all events of these kinds again, or all events, the newest first."""
        events = self.away.events()
        settle(
            self.database,
            *(event for event in events if not kinds or event["type"] in kinds),
            clock=self.away.clock,
        )

    def book(self, kind: str, amount: int, **more: Any) -> None:
        """Have the pretend Stripe add a balance transaction of any type."""
        self.away.sandbox.control(
            "POST", "/_sandbox/balance_transactions", type=kind, amount=amount, **more
        )


@pytest.fixture
def paying(database: Database, sandbox: RunningSandbox) -> Iterator[PayingOut]:
    with going_away(database, sandbox, days_ago=62) as away:
        # Monday at 03:00 UTC: the pretend Stripe pays out at midnight, and lists it at six o'clock.
        monday = away.clock.instant - timedelta(days=away.clock.instant.weekday())
        away.move_to(monday.replace(hour=3, minute=0, second=0))
        schedule = {"interval": "daily", "delay_days": DELAY_DAYS}
        sandbox.control("POST", "/_sandbox/payouts/schedule", **schedule)
        yield PayingOut(away)
