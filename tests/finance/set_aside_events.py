"""Makes events that were set aside, opens their pages, and sends the forms there."""

from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

from donate.clock import Clock
from donate.gifts.models import Gift
from donate.storage.database import Database
from donate.stripe_gateway.models import EventState, StripeEvent
from donate.stripe_gateway.webhooks.inbox import Arrival
from tests.finance.finance_site import NOW, FinanceSite, csrf
from tests.stripe_gateway import gifts_and_events

COMPLETED = "checkout.session.completed"


def paid(gift: Gift, **more: Any) -> dict[str, Any]:
    """Return an event about a paid gift; `more` replaces fields of the checkout session."""
    return gifts_and_events.event(COMPLETED, gifts_and_events.session_for(gift, **more))


def set_aside(
    database: Database, payload: dict[str, Any] | bytes, clock: Clock | None = None
) -> StripeEvent:
    """Process an event that cannot be applied, so that it is set aside, and return its row."""
    if isinstance(payload, bytes):
        with database.writing() as session:
            row = StripeEvent(**Arrival(payload, NOW).as_row())
            session.add(row)
    else:
        gifts_and_events.settle(database, payload, clock=clock)
        row = gifts_and_events.event_now(database, payload)
    assert row.state == EventState.SET_ASIDE
    return row


def settle(site: FinanceSite) -> None:
    """Settle the stored events that are due, as the worker does."""
    gifts_and_events.settle(site.database, clock=site.clock)


def reread(site: FinanceSite, event: StripeEvent) -> StripeEvent:
    with site.database.reading() as session:
        return session.get_one(StripeEvent, event.id)


def decide(browser: TestClient, event: StripeEvent, act: str, **typed: str) -> Response:
    """Send one of the forms about an event: `tried`, `tied` or `dismissed`."""
    data = {"csrf": csrf(browser)} | ({"confirmed": "yes"} if act == "tied" else {}) | typed
    return browser.post(f"/finance/set-aside/{event.id}/{act}", data=data)


def look(browser: TestClient, event: StripeEvent) -> str:
    page = browser.get(f"/finance/set-aside/{event.id}")
    assert page.status_code == 200
    return page.text
