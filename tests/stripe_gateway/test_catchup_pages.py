"""How a catch-up goes through the pages of Stripe's lists, stops and resumes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, func, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from donate.storage.database import Database
from donate.stripe_gateway.catchup.catchup import Catchup, Stopped
from donate.stripe_gateway.catchup.comparison import ListedTotal
from donate.stripe_gateway.catchup.lists import PAGE_SIZE, StripeLists
from donate.stripe_gateway.catchup.plan import EVENTS_REACH
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.events.types import EVENT_TYPES
from donate.stripe_gateway.models import CatchupRun, EventSource, EventState, StripeEvent
from donate.stripe_gateway.webhooks.health import last_missed_at
from donate.stripe_gateway.webhooks.inbox import Arrival
from donate.stripe_gateway.webhooks.settle import BATCH
from tests.real_parts import SECRET_KEY, Sqlite, served
from tests.sandbox.running import session_params
from tests.stripe_gateway.gifts_and_events import as_bytes, event, store
from tests.stripe_gateway.without_webhooks import HOUR, Away, check_totals

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


@pytest.fixture
def database(sqlite: Sqlite) -> Iterator[Database]:
    database = Database(sqlite.fresh_url())
    yield database
    database.close()


def waiting(away: Away) -> int:
    with away.database.reading() as session:
        count = select(func.count()).where(col(StripeEvent.state) == EventState.WAITING)
        return session.exec(count).one()


def missed_at(away: Away) -> datetime | None:
    with away.database.reading() as session:
        return last_missed_at(session)


def once(act: Callable[[], object], where: str) -> Callable[[str], None]:
    """Return a progress callback that calls `act` once, after the first page of list `where`."""
    actions = [act]

    def tell(line: str) -> None:
        if line.startswith(where) and actions:
            actions.pop()()

    return tell


def refund_a_page(away: Away) -> datetime:
    """Refund one payment until its refunds fill two pages; return the time of the last refund."""
    _, intent = away.paid()
    away.refund(intent, amount=10)
    away.later(HOUR)
    for _ in range(PAGE_SIZE):
        away.refund(intent, amount=10)
    refunded_at = away.clock.now()
    away.later(HOUR)
    return refunded_at


def test_every_page_of_a_list_is_looked_at_once(away: Away) -> None:
    """Catch-up reads each page of a list once, and keeps the time of the newest missed event."""
    refunded_at = refund_a_page(away)
    report = away.run()
    check_totals(away)
    listed = [one for one in away.events() if one["type"] in EVENT_TYPES]
    assert report.events == report.missing == len(listed) > PAGE_SIZE
    assert (report.objects, report.differing) == (PAGE_SIZE + 2, {})
    assert missed_at(away) == refunded_at
    assert (away.calls("/v1/refunds"), away.calls("/v1/disputes")) == (2, 1)


def test_a_list_refused_halfway_is_reported(away: Away) -> None:
    """If Stripe refuses the second page of a list, catch-up reports it and reads the next list."""
    refund_a_page(away)
    refuse = once(lambda: away.trouble("401", times=1, path="/v1/refunds"), "refunds")
    (report,) = away.catchup.run(None, refuse)
    assert list(report.differing) == ["refunds"]
    assert (away.calls("/v1/refunds"), away.calls("/v1/disputes")) == (2, 1)
    check_totals(away)


def test_each_page_is_settled_before_the_next(away: Away) -> None:
    """Catch-up settles the events of one page before it requests the next page."""
    away.paid()
    away.later(MINUTE)
    statuses: list[dict[str, int]] = []
    away.catchup.run(None, once(lambda: statuses.append(dict(away.statuses())), "events"))
    assert statuses == [{"confirmed": 1}]


def test_payments_during_a_catchup_belong_to_the_next_one(away: Away) -> None:
    """A payment that arrives during a catch-up is left to the next catch-up."""
    away.paid()

    def pay_another() -> None:
        away.later(SECOND)
        away.paid()

    (report,) = away.catchup.run(None, once(pay_another, "events"))
    assert report.totals == {"CAD": ListedTotal(5_000, 5_000, 1)}
    assert (report.missing, report.differing, away.run().missing) == (1, {}, 1)
    assert away.statuses() == {"confirmed": 2}


def test_an_interrupted_catchup_is_resumed_and_a_new_one_follows(away: Away) -> None:
    """An interrupted catch-up is resumed, and says so; a second one then reads newer events."""
    away.paid()
    began = away.clock.now()
    since = began - timedelta(days=3)
    stopped = away.another()
    with pytest.raises(Stopped):
        stopped.run(since, lambda _: stopped.stop())
    away.later(HOUR)
    resumed, fresh = away.catchup.run(since, away.lines.append)
    assert away.lines[0] == f"resuming the catch-up that began at {began:%H:%M:%S}"
    assert (resumed.since, fresh.since) == (since, began - HOUR)


def test_a_recorded_old_payment_is_not_stored_again(away: Away) -> None:
    """If an old payment is recorded already, catch-up does not store its session as an event."""
    away.paid()
    away.later(MINUTE)
    assert away.run().missing == 1
    away.later(timedelta(days=45))
    again = away.run(since=away.clock.now() - timedelta(days=50))
    assert (again.missing, again.differing) == (0, {})
    assert again.totals == {"CAD": ListedTotal(5_000, 5_000, 1)}


@pytest.mark.parametrize(
    ("more", "source"),
    [(timedelta(0), "evt_"), (SECOND, "asked:")],
    ids=["29 days", "a second more"],
)
def test_an_unusable_payment_is_stored_once(away: Away, more: timedelta, source: str) -> None:
    """A payment for no gift is set aside once: as an event or, if that is too old, as a session."""
    opened = away.client.create_session(session_params(metadata={"gift_id": "nobody"}), "odd")
    away.sandbox.pay(opened.session_id)
    away.later(EVENTS_REACH + more)
    report = away.run(since=away.clock.now() - timedelta(days=40))
    assert report.by_state == {"set_aside": 1}
    with away.database.reading() as session:
        (stored,) = session.exec(select(StripeEvent.event_id))
    assert stored.startswith(source)


@pytest.mark.parametrize(
    ("age", "is_missed"),
    [(15 * MINUTE - SECOND, False), (15 * MINUTE, True)],
    ids=["a second less", "a quarter of an hour"],
)
def test_a_webhook_may_be_a_quarter_of_an_hour_late(
    away: Away, age: timedelta, is_missed: bool
) -> None:
    """An event counts as missed if its webhook has not arrived after a quarter of an hour."""
    away.paid()
    paid_at = away.clock.now()
    away.later(age)
    away.run()
    assert missed_at(away) == (paid_at if is_missed else None)


def test_a_stopped_catchup_settles_no_further_batch(away: Away) -> None:
    """A catch-up that is stopped finishes the batch of events that it is settling, and no other."""
    away.paid()

    def fill_and_stop() -> None:
        more = (event("customer.created", {"id": "cus_1"}) for _ in range(BATCH + 1))
        now = away.clock.now()
        away.inbox.store_now(
            *(Arrival(as_bytes(one), now, source=EventSource.CATCHUP) for one in more)
        )
        away.catchup.stop()

    with pytest.raises(Stopped):
        away.catchup.run(None, once(fill_and_stop, "balance transactions"))
    assert waiting(away) == 1
    with away.database.reading() as session:
        (run,) = session.exec(select(CatchupRun))
    assert run.finished_at is None
    away.another().run()
    assert waiting(away) == 0


@contextmanager
def listing_events(events: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the URL of a pretend Stripe that lists these events and nothing else."""

    async def listed(request: Request) -> Response:
        data = events if request.url.path == "/v1/events" else []
        return JSONResponse(
            {"object": "list", "url": "/v1/events", "has_more": False, "data": data}
        )

    with served(Starlette(routes=[Route("/{path:path}", listed)])) as url:
        yield url


@pytest.mark.parametrize("created", [None, "soon", True, 0, 10**15], ids=str)
def test_an_event_without_a_usable_time_is_stored(away: Away, created: Any) -> None:
    """An event with an invalid creation time is set aside and does not count as missed."""
    old = event("customer.created", {"id": "cus_1"}, created=1_000)
    store(away.database, old, now=away.clock.now())
    unusable = event("checkout.session.completed", {"id": "cs_1"}, created=created)
    with listing_events([unusable, old]) as url:
        client = StripeClient(SECRET_KEY, url, ())
        lists = StripeLists(client, lambda *_: False)
        catchup = Catchup(
            away.database, lists, away.inbox, away.settler, away.clock, livemode=False
        )
        (report,) = catchup.run()
        client.close()
    assert (report.missing, missed_at(away)) == (1, None)
    assert report.by_state == {"set_aside": 1}
