"""When a catch-up is resumed, how far back a new one reaches, and what its report says."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from donate.errors import Conflict
from donate.gifts.models import Gift
from donate.storage.database import Database
from donate.stripe_gateway.catchup.comparison import ListedTotal
from donate.stripe_gateway.catchup.plan import RESUMED_WITHIN
from donate.stripe_gateway.catchup.runs import (
    KEPT_FOR,
    OVERLAP,
    Report,
    begin_run,
    key_mismatch_reason,
    last_finished_run,
    newly_set_aside,
    report_of,
    save_run,
    still_to_settle,
    unfinished_run,
)
from donate.stripe_gateway.models import CatchupRun, EventState, OpenCheckout, StripeEvent
from tests.real_parts import Sqlite
from tests.stripe_gateway.gifts_and_events import NOW, give

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def database(sqlite: Sqlite) -> Iterator[Database]:
    database = Database(sqlite.fresh_url())
    yield database
    database.close()


def add_run(session: Session, began: datetime, *, finished: bool, **more: Any) -> CatchupRun:
    times = {"since": began - HOUR, "finished_at": began + HOUR if finished else None}
    run = CatchupRun(started_at=began, **times | more)
    session.add(run)
    session.flush()
    return run


def add_event(session: Session, number: int, state: EventState, **more: Any) -> StripeEvent:
    values: dict[str, Any] = {"event_id": f"evt_{number}", "type": "refund.updated"}
    values |= {"source": "catchup", "payload": b"{}", "received_at": NOW, "due_at": NOW}
    event = StripeEvent(id=number, state=state, **values | more)
    session.add(event)
    session.flush()
    return event


@pytest.mark.parametrize(
    ("ago", "goes_on"),
    [(SECOND, True), (RESUMED_WITHIN, True), (RESUMED_WITHIN + SECOND, False)],
    ids=["a second", "twelve hours", "a second more"],
)
def test_an_interrupted_catchup_is_resumed_for_twelve_hours(
    database: Database, ago: timedelta, goes_on: bool
) -> None:
    """An interrupted catch-up is resumed until twelve hours after its start, and no later."""
    with database.writing() as session:
        run = add_run(session, NOW - ago, finished=False)
        unfinished = unfinished_run(session, None, NOW)
        assert (unfinished.id if unfinished else None) == (run.id if goes_on else None)


@pytest.mark.parametrize(
    ("since", "goes_on"),
    [(-SECOND, False), (timedelta(0), True), (SECOND, True)],
    ids=["further back", "as far", "less far"],
)
def test_an_earlier_since_begins_a_new_catchup(
    database: Database, since: timedelta, goes_on: bool
) -> None:
    """A new catch-up begins if --since reaches further back than the interrupted one."""
    with database.writing() as session:
        run = add_run(session, NOW, finished=False)
        assert (unfinished_run(session, run.since + since, NOW) is not None) == goes_on


def test_only_the_newest_catchup_is_resumed(database: Database) -> None:
    """Only the newest catch-up is resumed, and only if it was interrupted."""
    with database.writing() as session:
        assert unfinished_run(session, None, NOW) is None
        assert last_finished_run(session) is None
        add_run(session, NOW - 2 * HOUR, finished=False)
        finished = add_run(session, NOW - HOUR, finished=True)
        assert unfinished_run(session, None, NOW) is None
        add_run(session, NOW, finished=False)
        last = last_finished_run(session)
        assert last
        assert last.id == finished.id


def test_the_first_run_begins_before_the_first_gift(database: Database) -> None:
    """The first catch-up starts an hour before the first gift or, without gifts, an hour ago."""
    with database.writing() as session:
        assert begin_run(session, None, NOW + DAY).since == NOW + DAY - OVERLAP
        assert timedelta(hours=1) == OVERLAP
    give(database)
    later = give(database)
    with database.writing() as session:
        session.get_one(Gift, later.id).opened_at = NOW + HOUR
        session.flush()
        run = begin_run(session, None, NOW + DAY)
        assert (run.since, run.started_at) == (NOW - OVERLAP, NOW + DAY)
        assert (run.inbox_before, run.pages, run.finished_at) == (0, 0, None)


@pytest.mark.parametrize(
    ("since", "begins"),
    [(None, -HOUR), (-2 * HOUR, -2 * HOUR), (-HOUR + SECOND, -HOUR), (HOUR, -HOUR)],
    ids=["not said", "further back", "less far", "in the future"],
)
def test_a_run_leaves_no_gap(
    database: Database, since: timedelta | None, begins: timedelta
) -> None:
    """A catch-up reads from an hour before the last finished one, or further back with --since."""
    with database.writing() as session:
        add_run(session, NOW - DAY, finished=True)
        add_run(session, NOW, finished=True)
        add_run(session, NOW + HOUR, finished=False)
        add_event(session, 7, EventState.SETTLED)
        run = begin_run(session, None if since is None else NOW + since, NOW + DAY)
        assert (run.since, run.inbox_before) == (NOW + begins, 7)


def test_runs_of_three_months_are_kept(database: Database) -> None:
    """Records of catch-ups are kept for ninety days, and the last finished one for ever."""
    assert timedelta(days=90) == KEPT_FOR
    ages = [KEPT_FOR + DAY, KEPT_FOR + SECOND, KEPT_FOR, DAY]
    with database.writing() as session:
        old = [add_run(session, NOW - age, finished=False).id for age in ages]
        last = add_run(session, NOW - 2 * KEPT_FOR, finished=True)
        run = begin_run(session, None, NOW)
        kept = session.exec(select(CatchupRun.id).order_by(col(CatchupRun.id))).all()
        assert kept == [*old[2:], last.id, run.id]


def test_without_a_finished_run_none_is_forgotten(database: Database) -> None:
    """While no catch-up has finished, no record of one is deleted."""
    with database.writing() as session:
        add_run(session, NOW - 2 * KEPT_FOR, finished=False)
        begin_run(session, None, NOW)
        assert len(session.exec(select(CatchupRun)).all()) == 2


def test_two_processes_cannot_resume_one_catchup(database: Database) -> None:
    """If two processes resume the same catch-up, only one of them can save its progress."""
    with database.writing() as session:
        mine = begin_run(session, None, NOW)
        add_run(session, NOW, finished=False)
    with database.reading() as session:
        theirs = session.get_one(CatchupRun, mine.id)
    with database.writing() as session:
        save_run(session, theirs, cursor="evt_1", events=3)
    assert (theirs.pages, theirs.cursor, theirs.events) == (1, "evt_1", 3)
    with pytest.raises(Conflict, match="another catch-up"), database.writing() as session:
        save_run(session, mine, cursor="evt_2")
    with database.reading() as session:
        first, second = session.exec(select(CatchupRun).order_by(col(CatchupRun.id)))
    assert (first.cursor, first.pages, second.cursor, second.pages) == ("evt_1", 1, "", 0)


def test_a_run_counts_what_it_fetched_itself(database: Database) -> None:
    """A catch-up counts the events that it stored; earlier ones and webhooks do not count."""
    with database.writing() as session:
        add_event(session, 1, EventState.SETTLED)
        run = begin_run(session, None, NOW)
        add_event(session, 2, EventState.SETTLED)
        add_event(session, 3, EventState.SETTLED)
        add_event(session, 4, EventState.WAITING)
        add_event(session, 5, EventState.WAITING, source="webhook")
        run.events, run.objects, run.differing = 8, 9, {"x": "It differs."}
        report = report_of(session, run)
    assert (report.missing, report.by_state) == (3, {"settled": 2, "waiting": 1})
    assert (report.events, report.objects, report.differing) == (8, 9, {"x": "It differs."})


def test_each_event_set_aside_during_a_catchup_is_named(database: Database) -> None:
    """The report names each event that was set aside since the catch-up began, with the reason."""
    gift = give(database)
    with database.writing() as session:
        add_event(session, 1, EventState.SET_ASIDE, reason="too old to matter")
        run = begin_run(session, None, NOW)
        add_event(session, 2, EventState.SET_ASIDE, reason="odd", source="webhook")
        add_event(session, 3, EventState.SET_ASIDE, reason="not its amount", gift_id=gift.id)
        add_event(session, 4, EventState.SETTLED)
        assert newly_set_aside(session, run) == {
            "evt_2": "evt_2 (refund.updated) was set aside: odd.",
            str(gift.id): "evt_3 (refund.updated) was set aside: not its amount.",
        }


@pytest.mark.parametrize(
    ("number", "state", "more", "is_left"),
    [
        pytest.param(6, EventState.WAITING, {}, True, id="due now"),
        pytest.param(6, EventState.WAITING, {"due_at": NOW - DAY}, True, id="due before"),
        pytest.param(6, EventState.WAITING, {"due_at": NOW + SECOND}, False, id="waits"),
        pytest.param(6, EventState.SETTLED, {}, False, id="settled"),
        pytest.param(6, EventState.WAITING, {"source": "webhook"}, False, id="another's"),
        pytest.param(4, EventState.WAITING, {}, False, id="from before"),
    ],
)
def test_a_page_is_done_when_its_due_events_are_settled(
    database: Database, number: int, state: EventState, more: dict[str, Any], is_left: bool
) -> None:
    """A catch-up is done with a page when no event that it fetched is both waiting and due."""
    with database.writing() as session:
        add_event(session, 5, EventState.WAITING)
        run = begin_run(session, None, NOW)
        add_event(session, number, state, **more)
        assert still_to_settle(session, run, NOW) == is_left
        add_event(session, 8, EventState.WAITING)
        add_event(session, 9, EventState.WAITING)
        assert still_to_settle(session, run, NOW)


@pytest.mark.parametrize("livemode", [True, False])
@pytest.mark.parametrize("newest", ["live", "test", "", None], ids=str)
def test_a_key_of_the_other_mode_is_noticed(
    database: Database, livemode: bool, newest: str | None
) -> None:
    """A live key is refused if the newest session is a test session, and the reverse."""
    gift = give(database)
    ours, other = ("live", "test") if livemode else ("test", "live")
    with database.writing() as session:
        for age, mode in ((1, other if newest == ours else ours), (0, newest)):
            if newest is not None:
                times = {"opened_at": NOW - age * DAY, "expires_at": NOW}
                name = f"cs_{mode}_{age}"
                session.add(OpenCheckout(session_id=name, gift_id=gift.id, url="x", **times))
        session.flush()
        why = key_mismatch_reason(session, livemode=livemode)
    if newest == other:
        assert why
        assert f"is a {ours} key, and the gifts in this database were made with a {other}" in why
    else:
        assert why is None


def report_lines(**more: Any) -> list[str]:
    values: dict[str, Any] = {"events": 0, "objects": 0, "missing": 0, "by_state": {}}
    values |= {"totals": {}, "differing": {}}
    return Report(since=NOW, **values | more).lines()


@pytest.mark.parametrize(
    ("more", "ending"),
    [
        pytest.param({}, "0 were missing; 0 differ.", id="nothing"),
        pytest.param({"missing": 3}, "3 were missing, now settled; 0 differ.", id="all settled"),
        pytest.param(
            {"missing": 1_234, "by_state": {"waiting": 1}},
            "1,234 were missing, 1 of them wait; 0 differ.",
            id="one waits",
        ),
    ],
)
def test_the_first_line_counts_missing_events(more: dict[str, Any], ending: str) -> None:
    """The report's first line counts the events that were missing, and those not yet settled."""
    assert report_lines(**more) == [
        f"looked at 0 events and 0 payments, refunds and disputes; {ending}"
    ]


@pytest.mark.parametrize(
    ("count", "left_out"),
    [
        pytest.param(20, [], id="twenty"),
        pytest.param(21, ["… and 1 more."], id="one more"),
    ],
)
def test_twenty_differences_are_named(count: int, left_out: list[str]) -> None:
    """The report names the first twenty differences, and the number of the others."""
    sentences = [f"Sentence {number:02}." for number in range(count)]
    lines = report_lines(differing=dict(enumerate(reversed(sentences))))
    assert lines[1:] == sentences[:20] + left_out


def test_the_report_has_a_line_for_each_currency() -> None:
    """The report has a line for each currency, and one for events that are foreign."""
    total = ListedTotal(listed=123_456, recorded=100_000, payments=1_500)
    lines = report_lines(totals={"USD": total, "CAD": total}, by_state={"foreign": 1_000})
    assert lines[1:] == [
        "Stripe lists 1,234.56 CAD in 1,500 payments; 1,000.00 CAD of it are recorded.",
        "Stripe lists 1,234.56 USD in 1,500 payments; 1,000.00 USD of it are recorded.",
        "1,000 belong to another account, or to the other of test and live.",
    ]
