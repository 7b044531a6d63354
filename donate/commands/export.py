"""`donate export`: writes an export to a file, with the same code as the staff pages."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from donate.clock import SystemClock
from donate.commands.journal import add_journal_command
from donate.errors import BadInput, BadInputs, Misconfigured
from donate.finance.activity.system_user import system_user
from donate.finance.exports.registry import EXPORTS, read_export
from donate.settings import load_settings
from donate.storage.database import Database
from donate.web.logs_and_metrics import configure_logging

if TYPE_CHECKING:
    from donate.finance.exports.runs import ExportRun

_HELP: Final = {
    "by": "which date --from and --to are about: chosen (default), received (the first payment), "
    "or moved (any money in or out)",
    "announced": "yes for gifts whose donor reported the transfer as sent",
    "amount_from": "the smallest amount, in one currency",
    "amount_to": "the largest amount",
    "order": "asc or desc (default)",
    "sort": "started, received, amount, status, reference or moved; default: oldest first",
    "from": "the first day, such as 2026-03-01",
    "to": "the last day, such as 2026-03-31",
    "state": "such as active, past_due, paused or ended",
    "payout": "the ID of one payout, such as po_1; default: all",
    "fund": "the key of a fund, or - for gifts without one",
}


def add_export_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `donate export` and its subcommands."""
    export = commands.add_parser("export", help="write what staff can export to a CSV or XLSX file")
    subcommands = export.add_subparsers(required=True, metavar="WHAT")
    for name, kind in EXPORTS.items():
        text = f"export {name}, with the filters of the staff page"
        command = subcommands.add_parser(name, help=text, description=f"{text.capitalize()}.")
        command.add_argument("--format", choices=["csv", "xlsx"], default="csv")
        command.add_argument(
            "--out", type=Path, metavar="FILE", help="where to write (csv: default standard output)"
        )
        for each in kind.filters:
            dest, meaning = f"filter_{each}", _HELP.get(each)
            action = "append" if each in kind.several else "store"
            command.add_argument(f"--{each}", action=action, dest=dest, help=meaning)
        command.set_defaults(run=_export, name=name)
    add_journal_command(subcommands)


def _export(arguments: argparse.Namespace) -> int:
    """Write the export and add a trail entry. Return 1 if the rows differ from the day totals."""
    from donate.finance.activity.trail import record_act
    from donate.finance.exports.runs import ExportRun
    from donate.regions.regions import load_regions

    if arguments.format == "xlsx" and arguments.out is None:
        raise BadInput("out", "An XLSX file needs --out FILE.")
    settings = load_settings()
    configure_logging(settings.log_level)
    typed = [
        (each, value)
        for each in EXPORTS[arguments.name].filters
        for value in _as_list(getattr(arguments, f"filter_{each}"))
    ]
    try:
        export = read_export(arguments.name, typed, load_regions(settings.regions_file))
    except BadInputs as error:
        first = error.problems[0]
        raise BadInput(first.field, f"--{first.field}: {first.message}", first.values) from error
    database = Database(settings.database_url, silence_s=None)
    try:
        if database.is_new():
            raise Misconfigured("DATABASE_URL names a database without our tables.")
        database.upgrade()
        user, now = system_user(), SystemClock().now()
        with database.writing() as session:
            record_act(
                session,
                f"exported_{arguments.name}",
                now=now,
                about=f"donate export, by {user} on the command line",
                detail={"format": arguments.format, "filter": dict(export.filters)},
            )
        by = f"{user} (command line)"
        run = ExportRun(export, database, made_by=by, made_at=now, on_progress=_progress)
        _write(run, arguments.format, arguments.out)
        return _report(run)
    except BrokenPipeError:
        # The program that read our output has ended. Without `dup2`, Python would raise another
        # error when it closes the output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        raise BadInput("out", "--out: %(error)s", {"error": str(error)}) from error
    finally:
        database.close()


def _as_list(given: str | list[str] | None) -> list[str]:
    return [given] if isinstance(given, str) else given or []


def _write(run: "ExportRun", file_format: str, out: Path | None) -> None:
    from donate.finance.exports.csv_files import CsvFile
    from donate.finance.exports.xlsx_files import write_xlsx

    control = out.with_suffix(".control.json") if out else None
    if control and file_format == "csv":
        # Delete the totals of an earlier export now. Otherwise they would stand beside this export
        # if it fails.
        control.unlink(missing_ok=True)
    with opened_output(out) as file:
        if file_format == "xlsx":
            write_xlsx(run, file)
            return
        csv_file = CsvFile(run)
        try:
            for chunk in csv_file.chunks():
                file.write(chunk)
        except BaseException as error:
            if not csv_file.says_incomplete:
                with suppress(OSError):
                    file.write(f"\r\n{run.broken_off(error)}\r\n".encode())
            raise
    if control:
        totals = json.dumps(csv_file.control_totals(), indent=2, ensure_ascii=False)
        control.write_text(f"{totals}\n", encoding="utf-8")


@contextmanager
def opened_output(out: Path | None) -> Iterator[IO[bytes]]:
    """Open the file to write, or standard output.

    The file has the ending `.part` until it is complete, so that a killed process leaves no file
    that looks complete. Only its owner may read it.
    """
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = out.with_name(f"{out.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    part.replace(out)


def _progress(count: int) -> None:
    print(f"{count:,} rows …", file=sys.stderr, flush=True)


def _report(run: "ExportRun") -> int:
    print(f"{run.count:,} rows.", file=sys.stderr)
    for currency, columns in run.sums().items():
        for column, amount in columns.items():
            print(f"{currency} {column}: {amount}", file=sys.stderr)
    if run.agrees is False:
        print("The rows do not add up to the totals of days. Run donate audit.", file=sys.stderr)
        return 1
    if run.agrees_with_payouts is False:
        print("The transactions do not add up to the payouts.", file=sys.stderr)
        return 1
    return 0
