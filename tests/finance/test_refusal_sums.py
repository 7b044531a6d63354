"""Refused requests are kept in sums: in the log, in the metrics, and on the page of staff."""

import logging
import threading
from collections import Counter
from datetime import timedelta
from itertools import count

import pytest
from sqlmodel import select

from donate.breaker.breaker import Visitor
from donate.clock import FixedClock
from donate.errors import TooManyAttempts
from donate.finance.activity.refusal_sums import (
    KEPT,
    MOST_ROWS_AN_HOUR,
    RefusalSum,
    RefusalWriter,
    add_sums,
)
from donate.finance.staff.sign_in_limit import MAX_PER_PAIR
from donate.regions.modes import Mode
from donate.storage.database import Database
from donate.web.logs_and_metrics import REFUSED_REQUESTS
from donate.web.refusals import MOST_SUMS, REFUSALS, Refusal, RefusalCounts
from tests.breaker.attempts import CARDS, OTHERS, breaker_for
from tests.finance.finance_site import NOW, FinanceSite, sign_in

MINUTE = timedelta(minutes=1)
WRONG = Refusal("wrong e-mail or password", "203.0.113.5", "ann@example.org")


def sums(database: Database) -> list[tuple[str, str, str, int]]:
    with database.reading() as session:
        rows = session.exec(select(RefusalSum)).all()
    return sorted((row.why, row.network, row.account, row.requests) for row in rows)


def metric(why: str) -> float:
    return float(REFUSED_REQUESTS.labels(why)._value.get())


def test_a_flood_leaves_one_line_and_one_row(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """9,382 refused card gifts leave one line of the log, one row, and their number in metrics."""
    counts, clock = RefusalCounts(), FixedClock(NOW)
    writer = RefusalWriter(database, clock, counts)
    before = metric("too many card gifts")
    for _ in range(9_382):
        counts.note(Refusal("too many card gifts", "203.0.113.5"))
    with caplog.at_level(logging.WARNING):
        assert (writer.write_due(), writer.write_due()) == (1, 0)
    assert [record.getMessage() for record in caplog.records] == [
        "refused 9382 requests in a minute (too many card gifts), networks: 203.0.113.5 9382"
    ]
    assert sums(database) == [("too many card gifts", "203.0.113.5", "", 9_382)]
    assert metric("too many card gifts") - before == 9_382


def test_sums_are_written_once_a_minute(database: Database) -> None:
    """The sums of each minute are added to the row of their hour, and each hour has its own."""
    counts, clock = RefusalCounts(), FixedClock(NOW)
    writer = RefusalWriter(database, clock, counts)
    for wait in (MINUTE, MINUTE - timedelta(seconds=1), MINUTE, timedelta(hours=1)):
        counts.note(WRONG)
        writer.write_due()
        clock.instant += wait
    counts.note(WRONG)
    writer.write_due()
    assert sums(database) == [
        (WRONG.why, WRONG.network, WRONG.account, 1),
        (WRONG.why, WRONG.network, WRONG.account, 4),
    ]


def test_rows_are_bounded(database: Database) -> None:
    """Of 600 networks in an hour, 200 have a row of their own, and the rest one together."""
    for part in range(2):
        taken = Counter({Refusal("too many gifts", f"net {part}-{n}"): 1 for n in range(300)})
        with database.writing() as session:
            add_sums(session, taken, now=NOW)
    rows = sums(database)
    assert len(rows) == MOST_ROWS_AN_HOUR + 1
    assert rows[0] == ("too many gifts", "", "", 400)


def test_memory_is_bounded() -> None:
    """In one minute, a process counts 500 different refusals, and sums up the rest."""
    counts = RefusalCounts()
    for number in range(MOST_SUMS + 70):
        counts.note(Refusal("too many gifts", f"net {number}"))
    taken = counts.take()
    assert len(taken) == MOST_SUMS + 1
    assert taken[Refusal("too many gifts")] == 70
    assert counts.take() == {}


def test_old_sums_are_deleted(database: Database) -> None:
    """Sums are deleted 90 days after their hour."""
    for now, left in ((NOW, 1), (NOW + KEPT - timedelta(hours=1), 2), (NOW + KEPT, 2)):
        with database.writing() as session:
            add_sums(session, Counter({WRONG: 1}), now=now)
        assert len(sums(database)) == left


def test_two_processes_add_to_one_row(database: Database) -> None:
    """Two processes that write at the same time lose nothing."""

    def add() -> None:
        with database.writing() as session:
            add_sums(session, Counter({WRONG: 5}), now=NOW)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sums(database) == [(WRONG.why, WRONG.network, WRONG.account, 20)]


def test_staff_see_refused_sign_ins(site_on_each: FinanceSite) -> None:
    """Refused sign-ins are kept with network and account, one by one and in sums."""
    site = site_on_each
    site.add_staff()
    REFUSALS.take()
    for _ in range(MAX_PER_PAIR + 2):
        sign_in(site.browser(), password="a wrong guess")
    sign_in(site.browser(), "my secret password", "x")
    RefusalWriter(site.database, site.clock, REFUSALS).write_due()
    wrong, ann = "wrong e-mail or password", "ann@example.org"
    assert sums(site.database) == [
        ("too many tries", "203.0.113.5", ann, 2),
        (wrong, "203.0.113.5", "", 1),
        (wrong, "203.0.113.5", ann, MAX_PER_PAIR),
    ]
    page = site.signed_in().get("/finance/activity?tab=refused").text
    assert f"{wrong} ({ann})" in page
    assert "my secret password" not in page
    assert site.acts()[1].detail == {"why": wrong, "account": ann}


@pytest.mark.parametrize(
    ("mode", "why"), [(Mode.CARD, "too many card gifts"), (Mode.INTERAC, "too many gifts")]
)
def test_refused_gifts_are_counted(database: Database, mode: Mode, why: str) -> None:
    """A gift over a limit is counted with its network."""
    breaker = breaker_for(database, FixedClock(NOW))
    numbers = count()

    def give() -> None:
        number = next(numbers)
        visitor = Visitor("203.0.113.5", f"form-{number}")
        breaker.admit(mode, "LWCAN", f"donor{number}@example.org", visitor)

    for _ in range((CARDS if mode is Mode.CARD else OTHERS).per_network):
        give()
    REFUSALS.take()
    with pytest.raises(TooManyAttempts):
        give()
    assert REFUSALS.take() == {Refusal(why, "203.0.113.5"): 1}


def test_a_wrong_invitation_is_refused(site: FinanceSite) -> None:
    """A link of an invitation that does not exist is kept among the refused requests."""
    site.browser().get("/finance/invitation?token=guess")
    site.browser().post("/finance/invitation", data={"token": "guess", "password": "x"})
    assert site.refusals() == ["wrong invitation", "wrong invitation"]
