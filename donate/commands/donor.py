"""`donate donor`: what donors ask for about their own data."""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from donate.clock import SystemClock
from donate.commands.export import opened_output
from donate.errors import BadInput
from donate.finance.activity.system_user import system_user
from donate.personal_data.erasing.at_stripe import AT_STRIPE
from donate.storage.database import Database

if TYPE_CHECKING:
    from sqlmodel import Session

    from donate.personal_data.erasing.summary import ErasureSummary

_WHO: Final = "a gift's reference, or the donor's whole e-mail address"


def add_donor_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    open_database: Callable[[], Database],
) -> None:
    """Add `donate donor` and its subcommands."""
    donor = commands.add_parser("donor", help="write a donor's data to a file, or erase them")
    subcommands = donor.add_subparsers(required=True, metavar="COMMAND")
    text = "write all that is held about a donor to a ZIP file"
    export = subcommands.add_parser("export", help=text, description=f"{text.capitalize()}.")
    export.add_argument("donor", metavar="REFERENCE-OR-EMAIL", help=_WHO)
    export.add_argument(
        "--out", type=Path, metavar="FILE", help="default: donor-NUMBER.zip in this folder"
    )
    export.set_defaults(run=_export, open_database=open_database)
    text = "erase what is stored about a donor, except what the books and the law need"
    erase = subcommands.add_parser("anonymise", help=text, description=f"{text.capitalize()}.")
    erase.add_argument("donor", metavar="REFERENCE-OR-EMAIL", help=_WHO)
    erase.add_argument(
        "--reason", default="", metavar="TEXT", help="for the activity log; name nobody in it"
    )
    erase.add_argument("--yes", action="store_true", help="do not ask before erasing")
    erase.set_defaults(run=_anonymise, open_database=open_database)


def _export(arguments: argparse.Namespace) -> int:
    """Write the archive and add a trail entry. By default the file is named after the number."""
    import donate.wiring.parts  # noqa: F401 -- the export reads all tables, by name
    from donate.finance.activity.trail import record_act
    from donate.gifts.donor_profiles.lookup import find_named_donor
    from donate.personal_data.donor_scope import scope_for_staff
    from donate.personal_data.export import donor_archive
    from donate.web.templating import Pages

    database: Database = arguments.open_database()
    now = SystemClock().now()
    try:
        with database.writing() as session:
            number = find_named_donor(session, arguments.donor).id
            record_act(
                session,
                "donor_data_exported",
                now=now,
                about=f"donor {number}",
                detail={"by": f"{system_user()}, on the command line"},
            )
        with database.reading_snapshot() as session:
            donor = find_named_donor(session, arguments.donor)
            content = donor_archive(session, scope_for_staff(session, donor), Pages(), now=now)
        out: Path = arguments.out or Path(f"donor-{number}.zip")
        with opened_output(out) as file:
            file.write(content)
    except OSError as error:
        raise BadInput("out", "--out: %(error)s", {"error": str(error)}) from error
    finally:
        database.close()
    print(f"{out}: {len(content):,} bytes. Before you hand it out, read its first page.")
    return 0


def _anonymise(arguments: argparse.Namespace) -> int:
    """Print what is erased and what is kept, ask for a confirmation, and erase.

    Return 1 if nothing was erased.
    """
    import donate.app  # noqa: F401 -- erasing reads all tables, by name
    from donate.finance.activity.trail import record_act
    from donate.gifts.donor_profiles.lookup import find_named_donor
    from donate.personal_data.erasing.request import ErasureRequests
    from donate.personal_data.erasing.summary import erasure_summary

    database: Database = arguments.open_database()
    clock = SystemClock()

    def record(session: "Session", about: str) -> None:
        detail = {"by": f"{system_user()}, on the command line"}
        if arguments.reason:
            detail["request"] = arguments.reason[:500]
        record_act(session, "donor_anonymised", now=clock.now(), about=about, detail=detail)

    try:
        with database.reading_snapshot() as session:
            donor = find_named_donor(session, arguments.donor)
            summary = erasure_summary(session, donor, now=clock.now())
        print("\n".join(_lines_of(summary)))
        if summary.obstacles:
            return 1
        if not arguments.yes and input(f"Type {summary.confirm} to erase: ") != summary.confirm:
            print("Nothing was erased.")
            return 1
        ErasureRequests(database, clock).carry_out(
            lambda session: find_named_donor(session, arguments.donor), record, actor="service"
        )
    finally:
        database.close()
    print(f"Donor {summary.number} is erased.")
    return 0


def _lines_of(summary: "ErasureSummary") -> Iterator[str]:
    yield f"Donor {summary.number}" + (", erased before" if summary.is_erased else "")
    yield "To be erased, as far as it is about the person:"
    yield from (f"  {title}: {count}" for title, count in summary.erased)
    yield "Kept:"
    yield from (f"  {message % values}" for message, values in summary.kept)
    if summary.customers or summary.payments:
        yield "At Stripe, where this program erases nothing:"
        yield from (f"  {message}" for message in AT_STRIPE)
        yield from (f"  {name}" for name in (*summary.customers, *summary.payments))
    if summary.obstacles:
        yield "Nothing was erased:"
        yield from (f"  {message % values}" for message, values in summary.obstacles)
