"""Which of Stripe's lists a catch-up reads, in which order, and from which date."""

import itertools
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from donate.stripe_gateway.catchup.plan import (
    EVENTS_REACH,
    RESUMED_WITHIN,
    Listing,
    ListRange,
    plan_of,
)
from donate.stripe_gateway.events.types import WEBHOOK_EVENT_TYPES

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("hours", [0.5, 1, 24, 25, 24 * 29, 24 * 29 + 1, 24 * 400])
def test_events_are_looked_at_without_a_gap(hours: float) -> None:
    """A catch-up reads events in ranges of time without gaps, and the last range has no end."""
    since = NOW - timedelta(hours=hours)
    ranges = [one for one in plan_of(since, NOW) if one.listing is Listing.EVENTS]
    assert ranges[0].created_from == max(since, NOW - EVENTS_REACH)
    assert ranges[-1].created_before is None
    for earlier, later in itertools.pairwise(ranges):
        assert earlier.created_before == later.created_from
    assert plan_of(since, NOW) == plan_of(since, NOW)


def test_lists_are_read_in_the_order_of_their_dependencies() -> None:
    """Payments are read before their refunds and disputes, which need a known payment."""
    listings = list(dict.fromkeys(one.listing for one in plan_of(NOW - timedelta(days=60), NOW)))
    assert listings[0] is Listing.EVENTS
    assert listings.index(Listing.INVOICES) < listings.index(Listing.PAID_SESSIONS)
    assert listings.index(Listing.PAID_SESSIONS) < listings.index(Listing.REFUNDS)
    assert set(listings) == set(Listing)


def test_objects_older_than_since_are_read_too() -> None:
    """Lists of objects start before `since`, because an older object may have changed later."""
    since = NOW - timedelta(days=60)
    for stretch in plan_of(since, NOW):
        if stretch.listing is not Listing.EVENTS:
            assert stretch.created_from <= since - timedelta(days=2)
    recent = [one for one in plan_of(NOW - timedelta(days=2), NOW) if one.created_before is None]
    assert {one.listing for one in recent} == set(Listing) - {
        Listing.EXPIRED_SESSIONS,
        Listing.SUBSCRIPTIONS,
    }


# Days before `since` at which each list begins, in order. A session is paid within a day of its
# opening, and its bank debit a fortnight later.
WHILE_EVENTS_TELL = {
    Listing.INVOICES: 1,
    Listing.PAID_SESSIONS: 1,
    Listing.REFUNDS: 1,
    Listing.DISPUTES: 180,
    Listing.PAYOUTS: 30,
    Listing.BALANCE: 1,
}
WHEN_THEY_DO_NOT = {
    Listing.INVOICES: 45,
    Listing.SUBSCRIPTIONS: 3_650,
    Listing.PAID_SESSIONS: 15,
    Listing.EXPIRED_SESSIONS: 2,
    Listing.REFUNDS: 45,
    Listing.DISPUTES: 180,
    Listing.PAYOUTS: 30,
    Listing.BALANCE: 2,
}


@pytest.mark.parametrize(
    ("since", "is_old"),
    [
        (NOW - timedelta(hours=1), False),
        (NOW - EVENTS_REACH, False),
        (NOW - EVENTS_REACH - timedelta(microseconds=1), True),
        (NOW - timedelta(days=400), True),
    ],
    ids=["an hour", "as far as events reach", "a moment more", "a year"],
)
def test_how_far_back_each_list_is_looked_at(since: datetime, is_old: bool) -> None:
    """Each list starts far enough back that an object which changed after `since` is on it."""
    ranges = [one for one in plan_of(since, NOW) if one.listing is not Listing.EVENTS]
    days_back = WHEN_THEY_DO_NOT if is_old else WHILE_EVENTS_TELL
    assert ranges == [
        ListRange(listing, since - timedelta(days=days)) for listing, days in days_back.items()
    ]


def test_events_are_looked_at_a_day_at_a_time() -> None:
    """A catch-up reads events in ranges of one day; the last range has no end."""
    since = NOW - timedelta(days=2, hours=6)
    begins = [since + timedelta(days=days) for days in range(3)]
    assert plan_of(since, NOW)[:3] == (
        ListRange(Listing.EVENTS, begins[0], begins[1]),
        ListRange(Listing.EVENTS, begins[1], begins[2]),
        ListRange(Listing.EVENTS, begins[2], None),
    )
    whole = [one.created_before for one in plan_of(NOW - timedelta(days=1), NOW)]
    assert set(whole) == {None}


def test_a_catchup_without_a_span_reads_no_events() -> None:
    """A catch-up whose `since` is the present reads no events."""
    assert Listing.EVENTS not in {one.listing for one in plan_of(NOW, NOW)}
    assert timedelta(days=29) == EVENTS_REACH
    assert timedelta(hours=12) == RESUMED_WITHIN


def test_the_manual_asks_for_the_same_events() -> None:
    """The manual lists the event types for an endpoint that the service handles."""
    manual = (ROOT / "docs" / "operate.md").read_text()
    step = manual.partition("## Stripe by hand")[2].partition("- Under *Settings")[0]
    assert set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", step)) == set(WEBHOOK_EVENT_TYPES)
