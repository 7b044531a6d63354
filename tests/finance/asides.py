"""Events that really were set aside: stored, settled, refused."""

from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

from donate.clock import Clock
from donate.gifts.models import Gift
from donate.storage.database import Database
from donate.stripe_gateway.models import EventState, StripeEvent
from donate.stripe_gateway.webhooks.inbox import Arrival
from tests.finance.room import NOW, Room, csrf
from tests.stripe_gateway import given

COMPLETED = "checkout.session.completed"


def paid(gift: Gift, **more: Any) -> dict[str, Any]:
    """Return an event that says that a gift was paid, and `more` that may contradict it."""
    return given.event(COMPLETED, given.session_for(gift, **more))


def put_aside(
    database: Database, told: dict[str, Any] | bytes, clock: Clock | None = None
) -> StripeEvent:
    """Let an event come in and be settled; it ends up set aside."""
    if isinstance(told, bytes):
        with database.writing() as session:
            row = StripeEvent(**Arrival(told, NOW).as_row())
            session.add(row)
        event = row
    else:
        given.settle(database, told, clock=clock)
        event = given.event_now(database, told)
    assert event.state == EventState.SET_ASIDE
    return event


def settle(room: Room) -> None:
    """Settle whatever is due, as the worker would."""
    given.settle(room.database, clock=room.clock)


def reread(room: Room, event: StripeEvent) -> StripeEvent:
    with room.database.reading() as session:
        return session.get_one(StripeEvent, event.id)


def decide(browser: TestClient, event: StripeEvent, act: str, **typed: str) -> Response:
    """Send one of the forms about an event: `tried`, `tied` or `dismissed`."""
    data = {"csrf": csrf(browser)} | ({"confirmed": "yes"} if act == "tied" else {}) | typed
    return browser.post(f"/finance/set-aside/{event.id}/{act}", data=data)


def look(browser: TestClient, event: StripeEvent) -> str:
    page = browser.get(f"/finance/set-aside/{event.id}")
    assert page.status_code == 200
    return page.text
