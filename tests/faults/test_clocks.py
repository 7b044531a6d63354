"""The service copes with wrong clocks, time zones, and days of 23 or 25 hours."""

from datetime import UTC, date, datetime, timedelta

import pytest

from donate.app import create_app
from donate.clock import FixedClock, local_date, start_of_day
from donate.gifts.audit import differences
from donate.storage.database import Database
from donate.stripe_gateway.models import EventState
from tests.real_parts import caller, make_settings, served
from tests.stripe_gateway.gifts_and_events import (
    NOW,
    as_bytes,
    event,
    event_now,
    gift_now,
    give,
    session_for,
    settle,
    settler_of,
    sign,
    store,
)
from tests.stripe_gateway.service import WEBHOOK_PATH
from tests.waiting import until


@pytest.mark.parametrize("hours", [-30, -5, 5, 30])
def test_a_clock_that_jumps_loses_nothing(database: Database, hours: int) -> None:
    """An event is settled once although the clock jumps by hours after the event was stored."""
    gift, clock = give(database), FixedClock(NOW)
    payment = event("checkout.session.completed", session_for(gift))
    store(database, payment, now=NOW)
    clock.instant = NOW + timedelta(hours=hours)
    settler_of(database, clock).settle_due()
    assert event_now(database, payment).state == (
        EventState.SETTLED if hours > 0 else EventState.WAITING
    )
    # Stripe's answer to a request of ours is settled although the clock is wrong.
    answer = payment | {"id": f"{payment['id']}_asked"}
    settle(database, answer, clock=clock)
    assert gift_now(database, gift).status == "confirmed"
    clock.instant = NOW + timedelta(seconds=1)
    while settler_of(database, clock).settle_due():
        pass
    assert {event_now(database, stored).state for stored in (payment, answer)} == {
        EventState.SETTLED
    }
    assert gift_now(database, gift).received_minor == gift.amount_minor
    with database.reading_snapshot() as session:
        assert list(differences(session)) == []


@pytest.mark.parametrize("hours", [-6, 6])
def test_events_are_accepted_once_the_clock_is_right(database_url: str, hours: int) -> None:
    """While our clock is hours wrong, events are refused; once it is right, they are accepted."""
    clock = FixedClock(datetime.now(UTC) + timedelta(hours=hours))
    database = Database(database_url)
    with (
        served(create_app(make_settings(database_url), clock)) as url,
        caller(url) as http,
    ):
        gift = give(database)
        body = as_bytes(event("checkout.session.completed", session_for(gift)))
        headers = {"stripe-signature": sign(body)}
        assert http.post(WEBHOOK_PATH, content=body, headers=headers).status_code == 400
        assert http.get("/give/LWCAN").status_code == 200
        clock.instant = datetime.now(UTC)
        assert http.post(WEBHOOK_PATH, content=body, headers=headers).status_code == 200
        until(lambda: gift_now(database, gift).status == "confirmed")
    database.close()


@pytest.mark.parametrize(
    ("paid_at", "received_on"),
    [
        (datetime(2027, 1, 1, 4, 59, 59, tzinfo=UTC), date(2026, 12, 31)),
        (datetime(2027, 1, 1, 5, 0, 0, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2026, 3, 8, 4, 59, 59, tzinfo=UTC), date(2026, 3, 7)),
        (datetime(2026, 3, 9, 3, 59, 59, tzinfo=UTC), date(2026, 3, 8)),
        (datetime(2026, 11, 1, 3, 59, 59, tzinfo=UTC), date(2026, 10, 31)),
        (datetime(2026, 11, 2, 4, 59, 59, tzinfo=UTC), date(2026, 11, 1)),
    ],
)
def test_a_gift_is_dated_in_its_regions_time_zone(
    database: Database, paid_at: datetime, received_on: date
) -> None:
    """A gift is dated by the day of its payment in the region's time zone, not in UTC."""
    gift = give(database)
    paid = event("checkout.session.completed", session_for(gift), created=int(paid_at.timestamp()))
    settle(database, paid, clock=FixedClock(paid_at + timedelta(hours=40)))
    assert gift_now(database, gift).received_on == received_on


@pytest.mark.parametrize(
    "zone", ["America/Toronto", "America/St_Johns", "America/Havana", "Asia/Beirut", "UTC"]
)
def test_a_day_begins_once(zone: str) -> None:
    """In each time zone, the start of a day directly follows the last moment of the day before."""
    for number in range(800):
        day = date(2026, 1, 1) + timedelta(days=number)
        start = start_of_day(day, zone)
        assert local_date(start, zone) == day
        assert local_date(start - timedelta(microseconds=1), zone) == day - timedelta(days=1)
