"""donate serve · work · demo · sandbox · staff · audit · catchup · stripe · db · doctor."""

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version
from itertools import chain
from pathlib import Path

from donate.clock import SystemClock
from donate.commands.stripe_account import add_stripe_commands
from donate.errors import BadInput, DonateError, Misconfigured
from donate.settings import Settings, load_settings, read_port
from donate.storage.database import Database
from donate.web.observability import configure_logging


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. What goes wrong is said in a sentence."""
    parser = _parser()
    given = parser.parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = given.run
    try:
        return run(given)
    except BadInput as error:
        print(f"donate: {error.message % error.values}", file=sys.stderr)
    except DonateError as error:
        print(f"donate: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="donate", description="A donation-payment service.")
    parser.add_argument("--version", action="version", version=f"donate {version('donate')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = _command(commands, "serve", "serve donors, staff and Stripe", _serve)
    serve.add_argument(
        "--processes", type=int, default=1, metavar="N", help="more than 1 needs PostgreSQL"
    )
    _command(commands, "work", "do what is due, beside `serve` (PostgreSQL)", _work)
    _command(commands, "demo", "everything offline, with a year of example gifts", _demo)

    sandbox = _command(commands, "sandbox", "a pretend Stripe on this machine", _sandbox)
    port = os.environ.get("SANDBOX_PORT", "8001")
    sandbox.add_argument("--port", default=port, help="where it listens: 8001")
    sandbox.add_argument("--webhook-url", metavar="URL", help="where its webhooks go")
    sandbox.add_argument(
        "--mischief", type=int, metavar="SEED", help="misbehave, and say how, line by line"
    )
    sandbox.add_argument(
        "--record",
        type=Path,
        metavar="FILE",
        default=os.environ.get("SANDBOX_RECORD") or None,
        help="write each request, answer and event down, as a line of JSON",
    )

    staff = commands.add_parser("staff", help="who may sign in at /finance")
    _add_staff_acts(staff.add_subparsers(required=True, metavar="ACT"))

    says = "recompute every gift from its facts, and check every constraint; exits 1 if any differs"
    _command(commands, "audit", says, _audit)
    says = "fetch what Stripe has and we do not; exits 1 if anything differs"
    catchup = _command(commands, "catchup", says, _catchup)
    catchup.add_argument(
        "--since", metavar="DAY", help="reach further back: 2026-03-01, or 45d (days ago)"
    )
    add_stripe_commands(commands)
    db = commands.add_parser("db", help="the database")
    acts = db.add_subparsers(required=True, metavar="ACT")
    _command(acts, "upgrade", "bring the tables up to date", _db_upgrade)
    doctor = _command(commands, "doctor", "say what is not right or not known yet", _doctor)
    doctor.add_argument(
        "--online",
        action="store_true",
        help="also ask Stripe, the mail server and PUBLIC_URL; sends nothing to anybody",
    )
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    says: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=says, description=f"{says[0].upper()}{says[1:]}.")
    command.set_defaults(run=run)
    return command


def _add_staff_acts(acts: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    add = _command(acts, "add", "add someone; asks for a password", _staff_add)
    add.add_argument("--name", required=True, help="as others on the staff read it")
    add.add_argument(
        "--role",
        choices=["viewer", "finance"],
        default="finance",
        help="viewers change nothing; without it: finance",
    )
    says = "set a new password and end their sessions"
    with_address = [
        add,
        _command(acts, "password", says, _staff_password),
        _command(acts, "disable", "keep someone out", _staff_disable),
        _command(acts, "enable", "let them in again", _staff_enable),
        _command(acts, "token", "make a token for a program that reads gifts", _staff_token),
    ]
    for act in with_address:
        act.add_argument("email", help="their address, with which they sign in")
    _command(acts, "list", "everybody", _staff_list)


def _serve(given: argparse.Namespace) -> int:
    from donate.commands.serve import serve

    serve(_settings(), processes=given.processes)
    return 0


def _work(_: argparse.Namespace) -> int:
    from donate.commands.serve import work

    work(_settings())
    return 0


def _demo(_: argparse.Namespace) -> int:
    from donate.demo.start import demo

    return demo()


def _sandbox(given: argparse.Namespace) -> int:
    from donate.sandbox.app import SandboxConfig, serve
    from donate.sandbox.observer import NullObserver, Recorder

    settings, port = _settings(), read_port("--port or SANDBOX_PORT", given.port)
    try:
        observer = Recorder(given.record) if given.record else NullObserver()
    except OSError as problem:
        raise Misconfigured(f"--record or SANDBOX_RECORD: {problem}") from problem
    config = SandboxConfig(
        secret_key=settings.stripe_secret_key.get_secret_value(),
        webhook_secret=settings.webhook_secrets[0],
        webhook_url=given.webhook_url or f"{settings.public_url}/webhooks/stripe",
        public_url=f"http://127.0.0.1:{port}",
        mischief_seed=given.mischief,
        report_mischief=lambda line: print(line, flush=True),
        observer=observer,
    )
    serve(config, "127.0.0.1", port)
    return 0


def _staff_add(given: argparse.Namespace) -> int:
    from donate.finance.models import Role
    from donate.finance.staff.accounts import add_staff

    password, now = _ask_password(), SystemClock().now()
    with _database().writing() as session:
        role = Role(given.role)
        staff = add_staff(
            session, given.email, name=given.name, role=role, password=password, now=now
        )
    print(f"{staff.email} may now sign in as {staff.role}.")
    return 0


def _staff_password(given: argparse.Namespace) -> int:
    from donate.finance.staff.accounts import set_password

    password, now = _ask_password(), SystemClock().now()
    with _database().writing() as session:
        set_password(session, given.email, password, now=now)
    print("The password is set, and open sessions are ended.")
    return 0


def _staff_disable(given: argparse.Namespace) -> int:
    from donate.finance.staff.accounts import disable

    with _database().writing() as session:
        disable(session, given.email, now=SystemClock().now())
    print(f"{given.email} can no longer sign in.")
    return 0


def _staff_enable(given: argparse.Namespace) -> int:
    from donate.finance.staff.accounts import enable

    with _database().writing() as session:
        enable(session, given.email, now=SystemClock().now())
    print(f"{given.email} may sign in again.")
    return 0


def _staff_token(given: argparse.Namespace) -> int:
    from donate.finance.staff.tokens import add_token

    with _database().writing() as session:
        print(add_token(session, given.email, now=SystemClock().now()))
    return 0


def _staff_list(_: argparse.Namespace) -> int:
    from donate.finance.staff.accounts import all_staff

    with _database().reading() as session:
        for staff in all_staff(session):
            state = "disabled" if staff.disabled_at else staff.role
            print(f"{staff.email}\t{staff.name}\t{state}")
    return 0


def _audit(_: argparse.Namespace) -> int:
    from donate.gifts.audit import differences
    from donate.gifts.queries import count_gifts
    from donate.storage.constraints import broken_constraints

    found = 0
    with _database(may_be_new=False).reading() as session:
        for line in chain(broken_constraints(session), differences(session)):
            found += 1
            print(line)
        gifts = count_gifts(session)
    well = f"Each of {gifts:,} gifts is what its facts mean, and every constraint holds."
    print(f"{found} differences, in {gifts:,} gifts." if found else well)
    return 1 if found else 0


def _catchup(given: argparse.Namespace) -> int:
    from donate.commands.catchup import catch_up

    return catch_up(_settings(), given.since)


def _db_upgrade(_: argparse.Namespace) -> int:
    _database()
    print("The tables are up to date.")
    return 0


def _doctor(given: argparse.Namespace) -> int:
    from donate.commands.doctor import examine
    from donate.commands.doctor_online import examine_online

    settings = _settings()
    worries = list(examine(settings))
    for worry in worries:
        print(f"- {worry}")
    for finding in examine_online(settings) if given.online else ():
        print(f"{'-' if finding.is_wrong else 'ok'} {finding.says}", flush=True)
        worries += [finding.says] if finding.is_wrong else []
    print(f"{len(worries)} to look at." if worries else "All is well.")
    return 1 if worries else 0


def _settings() -> Settings:
    settings = load_settings()
    configure_logging(settings.log_level)
    return settings


def _database(*, may_be_new: bool = True) -> Database:
    # Who sits at a terminal can wait for a long audit, and can stop waiting.
    database = Database(_settings().database_url, silence_s=None)
    if not may_be_new and database.is_new():
        database.close()
        raise Misconfigured("DATABASE_URL leads to no database of this service; nothing was done.")
    database.upgrade()
    return database


def _ask_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password (12 characters or more): ")
    if first != getpass.getpass("The same again: "):
        raise BadInput("password", "The two passwords differ; nothing was changed.")
    return first


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        sys.exit(main())
