"""Catch-up finds months of pledges, from their events or from their invoices."""

from datetime import timedelta
from typing import Any

from sqlmodel import select

from donate.gifts.models import Gift, GiftFact
from donate.stripe_gateway.catchup.comparison import ListedTotal
from tests.stripe_gateway.without_webhooks import Away, check_totals

DAY = timedelta(days=1)


def pledged(away: Away) -> str:
    """Open and pay the first month of a monthly gift; return its subscription's id."""
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


def test_missed_months_are_recorded_from_events(away: Away) -> None:
    """One catch-up records every month of a pledge as a gift, even a refunded or failed one."""
    subscription = pledged(away)
    away.later(10 * DAY)
    away.refund(intent_of(renew(away, subscription)), amount=1_000)
    away.later(10 * DAY)
    renew(away, subscription, succeed=False)
    away.later(timedelta(hours=1))
    report = away.run()
    check_totals(away)
    assert report.differing == {}
    assert report.totals == {"CAD": ListedTotal(10_000, 10_000, 2)}
    assert away.statuses() == {"confirmed": 1, "partly_refunded": 1, "failed": 1}
    assert away.run().missing == 0


def test_missed_months_are_recorded_from_invoices(away: Away) -> None:
    """After two months, catch-up records the same months from invoices, with the same dates."""
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
