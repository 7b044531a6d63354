"""Months of pledges without webhooks, from events, or from invoices when those are gone."""

from datetime import timedelta
from typing import Any

from sqlmodel import select

from donate.gifts.models import Gift, GiftFact
from tests.stripe_gateway.away import Away, check_totals

DAY = timedelta(days=1)


def pledged(away: Away) -> str:
    """Return the subscription of a monthly gift whose first month is paid."""
    _, session_id = away.open(frequency="monthly")
    return str(away.sandbox.pay(session_id)["session"]["subscription"])


def renew(away: Away, subscription: str, *, succeed: bool = True) -> dict[str, Any]:
    address = f"/_sandbox/subscriptions/{subscription}/renew"
    invoice: dict[str, Any] = away.sandbox.control("POST", address, succeed=succeed)["invoice"]
    return invoice


def intent_of(invoice: dict[str, Any]) -> str:
    return str(invoice["payments"]["data"][0]["payment"]["payment_intent"])


def kinds(away: Away) -> set[str]:
    with away.database.reading() as session:
        return set(session.exec(select(GiftFact.kind)))


def test_months_are_healed_from_events(away: Away) -> None:
    """One run records every month of a pledge as a gift, also a refunded and a failed one."""
    subscription = pledged(away)
    away.later(10 * DAY)
    away.refund(intent_of(renew(away, subscription)), amount=1_000)
    away.later(10 * DAY)
    renew(away, subscription, succeed=False)
    away.later(timedelta(hours=1))
    report = away.run()
    check_totals(away)
    assert report.differing == {}
    assert report.totals == {"CAD": {"listed": 10_000, "recorded": 10_000, "payments": 2}}
    assert away.statuses() == {"confirmed": 1, "partly_refunded": 1, "failed": 1}
    assert away.run().missing == 0


def test_months_are_healed_from_invoices(away: Away) -> None:
    """Two months later, invoices give the same gifts with the days on which they were paid."""
    subscription = pledged(away)
    began = away.clock.now()
    away.later(5 * DAY)
    away.refund(intent_of(renew(away, subscription)), amount=1_000)
    away.later(5 * DAY)
    away.sandbox.control("POST", f"/_sandbox/subscriptions/{subscription}/cancel")
    away.later(48 * DAY)
    report = away.run()
    check_totals(away)
    assert (report.events, report.differing) == (0, {})
    assert away.statuses() == {"confirmed": 1, "partly_refunded": 1}
    assert {"pledge_started", "pledge_ended", "payment_named"} <= kinds(away)
    with away.database.reading() as session:
        paid = select(GiftFact.happened_at).where(GiftFact.kind == "payment_succeeded")
        assert sorted(session.exec(paid)) == [began, began + 5 * DAY]
        assert len(session.exec(select(Gift)).all()) == 2
    assert away.run().missing == 0
