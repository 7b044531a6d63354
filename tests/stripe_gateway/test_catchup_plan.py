"""What a catch-up looks at: all of it, once, in an order that follows from when it began."""

import itertools
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from donate.stripe_gateway.catchup_plan import EVENTS_REACH, Listing, plan_of
from donate.stripe_gateway.event_types import EVENT_TYPES

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("hours", [0.5, 1, 24, 25, 24 * 29, 24 * 29 + 1, 24 * 400])
def test_events_are_looked_at_without_a_gap(hours: float) -> None:
    """The pieces of the list of events touch each other, and the last one ends with now."""
    since = NOW - timedelta(hours=hours)
    events = [one for one in plan_of(since, NOW) if one.listing is Listing.EVENTS]
    assert events[0].created_from == max(since, NOW - EVENTS_REACH)
    assert events[-1].created_before is None
    for earlier, later in itertools.pairwise(events):
        assert earlier.created_before == later.created_from
    assert plan_of(since, NOW) == plan_of(since, NOW)


def test_objects_come_after_events_and_payments_before_what_returns_them() -> None:
    """First events, then what was paid, then what went back: each finds what it is about."""
    listings = list(dict.fromkeys(one.listing for one in plan_of(NOW - timedelta(days=60), NOW)))
    assert listings[0] is Listing.EVENTS
    assert listings.index(Listing.INVOICES) < listings.index(Listing.PAID_SESSIONS)
    assert listings.index(Listing.PAID_SESSIONS) < listings.index(Listing.REFUNDS)
    assert set(listings) == set(Listing)


def test_old_objects_are_looked_at_from_before_they_changed() -> None:
    """An object that was made before `since` may have ended after it."""
    since = NOW - timedelta(days=60)
    for stretch in plan_of(since, NOW):
        if stretch.listing is not Listing.EVENTS:
            assert stretch.created_from <= since - timedelta(days=2)
    recent = [one for one in plan_of(NOW - timedelta(days=2), NOW) if one.created_before is None]
    assert {one.listing for one in recent} == set(Listing) - {
        Listing.EXPIRED_SESSIONS,
        Listing.SUBSCRIPTIONS,
    }


def test_readme_asks_for_the_same_events() -> None:
    """The events that README has an endpoint sent are those that catch-up fetches."""
    readme = (ROOT / "README.md").read_text()
    step = readme.partition("**The webhook.**")[2].partition("**Staff.**")[0]
    assert set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", step)) == set(EVENT_TYPES)
