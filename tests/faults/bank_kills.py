"""Kills the service many times while clerks import bank statements, decide, and close months.

As a program: python -m tests.faults.bank_kills --kills 300 --seed 7
"""

import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

from sqlalchemy import update

from donate.bank.reconciliation.models import MatchingRun
from donate.bank.reconciliation.renewing import RUN_EVERY
from donate.errors import DatabaseBusy
from donate.storage.database import Database
from tests.faults.bank_office import Office
from tests.faults.clerk import Clerk
from tests.faults.past_months import announce_months
from tests.faults.people import People
from tests.faults.quick_start import Forker
from tests.faults.town import Report, Town, draw_life, new_report, run_as_program
from tests.journeys.donor_steps import pretend_stripe
from tests.real_parts import free_port
from tests.stripe_gateway.service import WEBHOOK_PATH
from tests.waiting import until

BANK_STEPS: Final = (
    "donate.finance.statements.upload_pages:keep_upload:after",
    "donate.bank.statements.importing:_save_account:after",
    "donate.bank.statements.importing:_record_part:after",
    "donate.finance.statements.upload_pages:import_statement:after",
    "donate.finance.statements.upload_pages:suggest_for_open_lines:before",
    "donate.bank.reconciliation.suggesting:match_lines:before",
    "donate.bank.reconciliation.suggesting:_store:after",
    "donate.bank.reconciliation.suggesting:note_matching_run:before",
    "donate.bank.reconciliation.suggesting:note_matching_run:after",
    "donate.bank.reconciliation.renewing:suggest_for_open_lines:before",
    "donate.bank.reconciliation.renewing:suggest_for_open_lines:after",
    "donate.bank.reconciliation.accepting_many:record_facts:after",
    "donate.finance.statements.suggestion_pages:accept_certain:after",
    "donate.finance.statements.suggestion_pages:SuggestionPages._accept_certain:after",
    "donate.finance.statements.line_pages:decide_line:after",
    "donate.finance.statements.line_pages:undo_part:after",
    "donate.books.months.closing:pack_of:after",
    "donate.books.months.closing:insert_new:after",
    "donate.books.months.closing:keep_entries:after",
    "donate.books.months.closing:MonthCloser._write:after",
)
MONTHS: Final = 3
TRANSFERS: Final = 24
LONGER: Final = 4


def run_bank_kills(
    start: Forker, database_url: str, folder: Path, *, kills: int, seed: int
) -> Report:
    """Kill the service until the months are closed, or `kills` times; compare lines and books."""
    rng, port, start_time = Random(seed), free_port(), time.monotonic()
    report = new_report(database_url)
    with pretend_stripe(f"http://127.0.0.1:{port}{WEBHOOK_PATH}") as sandbox:
        town = Town(start, database_url, folder, sandbox, port)
        office = Office(town.database, announce_months(town.database, MONTHS, transfers=TRANSFERS))
        people = People(town.url, sandbox, town.database, town.staff_token(), seed)
        people.start(office.keep_books, office.change_mind)
        while report.kills < kills and not office.is_done():
            report.kills += 1
            life, due = draw_life(rng, BANK_STEPS, LONGER), rng.random() < 0.5
            if due:
                renew_soon(town.database)
            town.live(life, report)
        process = town.run("serve")
        people.finish()
        report.answers += people.answers
        report.errors += people.errors
        _finish_the_work(town, office, people.staff_token)
        process.kill()
        town.audit(report)
        report.errors += office.find_errors()
        rows = sum(len(month.rows) for month in office.months)
        report.results += Counter({"months": MONTHS, "lines": rows})
        town.close()
    report.seconds = time.monotonic() - start_time
    return report


def renew_soon(database: Database) -> None:
    """Let the worker match lines again as soon as something is new, without waiting."""
    long_ago = datetime.now(UTC) - 2 * RUN_EVERY
    try:
        with database.writing() as session:
            session.execute(update(MatchingRun).values(ran_at=long_ago))
    except DatabaseBusy:
        pass  # the database was locked; this function is called again later


def _finish_the_work(town: Town, office: Office, token: str) -> None:
    """Do what is left, and import each file once more, which must add nothing."""
    until(town.answers)
    clerk = Clerk(town.http.request, token)
    deadline = time.monotonic() + 300
    while office.do_next(clerk):
        assert time.monotonic() < deadline, "the work has no end"
    for month in office.months:
        for content in month.files:
            clerk.import_statement(content)


if __name__ == "__main__":
    sys.exit(run_as_program(run_bank_kills, sys.argv[1:]))
