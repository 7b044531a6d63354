"""The worker starts a catch-up once an hour, in one process only."""

import threading
import time
from datetime import timedelta

from sqlmodel import select

from donate.stripe_gateway.catchup.schedule import CatchupSchedule
from donate.stripe_gateway.models import CatchupRun
from tests.stripe_gateway.service import serving
from tests.stripe_gateway.without_webhooks import EVENTS, HOUR, Away, check_totals
from tests.waiting import until


def runs(away: Away) -> int:
    with away.database.reading() as session:
        return len(session.exec(select(CatchupRun)).all())


def schedule_of(away: Away) -> CatchupSchedule:
    return CatchupSchedule(away.another(), away.database, away.clock, HOUR)


def test_a_catchup_runs_once_an_hour(away: Away) -> None:
    """A catch-up runs when the service starts, and then an hour after the last one began."""
    away.paid()
    schedule = schedule_of(away)
    for _ in range(3):
        assert schedule.catch_up_when_due() == 0
    assert runs(away) == 1
    check_totals(away)
    away.later(timedelta(minutes=59))
    schedule.catch_up_when_due()
    assert runs(away) == 1
    away.later(timedelta(minutes=1))
    schedule.catch_up_when_due()
    assert runs(away) == 2


def test_two_processes_share_the_schedule(away: Away) -> None:
    """Two processes together run one catch-up an hour."""
    first, second = schedule_of(away), schedule_of(away)
    for _ in range(4):
        for schedule in (first, second):
            schedule.catch_up_when_due()
        away.later(timedelta(minutes=30))
    assert runs(away) == 2


def test_old_runs_are_forgotten(away: Away) -> None:
    """Records of catch-ups older than 90 days are deleted, except the last finished one."""
    for _ in range(3):
        away.run()
        away.later(timedelta(days=80))
    assert runs(away) == 2
    away.later(timedelta(days=400))
    assert away.run().since < away.clock.now() - timedelta(days=400)
    assert runs(away) == 2


def test_an_interrupted_catchup_is_resumed_after_five_minutes(away: Away) -> None:
    """A catch-up that an error of Stripe interrupted is resumed after five minutes."""
    away.paid()
    away.trouble("500", times=100)
    schedule = schedule_of(away)
    schedule.catch_up_when_due()
    away.sandbox.control("DELETE", "/_sandbox/trouble")
    schedule.catch_up_when_due()
    assert away.statuses() == {"awaited": 1}
    away.later(timedelta(minutes=5))
    schedule.catch_up_when_due()
    check_totals(away)


def test_a_service_catches_up_when_it_starts(away: Away) -> None:
    """A service that starts runs a catch-up, and can be stopped quickly during one."""
    address = away.database.engine.url.render_as_string(hide_password=False)
    gift, _ = away.paid()
    with serving(address, stripe_api_base=away.sandbox.url, catchup_every_minutes=60):
        until(lambda: away.gift(gift).status == "confirmed")
        until(lambda: away.calls(EVENTS) > 1)
        away.trouble("hang", times=5, seconds=20)
        began = time.monotonic()
    assert time.monotonic() - began < 12
    assert not [one for one in threading.enumerate() if "catch_up" in one.name]


def test_zero_minutes_turn_catchup_off(away: Away) -> None:
    """With CATCHUP_EVERY_MINUTES=0 the service runs no catch-up."""
    address = away.database.engine.url.render_as_string(hide_password=False)
    with serving(address, stripe_api_base=away.sandbox.url, catchup_every_minutes=0):
        time.sleep(1.5)
    assert away.calls(EVENTS) == 0
