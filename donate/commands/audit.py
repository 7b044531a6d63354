"""`donate audit` checks all stored data, and `donate seal` seals the end of the hash chain."""

import argparse
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from donate.clock import SystemClock, local_date
from donate.errors import BadInput, Misconfigured
from donate.settings import Settings, load_settings
from donate.storage.database import Database
from donate.web.logs_and_metrics import configure_logging

if TYPE_CHECKING:
    from donate.storage.chain.linker import ChainLinker
    from donate.storage.chain.seals import Seal

# How long `donate seal` waits for transactions that are still inserting rows.
_PATIENCE_S: Final = 30.0
_LONGEST_FILE_NAME: Final = 255


def add_audit_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `donate audit` and `donate seal`."""
    text = (
        "recompute every gift from its facts, and check every constraint, the books, closed "
        "months, the hash chain and its seals; exit 1 if anything differs"
    )
    audit = commands.add_parser("audit", help=text, description=f"{text.capitalize()}.")
    audit.add_argument(
        "--seal",
        action="append",
        default=[],
        metavar="TEXT|FILE",
        help="also check a seal that was kept elsewhere: its text, or a file such as an e-mail",
    )
    audit.set_defaults(run=_audit)
    text = "chain all rows, and print a seal of the chain's end, to be kept elsewhere"
    seal = commands.add_parser("seal", help=text, description=f"{text.capitalize()}.")
    seal.set_defaults(run=_seal)


def _audit(arguments: argparse.Namespace) -> int:
    # The application imports the tables of every folder, so that the audit covers them all.
    import donate.app  # noqa: F401 -- it imports all tables
    from donate.bank.reconciliation.audit import bank_differences
    from donate.books.months.audit import month_differences
    from donate.books.months.queries import closed_months, closings_of
    from donate.books.recorded.books_audit import books_differences
    from donate.finance.months.act_audit import month_act_differences
    from donate.gifts.audit import differences
    from donate.gifts.queries import count_gifts
    from donate.gifts.search_index.index_audit import search_differences
    from donate.regions.regions import load_regions
    from donate.storage.chain.verification import ChainCheck, check_chain
    from donate.storage.constraints import broken_constraints

    seals = list(_read_seals(arguments.seal))
    count, check = 0, ChainCheck()
    settings = _settings()
    time_zone = next(iter(load_regions(settings.regions_file).values())).time_zone
    today = local_date(SystemClock().now(), time_zone)
    with _existing_database(settings) as database, database.reading_snapshot() as session:
        closings = closings_of(closed_months(session))
        for line in chain(
            broken_constraints(session),
            differences(session),
            search_differences(session),
            bank_differences(session),
            month_differences(session, time_zone),
            month_act_differences(session),
            books_differences(session, today, time_zone=time_zone, closings=closings),
            check_chain(session, check, seals),
        ):
            count += 1
            print(line)
        gifts = count_gifts(session)
    ok = f"{gifts:,} gifts checked: all match their facts, and every constraint holds."
    print(f"{gifts:,} gifts checked: {count} differences." if count else ok)
    print(
        f"The chain has {check.links:,} links over {check.rows:,} facts and acts; "
        f"{check.pending:,} are not chained yet."
    )
    if check.amendments:
        print(f"{check.amendments:,} amendments say which rows were removed or redacted, and why.")
    return 1 if count else 0


def _read_seals(arguments: Iterable[str]) -> Iterator["Seal"]:
    from donate.storage.chain.seals import seals_in

    for argument in arguments:
        text = argument
        try:
            if len(argument) <= _LONGEST_FILE_NAME and Path(argument).is_file():
                text = Path(argument).read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise BadInput("seal", f"--seal: {error}") from error
        seals = list(seals_in(text))
        if not seals:
            raise BadInput("seal", "--seal: this is neither a seal nor a file that contains one.")
        yield from seals


def _seal(_: argparse.Namespace) -> int:
    from donate.regions.regions import load_regions
    from donate.storage.chain.linker import ChainLinker
    from donate.storage.chain.seals import DailySeals, seal_of

    settings, clock = _settings(), SystemClock()
    time_zone = next(iter(load_regions(settings.regions_file).values())).time_zone
    with _existing_database(settings) as database:
        _link_all(ChainLinker(database, clock, look_every=timedelta(0)))
        seals = DailySeals(database, clock, time_zone, is_mailed=bool(settings.seal_to))
        seal = seals.seal_now()
    if seal is None:
        raise Misconfigured("The database has neither facts nor acts, so there is nothing to seal.")
    print(seal_of(seal, time_zone))
    return 0


def _link_all(linker: "ChainLinker") -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while linker.link_due() or linker.is_waiting:
        if linker.is_waiting:
            if time.monotonic() > deadline:
                raise Misconfigured("A transaction has been open for too long; nothing was sealed.")
            time.sleep(0.1)


@contextmanager
def _existing_database(settings: Settings) -> Iterator[Database]:
    # Set no timeout: an audit may take long, and the person at the terminal can interrupt it.
    database = Database(settings.database_url, silence_s=None)
    try:
        if database.is_new():
            raise Misconfigured(
                "DATABASE_URL names a database without our tables; nothing was done."
            )
        database.upgrade()
        yield database
    finally:
        database.close()


def _settings() -> Settings:
    settings = load_settings()
    configure_logging(settings.log_level)
    return settings
