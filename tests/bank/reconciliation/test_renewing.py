"""The worker renews suggestions when something new came, once, and rests while nothing changes."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select, update

from donate.bank.matching.inputs import Band
from donate.bank.reconciliation import renewing
from donate.bank.reconciliation.deciding import NoGiftPart, undo_part
from donate.bank.reconciliation.models import NoGiftReason
from donate.bank.reconciliation.renewing import SuggestionRenewer
from donate.bank.reconciliation.suggesting import suggest_for_open_lines
from donate.bank.statements.models import RecordedLine
from donate.clock import FixedClock
from donate.gifts.models import Gift
from donate.storage.database import Database
from donate.stripe_gateway.balance.models import StripePayout
from tests.bank.reconciliation.bank_lines import NOW, bank_line, decide, gift, payout, reread
from tests.bank.reconciliation.interac_mails import deposited_mail

Runs = list[str]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Return a list that grows with each run of the matcher by the worker."""
    found: Runs = []

    def counted(*values: Any, **named: Any) -> dict[Band, int]:
        found.append("ran")
        return suggest_for_open_lines(*values, **named)

    monkeypatch.setattr(renewing, "suggest_for_open_lines", counted)
    return found


class Worker:
    """A worker whose clock the test moves."""

    def __init__(self, database: Database) -> None:
        self.clock = FixedClock(NOW)
        self.renewer = SuggestionRenewer(database, ["LWCAN"], self.clock)

    def after(self, **time: float) -> None:
        self.clock.instant += timedelta(**time)
        assert self.renewer.renew_due() == 0

    def rest(self) -> None:
        """Run until nothing is left to do."""
        self.after(seconds=0)
        self.after(minutes=2)
        self.after(minutes=2)


def test_nothing_runs_without_open_lines(database: Database, runs: Runs) -> None:
    """As long as no line is open, new gifts start no run."""
    gift(database)
    Worker(database).rest()
    assert runs == []


def test_nothing_runs_while_nothing_changes(database: Database, runs: Runs) -> None:
    """After two runs that saw the same, the worker rests for a day."""
    gift(database)
    bank_line(database, 5_000)
    worker = Worker(database)
    worker.rest()
    assert runs == ["ran", "ran"]
    for _ in range(50):
        worker.after(seconds=20)
    assert len(runs) == 2
    worker.after(days=1)
    assert len(runs) == 3


def test_a_click_meanwhile_does_not_count_as_the_second_look(
    database: Database, runs: Runs
) -> None:
    """Two runs at the same moment leave the second look, a minute later, to be taken."""
    bank_line(database, 5_000)
    for _ in range(2):
        suggest_for_open_lines(database, ["LWCAN"], now=NOW)
    worker = Worker(database)
    worker.after(minutes=2)
    assert runs == ["ran"]


def test_a_new_gift_is_suggested_without_a_click(database: Database, runs: Runs) -> None:
    """A gift that is opened after the import is suggested for its line by the worker."""
    line = bank_line(database, 5_000, "AUTODEPOSIT MAYA TREMBLAY")
    worker = Worker(database)
    worker.rest()
    assert reread(database, line).band is Band.NONE
    runs.clear()
    gift(database)
    worker.after(minutes=1)
    assert runs == ["ran"]
    assert reread(database, line).band is Band.LIKELY


def _new_mail(database: Database) -> None:
    deposited_mail(database, "hello")


def _new_payout(database: Database) -> None:
    payout(database, 4_200)


def _canceled_payout(database: Database) -> None:
    with database.writing() as session:
        session.execute(update(StripePayout).values(status="canceled"))


def _traced_payout(database: Database) -> None:
    with database.writing() as session:
        session.execute(update(StripePayout).values(trace_id="TRACE-1"))


def _new_line(database: Database) -> None:
    bank_line(database, 900, "ANOTHER")


def _decision(database: Database) -> None:
    line = bank_line(database, 900, "DECIDED")
    decide(database, line, NoGiftPart(NoGiftReason.OTHER, 900))


def _undo(database: Database) -> None:
    with database.writing() as session:
        undo_part(session, 1, "wrong", actor="staff:1", now=NOW)


@pytest.mark.parametrize(
    "change", [_new_mail, _new_payout, _canceled_payout, _traced_payout, _new_line, _undo]
)
def test_whatever_a_line_may_be_starts_a_run(
    database: Database, runs: Runs, change: Callable[[Database], None]
) -> None:
    """New e-mails, payouts, lines and undone decisions start a run."""
    payout(database, 21_140)
    _decision(database)
    bank_line(database, 5_000)
    worker = Worker(database)
    worker.rest()
    runs.clear()
    change(database)
    worker.after(minutes=1)
    assert runs == ["ran"]


def test_runs_keep_a_distance(database: Database, runs: Runs) -> None:
    """However many gifts come, the matcher runs at most every half minute."""
    bank_line(database, 5_000)
    worker = Worker(database)
    worker.after(seconds=0)
    for number in range(10):
        gift(database, f"g{number}")
        worker.after(seconds=6)
    assert len(runs) == 3


def test_what_was_open_during_a_run_is_seen_by_the_next(database: Database, runs: Runs) -> None:
    """A gift whose transaction was still open when a run read is suggested by the second look.

    Its fact may have a lower number than one that the run saw, so no maximum changes.
    """
    line = bank_line(database, 5_000, "AUTODEPOSIT MAYA TREMBLAY")
    one = gift(database)
    with database.writing() as session:
        session.execute(update(Gift).values(opened_at=NOW - timedelta(days=900)))
    worker = Worker(database)
    worker.after(seconds=0)
    assert reread(database, line).band is Band.NONE
    with database.writing() as session:  # as if the gift had been committed only now
        session.execute(update(Gift).where(Gift.id == one.id).values(opened_at=NOW))  # type: ignore[arg-type]
    worker.after(minutes=2)
    assert runs == ["ran", "ran"]
    assert reread(database, line).band is Band.LIKELY


def test_several_workers_run_it_once(database: Database, runs: Runs) -> None:
    """If several workers find that a run is due at once, one of them runs it."""
    gift(database)
    bank_line(database, 5_000)
    url = database.engine.url.render_as_string(hide_password=False)
    others = [Database(url) for _ in range(4)]
    start = threading.Barrier(len(others))

    def run(other: Database) -> None:
        worker = Worker(other)
        start.wait()
        worker.after(seconds=0)

    threads = [threading.Thread(target=run, args=(other,)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in others:
        other.close()
    assert runs == ["ran"]
    with database.reading() as session:
        assert session.exec(select(RecordedLine)).one().band is not None
