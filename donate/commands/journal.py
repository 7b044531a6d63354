"""`donate export journal`: writes the journal of a month for an accounting program."""

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from donate.clock import SystemClock
from donate.errors import BadInput, Conflict, Misconfigured
from donate.finance.activity.system_user import system_user
from donate.settings import load_settings
from donate.storage.database import Database
from donate.web.logs_and_metrics import configure_logging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from donate.books.journal.entry import JournalEntry
    from donate.books.journal_files.writer import JournalFile


def add_journal_command(
    subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    """Add `donate export journal`."""
    from donate.books.journal_files.programs import JournalProgram

    text = "export the journal of a month for an accounting program, a file for each currency"
    journal = subcommands.add_parser("journal", help=text, description=f"{text.capitalize()}.")
    programs = [str(program) for program in JournalProgram]
    journal.add_argument("--for", dest="program", choices=programs, required=True)
    journal.add_argument("--month", required=True, metavar="YYYY-MM", help="such as 2026-03")
    journal.add_argument(
        "--currency", metavar="CODE", help="only the entries in this currency, such as CAD"
    )
    journal.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FOLDER|FILE",
        help="a folder for the files, or the name of the file if there is only one",
    )
    journal.set_defaults(run=_export_journal)


def _export_journal(arguments: argparse.Namespace) -> int:
    from donate.books.accounts import load_chart
    from donate.books.journal_files.programs import JournalProgram
    from donate.books.journal_files.writer import journal_currencies, write_journal
    from donate.books.months.book_month import read_month
    from donate.books.months.month_journal import journal_of_month
    from donate.finance.activity.trail import record_act
    from donate.regions.regions import load_regions

    month = read_month(arguments.month)
    if month is None:
        raise BadInput("month", "--month: please give a month such as 2026-03.")
    settings = load_settings()
    configure_logging(settings.log_level)
    chart = load_chart(settings.books_accounts)
    time_zone = next(iter(load_regions(settings.regions_file).values())).time_zone
    database = Database(settings.database_url, silence_s=None)
    try:
        if database.is_new():
            raise Misconfigured("DATABASE_URL names a database without our tables.")
        database.upgrade()
        with database.reading_snapshot() as session:
            entries = journal_of_month(session, month, time_zone)
        entries = _in_currency(entries, arguments.currency)
        program = JournalProgram(arguments.program)
        try:
            files = write_journal(entries, program, chart, period=arguments.month)
        except Conflict:
            _suggest_one_currency(journal_currencies(entries), chart.currency)
            raise
        if not files:
            raise BadInput("month", f"--month: {arguments.month} has no entries; nothing to write.")
        with database.writing() as session:
            record_act(
                session,
                "exported_journal",
                now=SystemClock().now(),
                about=f"donate export, by {system_user()} on the command line",
                detail={"program": str(program), "month": arguments.month}
                | ({"currency": arguments.currency} if arguments.currency else {}),
            )
        paths = _write(files, arguments.out)
    except OSError as error:
        raise BadInput("out", "--out: %(error)s", {"error": str(error)}) from error
    finally:
        database.close()
    for path in paths:
        print(path)
    print(f"{len(entries):,} entries.", file=sys.stderr)
    return 0


def _in_currency(entries: "list[JournalEntry]", currency: str | None) -> "list[JournalEntry]":
    """Return the entries in a currency, or all of them. Raises BadInput if there are none."""
    if currency is None:
        return entries
    from donate.books.journal_files.writer import journal_currencies

    known = journal_currencies(entries)
    if entries and currency not in known:
        raise BadInput("currency", f"--currency: the month has entries in {', '.join(known)}.")
    return [entry for entry in entries if entry.currency == currency]


def _suggest_one_currency(currencies: "Sequence[str]", base: str) -> None:
    """If there are several currencies, print how to write only one: the books' own if possible."""
    if len(currencies) > 1:
        one = base if base in currencies else currencies[0]
        print(
            f"The month has entries in {', '.join(currencies)}. "
            f"To write those of one currency, add --currency {one}.",
            file=sys.stderr,
        )


def _write(files: "Sequence[JournalFile]", out: Path) -> list[Path]:
    """Write all files, or none: each gets its final name only when all of them are complete.

    `out` counts as a folder if it is one, or if its name has no ending. Only the files' owner may
    read them.
    """
    is_folder = out.is_dir() or not out.suffix
    if not is_folder and len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise BadInput("out", f"--out: please name a folder; there are several files: {names}.")
    folder = out if is_folder else out.parent
    is_new = not folder.exists()
    if is_folder:
        folder.mkdir(parents=True, exist_ok=True)
    targets = [folder / file.name for file in files] if is_folder else [out]
    parts = [target.with_name(f"{target.name}.part") for target in targets]
    try:
        for part, file in zip(parts, files, strict=True):
            part.unlink(missing_ok=True)
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as opened:
                opened.write(file.content)
                opened.flush()
                os.fsync(opened.fileno())
    except OSError:
        for part in parts:
            part.unlink(missing_ok=True)
        if is_folder and is_new:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    for part, target in zip(parts, targets, strict=True):
        part.replace(target)
    return targets
