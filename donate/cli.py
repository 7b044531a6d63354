"""The commands: donate serve, work, demo, sandbox, staff, export, audit and so on."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from donate.commands.audit import add_audit_commands
from donate.commands.bank import add_bank_commands
from donate.commands.breaker import add_breaker_command
from donate.commands.donor import add_donor_commands
from donate.commands.export import add_export_commands
from donate.commands.month import add_month_commands
from donate.commands.staff import add_staff_commands
from donate.commands.stored_secrets import add_secrets_commands
from donate.commands.stripe_account import add_stripe_commands
from donate.errors import BadInput, DonateError, Misconfigured
from donate.settings import Settings, load_settings
from donate.storage.database import Database
from donate.web.logs_and_metrics import configure_logging


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. An error is printed as one sentence."""
    # Only their owner may read the files that we create: database, letters, exports.
    os.umask(0o077)
    parser = _parser()
    arguments = parser.parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except BadInput as error:
        print(f"donate: {error.message % error.values}", file=sys.stderr)
    except DonateError as error:
        print(f"donate: {error}", file=sys.stderr)
    except BrokenPipeError:
        # The program that read our output, such as `head`, has ended. Python would fail again when
        # it flushes the output at exit, so send the rest to /dev/null.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="donate", description="A donation-payment service.")
    parser.add_argument("--version", action="version", version=f"donate {version('donate')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = _command(commands, "serve", "run the web service and its background jobs", _serve)
    serve.add_argument(
        "--processes", type=int, default=1, metavar="N", help="more than 1 needs PostgreSQL"
    )
    _command(commands, "work", "run only the background jobs (needs PostgreSQL)", _work)
    demo = _command(commands, "demo", "run everything offline, with a year of example gifts", _demo)
    demo.add_argument("--gifts", type=int, default=0, metavar="N", help="add N older gifts")

    sandbox = _command(commands, "sandbox", "run a pretend Stripe on this machine", _sandbox)
    port = os.environ.get("SANDBOX_PORT", "8001")
    sandbox.add_argument("--port", default=port, help="port to listen on (default: 8001)")
    sandbox.add_argument("--webhook-url", metavar="URL", help="where to send webhooks")
    sandbox.add_argument(
        "--mischief", type=int, metavar="SEED", help="misbehave at random, and print each case"
    )
    sandbox.add_argument(
        "--record",
        type=Path,
        metavar="FILE",
        default=os.environ.get("SANDBOX_RECORD") or None,
        help="record each request, response and event as a line of JSON",
    )

    add_staff_commands(commands, _database, _settings)
    add_audit_commands(commands)
    add_breaker_command(commands, _database, _settings)
    text = "fetch what Stripe has and we do not; exit 1 if anything differs"
    catchup = _command(commands, "catchup", text, _catchup)
    catchup.add_argument(
        "--since", metavar="DAY", help="how far back to look: 2026-03-01, or 45d (45 days)"
    )
    add_bank_commands(commands, _database)
    add_donor_commands(commands, _database)
    add_export_commands(commands)
    add_month_commands(commands, _database, _settings)
    add_secrets_commands(commands, _database, _settings)
    add_stripe_commands(commands)
    db = commands.add_parser("db", help="manage the database")
    db_commands = db.add_subparsers(required=True, metavar="COMMAND")
    _command(db_commands, "upgrade", "migrate the tables to this version", _db_upgrade)
    grant = _command(
        db_commands, "grant", "let the service run with a small account of PostgreSQL", _db_grant
    )
    grant.add_argument("account", metavar="ACCOUNT", help="the account, which exists already")
    back_up = _command(
        db_commands, "backup", "copy the SQLite database while it is used", _db_backup
    )
    back_up.add_argument("file", type=Path, metavar="FILE", help="a new file for the copy")
    doctor = _command(commands, "doctor", "check the settings and the database", _doctor)
    doctor.add_argument(
        "--online",
        action="store_true",
        help="also check Stripe, the mail server and PUBLIC_URL, without changing anything",
    )
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    text: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    command.set_defaults(run=run)
    return command


def _serve(arguments: argparse.Namespace) -> int:
    from donate.commands.serve import serve

    serve(_settings(), processes=arguments.processes)
    return 0


def _work(_: argparse.Namespace) -> int:
    from donate.commands.serve import work

    work(_settings())
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    _require("demo", "sandbox")
    from donate.demo.start import demo

    return demo(arguments.gifts)


def _sandbox(arguments: argparse.Namespace) -> int:
    _require("demo", "sandbox")
    from donate.demo.start import read_port
    from donate.sandbox.app import SandboxConfig, serve
    from donate.sandbox.observer import NullObserver, Recorder

    settings, port = _settings(), read_port("--port or SANDBOX_PORT", arguments.port)
    try:
        observer = Recorder(arguments.record) if arguments.record else NullObserver()
    except OSError as error:
        raise Misconfigured(f"--record or SANDBOX_RECORD: {error}") from error
    config = SandboxConfig(
        secret_key=settings.stripe_secret_key.get_secret_value(),
        webhook_secret=settings.webhook_secrets[0],
        webhook_url=arguments.webhook_url or f"{settings.public_url}/webhooks/stripe",
        public_url=f"http://127.0.0.1:{port}",
        mischief_seed=arguments.mischief,
        report_mischief=lambda line: print(line, flush=True),
        observer=observer,
    )
    serve(config, "127.0.0.1", port)
    return 0


def _require(*folders: str) -> None:
    """Raise Misconfigured if this installation leaves out the pretend Stripe and the demo."""
    if any(find_spec(f"donate.{folder}") is None for folder in folders):
        raise Misconfigured(
            "the demo and the pretend Stripe are not installed here, because a server needs "
            "neither: in a copy of the source run scripts/install, then .venv/bin/donate"
        )


def _catchup(arguments: argparse.Namespace) -> int:
    from donate.commands.catchup import catch_up

    return catch_up(_settings(), arguments.since)


def _db_upgrade(_: argparse.Namespace) -> int:
    _database().close()
    print("The database is up to date.")
    return 0


def _db_grant(arguments: argparse.Namespace) -> int:
    _database(arguments.account).close()
    print(f"{arguments.account} may do what the service needs, and cannot change the tables.")
    return 0


def _db_backup(arguments: argparse.Namespace) -> int:
    from sqlalchemy.engine import make_url

    from donate.storage.backup import back_up_sqlite

    url = make_url(_settings().database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise Misconfigured("DATABASE_URL is not SQLite. Use pg_dump; see docs/operate.md")
    back_up_sqlite(Path(url.database), arguments.file)
    print(f"{arguments.file} has everything that was in the database when this began.")
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from donate.commands.doctor.offline import examine
    from donate.commands.doctor.online import examine_online

    settings = _settings()
    problems = list(examine(settings))
    for problem in problems:
        print(f"- {problem}")
    for finding in examine_online(settings) if arguments.online else ():
        print(f"{'-' if finding.is_problem else 'ok'} {finding.text}", flush=True)
        problems += [finding.text] if finding.is_problem else []
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    print(f"{count} found." if problems else "No problems found.")
    return 1 if problems else 0


def _settings() -> Settings:
    settings = load_settings()
    configure_logging(settings.log_level)
    return settings


def _database(service_account: str | None = None) -> Database:
    # Set no timeout: a migration may take long, and the operator at the terminal can interrupt it.
    database = Database(_settings().database_url, silence_s=None)
    try:
        database.upgrade(service_account)
    except DonateError:
        database.close()
        raise
    return database


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        sys.exit(main())
