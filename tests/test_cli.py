"""The output and exit codes of the `donate` commands."""

import io
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update
from sqlmodel import select

from donate.cli import main
from donate.finance.models import Staff
from donate.gifts.choosing.choice import check_choice
from donate.gifts.models import Gift
from donate.gifts.opening import open_gift
from donate.money import Money
from donate.regions.regions import load_regions
from donate.storage.database import Database
from tests.real_parts import SECRET_KEY, Postgres, free_port
from tests.sandbox.watching import refuse_differences_in
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


pytestmark = pytest.mark.usefixtures("environment")


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_version_is_the_one_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    """`donate --version` prints the version that pyproject.toml has, and exits with 0."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"donate {project['version']}\n"


def test_doctor_names_empty_fields(capsys: pytest.CaptureFixture[str]) -> None:
    """`donate doctor` names the organisation's empty fields, and says that nobody is staff yet."""
    assert main(["doctor"]) == 1
    output = capsys.readouterr().out
    for part in ("legal_name", "registration_number", "address"):
        assert f"LWCAN: organisation.{part} is empty" in output
    assert "donate staff add" in output
    assert "donors get no e-mails: set SMTP_URL and MAIL_FROM" in output


def test_doctor_warns_about_a_folder_for_letters(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`donate doctor` warns if e-mails are saved in a folder, because they do not reach donors."""
    monkeypatch.setenv("MAIL_FROM", "give@example.org")
    monkeypatch.setenv("LETTERS_FOLDER", "letters")
    main(["doctor"])
    assert "do not reach donors" in capsys.readouterr().out
    monkeypatch.delenv("LETTERS_FOLDER")
    monkeypatch.setenv("SMTP_URL", "smtp://mail.example.org")
    main(["doctor"])
    assert "letters" not in capsys.readouterr().out


def test_audit_finds_a_changed_amount(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """`donate audit` exits with 0, and with 1 after a cached amount was changed."""
    database = Database(environment["DATABASE_URL"])
    choice = check_choice(
        load_regions()["LWCAN"],
        mode="interac",
        amount=Money(5000, "CAD"),
        frequency="once",
        country="CA",
        language="en-CA",
        name="Ann Lee",
        email="ann@example.org",
    )
    with database.writing() as session:
        gift = open_gift(session, choice, "form-1", now=NOW)
    assert main(["audit"]) == 0
    assert "1 gifts checked: all match" in capsys.readouterr().out
    with database.writing() as session:
        session.execute(update(Gift).values(received_minor=5000, net_minor=5000))
    database.close()
    assert main(["audit"]) == 1
    assert f"{gift.reference}: net_minor is 5000, but its facts give 0" in capsys.readouterr().out


def test_audit_knows_the_tables_of_every_folder(environment: dict[str, str]) -> None:
    """In a process of its own, which imports only what it needs, the audit checks all tables."""
    database = Database(environment["DATABASE_URL"])
    with database.engine.connect() as connection:
        raw = connection.connection.cursor()
        raw.execute("PRAGMA ignore_check_constraints = ON")
        raw.execute(
            "INSERT INTO donor_link_request VALUES (1, 'a@b.ca', 'en-CA', '2026-03-01', -1)"
        )
        connection.invalidate()
    database.close()
    command = [sys.executable, "-m", "donate.cli", "audit"]
    audit = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert audit.returncode == 1
    assert "donor_link_request: 1 rows break the rule: tries >= 0" in audit.stdout


def test_audit_fails_without_a_database(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    postgres: Postgres,
) -> None:
    """`donate audit` exits with 1 if there is no database, and does not create one."""
    nowhere = tmp_path / "nowhere.sqlite3"
    for url in (f"sqlite:///{nowhere}", postgres.empty_url()):
        monkeypatch.setenv("DATABASE_URL", url)
        assert main(["audit"]) == 1
        assert "names a database without our tables" in capsys.readouterr().err
    assert not nowhere.exists()


@pytest.mark.parametrize("port", ["abc", "0", "65536", "-1", "\u0663"])
def test_a_wrong_port_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], port: str
) -> None:
    """`donate sandbox` and `donate demo` refuse an invalid port with a sentence that says why."""
    assert main(["sandbox", f"--port={port}"]) == 1
    assert "must be a port number" in capsys.readouterr().err
    monkeypatch.setenv("SANDBOX_PORT", port)
    for command in ("sandbox", "demo"):
        assert main([command]) == 1
        assert "SANDBOX_PORT must be a port number" in capsys.readouterr().err


def test_staff_are_added_disabled_and_enabled(
    environment: dict[str, str],
    type_in: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`donate staff` adds, lists, disables and enables staff, and never shows a password."""
    type_in("a-long-walk-in-the-woods\n")
    assert main(["staff", "add", "Ann@Example.org", "--name", "Ann Lee"]) == 0
    assert main(["staff", "disable", "ann@example.org"]) == 0
    assert main(["staff", "list"]) == 0
    output = capsys.readouterr().out
    assert "ann@example.org\tAnn Lee\tdisabled" in output
    assert "woods" not in output
    assert main(["staff", "enable", "ann@example.org"]) == 0
    database = Database(environment["DATABASE_URL"])
    with database.reading() as session:
        staff = session.exec(select(Staff)).one()
    database.close()
    assert staff.disabled_at is None
    assert staff.password_hash.startswith("$argon2id$")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["staff", "add", "ann@example.org", "--name", "Ann"], "at least 12 characters"),
        (["staff", "add", "no-address", "--name", "Ann"], "enter a valid e-mail address"),
        (["staff", "disable", "nobody@example.org"], "No staff account for"),
        (["serve", "--processes", "2"], "SQLite supports one process"),
        (["serve", "--processes", "0"], "--processes must be 1 or more"),
        (["work"], "`donate work` needs PostgreSQL"),
    ],
)
def test_what_goes_wrong_is_said_in_a_sentence(
    type_in: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    """A command that fails exits with 1 and says why, without a traceback."""
    type_in("short\n")
    assert main(arguments) == 1
    output = capsys.readouterr().err
    assert sentence in output
    assert "Traceback" not in output


@pytest.mark.parametrize("name", ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"])
def test_no_start_without_secrets(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    """The service does not start with an empty secret, and the message names the variable."""
    monkeypatch.setenv(name, "")
    assert main(["serve"]) == 1
    assert name in capsys.readouterr().err


def test_the_demo_refuses_a_live_key(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The demo does not start with a live key."""
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_" + "4fJd83kfLs02mQpZ7uYtR1")
    assert main(["demo"]) == 1
    assert "refuses to start with a live key" in capsys.readouterr().err


def test_the_demo_refuses_a_database_in_use(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    database_url: str,
) -> None:
    """The demo stores its example gifts only in an empty database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STRIPE_SECRET_KEY", "")
    monkeypatch.setenv("DEMO_DATABASE_URL", database_url)
    assert main(["demo"]) == 1
    assert "DEMO_DATABASE_URL must name an empty database" in capsys.readouterr().err


def test_a_record_that_cannot_be_written_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`donate sandbox --record` says what is wrong if it cannot write the file."""
    assert main(["sandbox", f"--record={tmp_path}"]) == 1
    assert "--record or SANDBOX_RECORD: " in capsys.readouterr().err


def test_sandbox_prints_mischief_and_records_traffic(tmp_path: Path) -> None:
    """With --mischief the sandbox prints its misbehaviour; with --record it stores its traffic."""
    port, lines, record = free_port(), tmp_path / "lines", tmp_path / "record"
    command = [sys.executable, "-m", "donate.cli", "sandbox", f"--port={port}", "--mischief=4"]
    command.append(f"--record={record}")
    with (
        lines.open("w") as output,
        subprocess.Popen(command, stdout=output, env=os.environ) as sandbox,
    ):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and "GET /v1/account " not in lines.read_text():
            try:
                httpx.get(f"http://127.0.0.1:{port}/v1/account", auth=(SECRET_KEY, ""), timeout=1)
            except httpx.TransportError:
                time.sleep(0.02)
        sandbox.send_signal(signal.SIGTERM)
    assert "GET /v1/account " in lines.read_text()
    assert '"path": "/v1/account"' in record.read_text()
    refuse_differences_in(record)


def test_a_reader_that_ends_early_gets_no_traceback() -> None:
    """If the reader of the output ends, as `head` does, a command ends without a traceback."""
    command = [sys.executable, "-m", "donate.cli", "stripe", "check", "--list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
