"""The schedule of a pledge: the next day, the months that a pause leaves out, and the choices."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from donate.gifts.facts import Fact, FactKind
from donate.gifts.monthly.pledge_state import pledge_of
from donate.gifts.monthly.schedule import PAUSE_LENGTHS, Schedule, schedule_of
from donate.money import Money

K = FactKind
TORONTO = "America/Toronto"
BEGAN = datetime(2026, 1, 31, 15, 0, tzinfo=UTC)
NOW = datetime(2026, 2, 10, tzinfo=UTC)
DAYS = (date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31))


def seconds(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]


FEBRUARY = seconds(2026, 2, 28, 15)
ANCHOR: dict[str, Any] = {"anchor": int(BEGAN.timestamp())}


def schedule(now: datetime = NOW, time_zone: str = TORONTO, **evidence: Any) -> Schedule:
    """Return the schedule of a pledge whose last report by Stripe has this evidence."""
    state = {"subscription": "sub_1", "status": "active", "month_ends_at": FEBRUARY}
    facts = [
        Fact(K.PLEDGE_STARTED, "sub_1", BEGAN, "stripe"),
        Fact(K.PLEDGE_CHANGED, "evt", NOW, "stripe", evidence=state | evidence),  # type: ignore[arg-type]
    ]
    return schedule_of(pledge_of(facts, Money(5_000, "CAD")), facts, time_zone, now)


def test_the_choices_leave_out_the_months_before_their_day() -> None:
    """Each choice leaves out the payments before its day, and ends when that day begins."""
    choices = schedule(**ANCHOR).choices
    assert [len(choice.left_out) for choice in choices] == list(PAUSE_LENGTHS) == [1, 2, 3, 6]
    assert [choice.until for choice in choices] == [*DAYS[1:], date(2026, 8, 31)]
    assert [choice.left_out for choice in choices[:3]] == [DAYS[:1], DAYS[:2], DAYS[:3]]
    # March 31 begins at four in the morning in UTC, because Toronto is in summer time.
    assert choices[0].resumes_at == datetime(2026, 3, 31, 4, tzinfo=UTC)


def test_months_without_an_anchor_keep_the_day_of_the_last_one() -> None:
    """If the anchor is unknown or does not fit, months are counted from the current month's end."""
    unfit: list[dict[str, Any]] = [{}, {"anchor": seconds(2026, 1, 12)}]
    for evidence in unfit:
        assert schedule(**evidence).choices[0].until == date(2026, 3, 28)


@pytest.mark.parametrize(
    ("evidence", "next_on", "left_out"),
    [
        ({}, DAYS[0], ()),
        ({"paused": True, "resumes_at": seconds(2026, 3, 31, 4)}, DAYS[1], DAYS[:1]),
        ({"paused": True, "resumes_at": FEBRUARY}, DAYS[0], ()),
        ({"paused": True, "resumes_at": FEBRUARY + 1}, DAYS[1], DAYS[:1]),
        ({"paused": True, "resumes_at": seconds(2026, 5, 2)}, DAYS[3], DAYS[:3]),
        ({"paused": True}, None, ()),
        ({"status": "past_due"}, DAYS[0], ()),
        ({"status": "unpaid"}, None, ()),
        ({"ends_with_the_month": True}, None, ()),
        ({"ends_at": seconds(2026, 3, 5)}, DAYS[0], ()),
    ],
)
def test_what_a_pause_leaves_out(
    evidence: dict[str, Any], next_on: date | None, left_out: tuple[date, ...]
) -> None:
    """The payments before the end of a pause are left out, and the first one after is the next."""
    found = schedule(**ANCHOR, **evidence)
    assert (found.next_on, found.left_out) == (next_on, left_out)
    may_choose = not evidence
    assert bool(found.choices) == may_choose


def test_days_are_those_of_the_region() -> None:
    """A payment at three in the morning in UTC is due on the day before in Toronto."""
    at_night: dict[str, Any] = {"month_ends_at": seconds(2026, 3, 1, 3)}
    assert schedule(**at_night).next_on == date(2026, 2, 28)
    assert schedule(time_zone="Europe/Paris", **at_night).next_on == date(2026, 3, 1)


def test_a_day_that_has_passed_is_not_the_next() -> None:
    """If Stripe has not yet reported the new month, no next day is shown and none is chosen."""
    due = datetime.fromtimestamp(FEBRUARY, UTC)
    assert schedule(due - timedelta(seconds=1), **ANCHOR).next_on == DAYS[0]
    assert schedule(due, **ANCHOR) == Schedule()


def test_a_month_that_has_passed_in_a_pause_is_not_listed() -> None:
    """While a pause runs, only the months that are still to come are listed as left out."""
    paused: dict[str, Any] = {"paused": True, "resumes_at": seconds(2026, 4, 30, 4)}
    later = datetime(2026, 3, 1, tzinfo=UTC)
    assert schedule(later, **ANCHOR, **paused).left_out == (DAYS[1],)
