"""Weeks without a webhook: one look at what Stripe lists, and every cent is where it belongs."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from donate.gifts.models import GiftFact
from donate.stripe_gateway.events.types import EVENT_TYPES
from donate.stripe_gateway.models import StripeEvent
from tests.stripe_gateway.away import Away, check_totals, their_totals

GIFTS = 240


def known_types(away: Away) -> list[str]:
    return [event["type"] for event in away.events() if event["type"] in EVENT_TYPES]


def test_a_month_of_silence_is_healed(away: Away) -> None:
    """After 29 days without webhooks one run leaves the same totals as Stripe's own books."""
    away.live(GIFTS, days=28.8)
    away.later(timedelta(hours=3))
    report = away.run()
    check_totals(away)
    assert report.missing == report.events == len(known_types(away)) > GIFTS
    assert report.differing == {}
    assert set(report.by_state) <= {"settled", "ignored"}
    assert {currency: sums["listed"] for currency, sums in report.totals.items()} == {
        currency: sums["paid"] for currency, sums in their_totals(away.sandbox).items()
    }
    assert all(sums["listed"] == sums["recorded"] for sums in report.totals.values())
    assert set(away.statuses()) - {"awaited"} == {
        "confirmed",
        "refunded",
        "partly_refunded",
        "disputed",
        "charged_back",
        "failed",
        "lapsed",
    }


def test_two_months_of_silence_are_healed_from_the_objects(away: Away) -> None:
    """What is older than Stripe's events is told by sessions, refunds and disputes instead."""
    away.live(GIFTS // 2, days=60)
    report = away.run()
    check_totals(away)
    assert 0 < report.events < report.missing
    assert report.differing == {}
    assert away.statuses()["lapsed"] > 0
    assert away.run().missing == 0


def test_a_gift_found_late_has_its_own_day(away: Away) -> None:
    """Money found two months later counts for the day on which it came, by card and by bank."""
    _, card = away.open()
    paid_at = away.clock.now()
    away.sandbox.pay(card)
    _, bank = away.open()
    away.sandbox.pay(bank, outcome="processing")
    away.later(timedelta(days=5))
    settled_at = away.clock.now()
    away.sandbox.control("POST", "/_sandbox/settle", session=bank, succeed=True)
    away.later(timedelta(days=50))
    away.run()
    with away.database.reading() as session:
        paid = select(GiftFact.happened_at).where(GiftFact.kind == "payment_succeeded")
        assert sorted(session.exec(paid)) == [paid_at, settled_at]


def test_a_second_run_finds_nothing(away: Away) -> None:
    """Whatever was fetched once is missing no more, and the next run begins where the last did."""
    away.live(24, days=20)
    first = away.run()
    away.later(timedelta(hours=1))
    second = away.run()
    assert first.missing > 0
    assert (second.missing, second.differing) == (0, {})
    assert second.since == away.clock.now() - timedelta(hours=2)
    assert second.events < first.events
    check_totals(away)


def test_events_are_kept_as_stripe_gives_them(away: Away) -> None:
    """What is in the inbox is the very event of Stripe's list, marked as fetched."""
    away.paid()
    away.later(timedelta(minutes=1))
    away.run()
    listed = {event["id"]: event for event in away.events() if event["type"] in EVENT_TYPES}
    with away.database.reading() as session:
        stored = list(session.exec(select(StripeEvent)))
    assert {event.event_id for event in stored} == set(listed)
    assert {event.source for event in stored} == {"catchup"}
    for event in stored:
        assert json.loads(event.payload) == listed[event.event_id]


def test_since_only_reaches_further_back(away: Away) -> None:
    """A later --since than the last run leaves no gap; an earlier one looks at everything again."""
    away.live(24, days=20)
    before = away.run().since
    away.later(timedelta(days=3))
    away.paid()
    away.later(timedelta(minutes=1))
    short = away.run(since=away.clock.now() - timedelta(seconds=1))
    assert (short.missing, short.differing) == (1, {})
    long = away.run(since=datetime(2020, 1, 1, tzinfo=UTC))
    assert (long.missing, long.differing) == (0, {})
    assert long.since < before
    assert long.objects > short.objects


def test_it_is_gentle(away: Away) -> None:
    """No more than twenty questions a second, a hundred things in each, types and dates named."""
    away.live(36, days=20)
    away.run()
    questions = [
        asked
        for asked in away.sandbox.control("GET", "/_sandbox/requests")
        if asked["method"] == "GET"
    ]
    assert len(away.waits) >= len(questions) - 1
    assert all(wait == pytest.approx(0.05) for wait in away.waits)
    assert {asked["parameters"]["limit"] for asked in questions} == {"100"}
    assert all("created" in asked["parameters"] for asked in questions)
    types = [asked["parameters"]["types"] for asked in questions if "types" in asked["parameters"]]
    assert types
    assert all(tuple(one) == EVENT_TYPES for one in types)
    assert len(EVENT_TYPES) <= 20
