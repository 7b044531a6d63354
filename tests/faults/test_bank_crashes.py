"""Kills the service at every step of a bank statement; afterwards each line is there once."""

from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import pytest
from sqlmodel import col, func, select

from donate.bank.reconciliation.models import LinePart
from donate.bank.statements.models import RecordedLine
from donate.books.months.models import ClosedMonth
from donate.clock import SystemClock
from donate.finance.models import StaffAct
from tests.faults.bank_office import Office
from tests.faults.clerk import ACCOUNT, Clerk
from tests.faults.past_months import CASH, FEE, announce_months
from tests.faults.processes import Machine, a_machine
from tests.faults.quick_start import Forker
from tests.finance.finance_site import start_staff_session

# More certain lines than are accepted in one transaction, and more lines than are stored in one.
TRANSFERS, DEPOSITS, AT_A_TIME = 110, 400, 100
LINES = TRANSFERS + 1 + DEPOSITS + 1
CERTAIN = TRANSFERS + 1
STORED_FIRST = 500

PAGES = "donate.finance.statements"
# Each crash point, and how many lines are recorded by then.
WHILE_IMPORTING = [
    # A crash after the upload is inserted, before it is committed.
    (f"{PAGES}.upload_pages:keep_upload:after", 0),
    # A crash after the new account is inserted, before it is committed.
    ("donate.bank.statements.importing:_save_account:after", 0),
    # A crash after the lines are inserted, before they are committed.
    ("donate.bank.statements.importing:_record_part:after", 0),
    # A crash after the lines are committed, before they are matched.
    (f"{PAGES}.upload_pages:suggest_for_open_lines:before", LINES),
]
# Each crash point of the worker, and how many lines have suggestions by then.
WHILE_SUGGESTING = [
    # A crash after the worker holds the lock, before it reads anything.
    ("donate.bank.reconciliation.renewing:suggest_for_open_lines:before", 0),
    # A crash after the lines are matched, before anything is stored.
    ("donate.bank.reconciliation.suggesting:match_lines:after", 0),
    # A crash after the first suggestions are stored, before they are committed.
    ("donate.bank.reconciliation.suggesting:_store:after", 0),
    # A crash after the first suggestions are committed, before the others are stored.
    ("donate.bank.reconciliation.suggesting:_store:before:2", STORED_FIRST),
    # A crash after all suggestions are committed, before the run is noted.
    ("donate.bank.reconciliation.suggesting:note_matching_run:after", LINES),
    # A crash after the run is noted, before the worker gives the lock back.
    ("donate.bank.reconciliation.renewing:suggest_for_open_lines:after", LINES),
]
# Each crash point, and how many lines are accepted by then.
WHILE_ACCEPTING = [
    # A crash after the first hundred lines are accepted, before they are committed.
    (f"{PAGES}.suggestion_pages:accept_certain:after", 0),
    # A crash after the first hundred lines are committed.
    (f"{PAGES}.suggestion_pages:SuggestionPages._accept_certain:after", AT_A_TIME),
    # A crash after the others are accepted, before they are committed.
    (f"{PAGES}.suggestion_pages:accept_certain:after:2", AT_A_TIME),
    # A crash after the others are committed, before the clerk gets an answer.
    (f"{PAGES}.suggestion_pages:SuggestionPages._accept_certain:after", CERTAIN),
]
# Each crash point, and how many months are closed by then.
WHILE_CLOSING = [
    # A crash after the pack is made, before anything is inserted.
    ("donate.books.months.closing:pack_of:after", 0),
    # A crash after the month is inserted, before its entries are.
    ("donate.books.months.closing:insert_new:after", 0),
    # A crash after the entries are inserted, before they are committed.
    ("donate.books.months.closing:keep_entries:after", 0),
    # A crash after everything is committed, before the clerk gets an answer.
    ("donate.books.months.closing:MonthCloser._write:after", 1),
]
Crashes = Sequence[tuple[str, int]]


def count(machine: Machine, *where: object) -> int:
    """Return how many rows of a table there are. The first value is a column of the table."""
    column, *conditions = where
    with machine.world.database.reading() as session:
        statement = select(func.count(func.distinct(column))).where(*conditions)  # type: ignore[arg-type]
        return int(session.exec(statement).one())


def recorded(machine: Machine) -> int:
    return count(machine, RecordedLine.id)


def suggested(machine: Machine) -> int:
    return count(machine, RecordedLine.id, col(RecordedLine.band).is_not(None))


def accepted(machine: Machine) -> int:
    return count(machine, LinePart.line_id)


def closed(machine: Machine) -> int:
    return count(machine, ClosedMonth.month)


def crash_at(
    machine: Machine,
    crashes: Crashes,
    done: Callable[[Machine], int],
    act: Callable[[], object] | None = None,
) -> None:
    """Kill the service at each crash point, and count what is done.

    `act` reaches the crash point; without it, the worker does.
    """
    for step, wanted in crashes:
        process = machine.serve(killed_at=step)
        if act:
            with pytest.raises(httpx.TransportError):
                act()
        machine.was_killed(process, step)
        assert done(machine) == wanted, step


def sign_in(machine: Machine) -> Clerk:
    with machine.world.database.writing() as session:
        token = start_staff_session(session, now=SystemClock().now())
    return Clerk(machine.world.http.request, token)


def test_a_statement_survives_every_crash(start: Forker, database_url: str, tmp_path: Path) -> None:
    """If the service is killed at every step until the month is closed, each line counts once."""
    with a_machine(start, database_url, tmp_path) as machine:
        database = machine.world.database
        (month,) = announce_months(database, 1, transfers=TRANSFERS, deposits=DEPOSITS)
        office, clerk = Office(database, [month]), sign_in(machine)
        whole = "".join(row.as_csv() for row in month.rows).encode()
        crash_at(machine, WHILE_IMPORTING, recorded, lambda: clerk.import_statement(whole))
        crash_at(machine, WHILE_SUGGESTING, suggested)
        machine.serve()
        form = clerk.certain_form()
        assert form["lines"].count(",") + 1 == CERTAIN
        machine.running[-1].kill()
        crash_at(machine, WHILE_ACCEPTING, accepted, lambda: clerk.accept_certain(form))
        crash_at(machine, WHILE_CLOSING, closed, lambda: clerk.close(month.month))

        machine.serve()
        for content in month.files:
            clerk.import_statement(content)
        clerk.accept_certain(form)
        clerk.close(month.month)
        machine.running[-1].kill()
        assert [*office.find_errors(left_open={CASH: DEPOSITS, FEE: 1})] == []
        assert "Traceback" not in (tmp_path / "log").read_text()
        assert machine.audit() == 0


def test_a_killed_command_imports_the_file_when_it_is_run_again(
    start: Forker, database_url: str, tmp_path: Path
) -> None:
    """`donate bank import` that is killed before its commit has recorded nothing."""
    with a_machine(start, database_url, tmp_path) as machine:
        (month,) = announce_months(machine.world.database, 1, transfers=5)
        for number, content in enumerate(month.files):
            file = tmp_path / f"part-{number}.csv"
            file.write_bytes(content)
            command = ("bank", "import", str(file), "--account", ACCOUNT, "--shape", "td")
            before = recorded(machine)
            for step in (
                "donate.bank.statements.importing:import_statement:after",
                "donate.finance.activity.trail:record_act:after",
            ):
                machine.was_killed(machine.command(*command, killed_at=step), step)
                assert recorded(machine) == before
            assert machine.command(*command).wait(30) == 0
        assert recorded(machine) == len(month.rows)
        assert count(machine, StaffAct.id, StaffAct.act == "statement_imported") == 2
        assert machine.audit() == 0
