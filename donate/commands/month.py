"""`donate month`: starts the books, closes a month, and writes the pack of a closed one."""

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from donate.clock import SystemClock
from donate.commands.export import opened_output
from donate.errors import N_, BadInput, BadInputs, Conflict, NotFound
from donate.finance.activity.system_user import system_user
from donate.settings import Settings
from donate.storage.database import Database

if TYPE_CHECKING:
    from sqlmodel import Session

    from donate.books.chart import Chart
    from donate.books.months.book_month import BookMonth
    from donate.books.months.closing import Closer, MonthCloser
    from donate.books.pack.control_totals import ControlTotals
    from donate.finance.roles import Role


def add_month_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    open_database: Callable[[], Database],
    read_settings: Callable[[], Settings],
) -> None:
    """Add `donate month` and its subcommands."""
    month = commands.add_parser("month", help="start the books, close a month, write its pack")
    subcommands = month.add_subparsers(required=True, metavar="COMMAND")
    text = "start the books with a month; earlier months count as closed elsewhere"
    start = subcommands.add_parser("start", help=text, description=f"{text.capitalize()}.")
    start.add_argument("month", metavar="YYYY-MM")
    start.add_argument(
        "--by", required=True, metavar="EMAIL", help="the admin account that starts the books"
    )
    start.add_argument(
        "--seen",
        default="",
        metavar="HASH",
        help="the hash that the command prints with the balances; without it, nothing is started",
    )
    start.set_defaults(run=_start, open_database=open_database, read_settings=read_settings)
    text = "close a month that one person may close; exit 1 if it is not closed"
    close = subcommands.add_parser("close", help=text, description=f"{text.capitalize()}.")
    close.add_argument("month", metavar="YYYY-MM")
    close.add_argument(
        "--by", required=True, metavar="EMAIL", help="the finance account that closes the month"
    )
    close.add_argument(
        "--reason",
        action="append",
        default=[],
        metavar="KIND=TEXT",
        help="why the month is closed in spite of something open; may be given several times",
    )
    close.set_defaults(run=_close, open_database=open_database, read_settings=read_settings)
    text = "write the pack of a closed month to a ZIP file"
    pack = subcommands.add_parser("pack", help=text, description=f"{text.capitalize()}.")
    pack.add_argument("month", metavar="YYYY-MM")
    pack.add_argument("--out", type=Path, required=True, metavar="FILE")
    pack.set_defaults(run=_pack, open_database=open_database)


def _start(arguments: argparse.Namespace) -> int:
    """Start the books, once somebody has seen the balances with which they start."""
    from donate.books.months.closing import NO_START
    from donate.books.months.drafts import read_start
    from donate.books.months.queries import startable_months
    from donate.finance.roles import Role

    first = _read_month(arguments.month)
    database: Database = arguments.open_database()
    try:
        closer = _month_closer(database, arguments)
        by = _account(database, arguments.by, Role.ADMIN)
        now = SystemClock().now()
        if not arguments.seen:
            with database.reading_snapshot() as session:
                if first not in startable_months(session, closer.rules.time_zone, now):
                    raise Conflict(NO_START, {"month": str(first)})
                draft = read_start(session, first, closer.rules)
            print(f"Balances at the end of {first.previous}:")
            for line in _balances(draft.control, closer.rules.chart):
                print(f"  {line}")
            print("If they are right, start the books with:")
            print(f"  donate month start {first} --by {arguments.by} --seen {draft.content_hash}")
            return 1
        record = partial(_record, first, arguments.by)
        closer.start(first, by, seen=arguments.seen, now=now, record=record)
    finally:
        database.close()
    print(f"The books start with {first}. Earlier months count as closed elsewhere.")
    return 0


def _balances(control: "ControlTotals", chart: "Chart") -> Iterator[str]:
    accounts = chart.titles_in("en")
    for figure in (figure for section in control.sections for figure in section.figures):
        title = accounts.get(figure.key) or figure.title.message % figure.title.values
        amount = f" {figure.amount.decimal} {figure.amount.currency}" if figure.amount else ""
        yield f"{title}:{amount}"


def _month_closer(database: Database, arguments: argparse.Namespace) -> "MonthCloser":
    from donate.books.months.closing import MonthCloser
    from donate.regions.regions import load_regions
    from donate.wiring.from_settings import month_rules

    settings: Settings = arguments.read_settings()
    return MonthCloser(database, month_rules(settings, load_regions(settings.regions_file)))


def _close(arguments: argparse.Namespace) -> int:
    """Close a month, or list what is open if reasons are missing."""
    from donate.finance.roles import Role

    month = _read_month(arguments.month)
    reasons = _read_reasons(arguments.reason)
    database: Database = arguments.open_database()
    try:
        closer = _month_closer(database, arguments)
        by = _account(database, arguments.by, Role.FINANCE)
        now = SystemClock().now()
        try:
            closer.close(
                month,
                by,
                reasons,
                now=now,
                record=partial(_record, month, arguments.by),
                # This does not prove who is at the command line, so it cannot count as the second
                # person who confirms a month: one person could name two accounts.
                is_signed_in=False,
            )
        except BadInputs as error:
            _print_open(database, closer, month)
            print("Deal with it, or give a reason for each of these:")
            for problem in error.problems:
                kind = problem.field.removeprefix("reason_")
                print(f"  --reason {kind}=TEXT ({problem.message % problem.values})")
            return 1
    finally:
        database.close()
    print(f"{month} is closed. Its pack: donate month pack {month} --out month-{month}.zip")
    return 0


def _read_month(text: str) -> "BookMonth":
    from donate.books.months.book_month import read_month

    month = read_month(text)
    if month is None:
        raise BadInput("month", N_("Write the month as in 2026-03."))
    return month


def _read_reasons(typed: Iterable[str]) -> dict[str, str]:
    from donate.books.months.open_items import Hurdle, OpenKind

    reasons = {}
    kinds = [kind.value for kind in OpenKind if kind.hurdle is Hurdle.NEEDS_REASON]
    for each in typed:
        kind, equals, reason = each.partition("=")
        if not equals or kind not in kinds:
            message = N_("--reason: write KIND=TEXT, with one of these kinds: %(kinds)s.")
            raise BadInput("reason", message, {"kinds": ", ".join(kinds)})
        reasons[kind] = reason
    return reasons


def _account(database: Database, email: str, role: "Role") -> "Closer":
    """Return the account that acts. Raises BadInput unless it has the rights of this role."""
    from donate.books.months.closing import Closer
    from donate.finance.staff.accounts import staff_by_email

    with database.reading() as session:
        try:
            staff = staff_by_email(session, email)
        except (BadInput, NotFound) as error:
            raise BadInput("by", N_("--by: there is no account with this address.")) from error
        if staff.disabled_at or not staff.role.may(role):
            message = N_("--by: this account may not do this. It needs the role %(role)s.")
            raise BadInput("by", message, {"role": role.value})
        return Closer(f"staff:{staff.id}", staff.name, staff.language)


def _record(
    month: "BookMonth", email: str, session: "Session", act: str, detail: Mapping[str, Any]
) -> None:
    """Add a trail entry with the account named by `--by` and the name of the system's user."""
    from donate.finance.activity.trail import record_act

    named = {"by": email, "system_user": system_user()}
    now = SystemClock().now()
    record_act(session, act, now=now, about=str(month), detail={**detail, **named})


def _print_open(database: Database, closer: "MonthCloser", month: "BookMonth") -> None:
    from donate.books.months.drafts import read_draft

    with database.reading_snapshot() as session:
        draft = read_draft(session, month, closer.rules)
    print(f"{month} is not closed. This is open:")
    for item in draft.items:
        amounts = ", ".join(f"{amount.decimal} {amount.currency}" for amount in item.amounts)
        print(f"- {item.kind.value}: {item.kind.heading}. {item.count} open. {amounts}".rstrip())
        print(f"  {item.kind.sentence}")


def _pack(arguments: argparse.Namespace) -> int:
    """Write the pack of a closed month. Nothing is written if the month is open."""
    from donate.books.months.queries import pack_content

    month = _read_month(arguments.month)
    database: Database = arguments.open_database()
    try:
        with database.reading() as session:
            content = pack_content(session, month)
        if content is None:
            message = N_("%(month)s is not closed, so it has no pack yet. Close it first.")
            raise BadInput("month", message, {"month": str(month)})
        with database.writing() as session:
            _record(month, "", session, "month_pack_sent", {})
        with opened_output(arguments.out) as file:
            file.write(content)
    except OSError as error:
        raise BadInput("out", "--out: %(error)s", {"error": str(error)}) from error
    finally:
        database.close()
    print(f"{arguments.out}: {len(content):,} bytes.")
    print("To check it, unpack it and run: sha256sum --check SHA256SUMS.txt")
    return 0
