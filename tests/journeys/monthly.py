"""Reads the months of a monthly gift, and its subscription at the pretend Stripe."""

from typing import Any

from sqlmodel import select

from donate.gifts.audit import differences
from donate.gifts.models import Gift
from donate.gifts.queries import facts_of
from tests.journeys.donor_steps import World
from tests.waiting import until


def subscription_of(world: World, gift: Gift) -> str:
    def started() -> list[str]:
        with world.database.reading() as session:
            facts = facts_of(session, gift.id)
        return [fact.source_id for fact in facts if fact.kind == "pledge_started"]

    until(started)
    return started()[0]


def months(world: World) -> list[Gift]:
    """Return all gifts, the pledge's first month first; check that each gift matches its facts."""
    with world.database.reading_snapshot() as session:
        assert list(differences(session)) == []
        gifts = session.exec(select(Gift)).all()
    return sorted(gifts, key=lambda gift: (gift.id != gift.pledge_id, gift.opened_at))


def later_month(world: World) -> Gift:
    (month,) = [gift for gift in months(world) if gift.pledge_id != gift.id and gift.pledge_id]
    return month


def at_stripe(world: World, subscription_id: str) -> dict[str, Any]:
    answer = world.sandbox.http.get(
        f"/v1/subscriptions/{subscription_id}", headers=world.stripe_headers
    )
    subscription: dict[str, Any] = answer.json()
    return subscription


def bank_says(world: World, subscription_id: str, *, yes: bool) -> None:
    """Let the donor's bank pay the debit of the subscription's newest invoice, or refuse it."""
    invoice = at_stripe(world, subscription_id)["latest_invoice"]
    world.sandbox.control("POST", f"/_sandbox/invoices/{invoice}/settle", succeed=yes)


def subscriptions(world: World) -> list[dict[str, Any]]:
    answer = world.sandbox.http.get(
        "/v1/subscriptions", params={"status": "all"}, headers=world.stripe_headers
    )
    data: list[dict[str, Any]] = answer.json()["data"]
    return data
