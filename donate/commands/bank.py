"""`donate bank`: imports bank statements from the command line."""

import argparse
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from donate.clock import SystemClock
from donate.errors import BadInput
from donate.finance.activity.system_user import system_user
from donate.storage.database import Database

if TYPE_CHECKING:
    from donate.bank.shapes.statement import Statement
    from donate.bank.statements.planning import ImportPlan

_ROWS_SHOWN: Final = 20


def add_bank_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    open_database: Callable[[], Database],
) -> None:
    """Add `donate bank` and its subcommands."""
    bank = commands.add_parser("bank", help="import bank statements")
    subcommands = bank.add_subparsers(required=True, metavar="COMMAND")
    text = "import a bank statement; exit 1 if the file is refused"
    command = subcommands.add_parser("import", help=text, description=f"{text.capitalize()}.")
    command.add_argument("file", type=Path, metavar="FILE")
    command.add_argument(
        "--account", default="", metavar="NAME", help="the account, if the file does not name it"
    )
    command.add_argument("--shape", metavar="NAME", help="see: donate bank shapes")
    command.add_argument(
        "--dates",
        metavar="FORM",
        help="ymd, mdy or dmy: how dates begin, if the file leaves it open",
    )
    command.add_argument("--currency", default="CAD", metavar="CODE", help="default: CAD")
    command.add_argument(
        "--doubtful",
        choices=["same", "new"],
        help="what lines are of which it cannot be told whether they are recorded already",
    )
    command.add_argument("--dry-run", action="store_true", help="record nothing")
    command.set_defaults(run=_import, open_database=open_database)
    text = "list the shapes of statements that are recognized"
    shapes = subcommands.add_parser("shapes", help=text, description=f"{text.capitalize()}.")
    shapes.set_defaults(run=_shapes, open_database=open_database)


def _shapes(arguments: argparse.Namespace) -> int:
    from donate.bank.learned_shapes.queries import learned_shapes
    from donate.bank.shapes.reader import KNOWN_SHAPES

    for known in KNOWN_SHAPES:
        print(f"{known.name:<24} {known.title}")
    database: Database = arguments.open_database()
    try:
        with database.reading() as session:
            for row in learned_shapes(session):
                day = row.learned_at.date().isoformat()
                print(f"{row.name:<24} {row.title} (mapped by hand on {day})")
    finally:
        database.close()
    return 0


def _import(arguments: argparse.Namespace) -> int:
    """Import a file. With --dry-run, only print what an import would do."""
    from donate.bank.statements.importing import ImportChoices, import_statement
    from donate.bank.statements.planning import plan_import
    from donate.finance.activity.trail import record_act

    try:
        content = arguments.file.read_bytes()
    except OSError as error:
        raise BadInput("file", "%(error)s", {"error": str(error)}) from error
    database: Database = arguments.open_database()
    try:
        statement = _read(database, content, arguments)
        _print_rows(statement)
        keys = {(line.account, line.amount.currency) for line in statement.lines}
        chosen = dict.fromkeys(keys, arguments.account)
        with database.writing() as session:
            sha256 = hashlib.sha256(content).hexdigest()
            plan = plan_import(session, statement, chosen=chosen, sha256=sha256)
            _print_plan(plan)
            if arguments.dry_run:
                return 1 if plan.refused else 0
            now, user = SystemClock().now(), system_user()
            same = arguments.doubtful == "same"
            file, _ = import_statement(
                session,
                statement,
                ImportChoices(
                    chosen,
                    {each.line.row: same for each in plan.doubts} if arguments.doubtful else {},
                ),
                file_name=arguments.file.name,
                sha256=sha256,
                actor="service",
                now=now,
            )
            record_act(
                session,
                "statement_imported",
                now=now,
                about=f"{file.name}, by {user} on the command line",
                detail={"new": file.new_count, "known": file.known_count},
            )
        print(f"Imported {file.new_count:,} new lines.")
    finally:
        database.close()
    return 0


def _read(database: Database, content: bytes, arguments: argparse.Namespace) -> "Statement":
    """Read a file in a built-in format, or in a CSV format that staff have mapped."""
    from donate.bank.learned_shapes.queries import all_csv_shapes
    from donate.bank.shapes.reader import read_statement

    with database.reading() as session:
        shapes = all_csv_shapes(session)
    return read_statement(
        content,
        shape=arguments.shape,
        shapes=shapes,
        date_form=arguments.dates,
        currency=arguments.currency,
    )


def _print_rows(statement: "Statement") -> None:
    for row in statement.refused[:_ROWS_SHOWN]:
        print(f"row {row.row} refused: {row.reason.message % row.reason.values} {row.text}")
    for skipped in statement.skipped[:_ROWS_SHOWN]:
        reason = skipped.reason.message % skipped.reason.values
        print(f"row {skipped.row} left out: {reason} {skipped.text}")
    for warning in statement.warnings:
        print(f"warning: {warning.message % warning.values}")


def _print_plan(plan: "ImportPlan") -> None:
    for doubt in plan.doubts[:_ROWS_SHOWN]:
        line = doubt.line
        print(f"row {line.row} in doubt: {line.day} {line.amount.decimal} {line.text}")
    counts = {
        "new": plan.new_count,
        "known": plan.known_count,
        "in doubt": len(plan.doubts),
        "refused": len(plan.refused),
    }
    print(", ".join(f"{count:,} {name}" for name, count in counts.items()))
