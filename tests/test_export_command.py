"""`donate export`: its files, its exit codes, and what a broken or stopped export leaves."""

import fcntl
import hashlib
import json
import os
import signal
import stat
import struct
import subprocess
import sys
import termios
from decimal import Decimal
from pathlib import Path

import pytest
from sqlmodel import select

from donate.cli import main
from donate.finance.exports.registry import EXPORTS
from donate.finance.models import StaffAct
from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.movements.models import Subject
from donate.gifts.movements.totals import TotalFilter, add_up
from donate.money import Money
from donate.storage.database import Database
from tests.finance.money_samples import add_many_movements, give, sample_money
from tests.finance.pledge_samples import sample_pledges
from tests.finance.spreadsheets import read_csv, read_xlsx
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("money")


@pytest.fixture
def money(environment: dict[str, str]) -> None:
    database = Database(environment["DATABASE_URL"])
    sample_money(database)
    database.close()


def waiting_bytes(pipe: int) -> int:
    count = fcntl.ioctl(pipe, termios.FIONREAD, struct.pack("i", 0))
    return int.from_bytes(count, sys.byteorder)


def donate(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "donate.cli", *arguments]
    return subprocess.run(command, capture_output=True, check=False, timeout=60)


def test_a_csv_goes_to_standard_output_and_its_sums_to_standard_error() -> None:
    """Without --out the CSV is the whole standard output; counts and sums are on standard error."""
    done = donate("export", "movements", "--code", "LWCAN", "--from", "2026-03-11")
    assert done.returncode == 0, done.stderr
    rows = read_csv(done.stdout)
    assert [row["kind"] for row in rows] == ["transfer", "refund", "refund", "refund_returned"]
    assert done.stderr.decode() == "4 rows.\nCAD amount: 103.45\n"


def test_a_csv_in_a_file_has_control_totals_beside_it(
    tmp_path: Path, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """--out writes a CSV that only its owner may read, with control totals and a trail entry."""
    out = tmp_path / "march.csv"
    assert main(["export", "movements", "--to", "2026-03-31", "--out", str(out)]) == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    control = json.loads((tmp_path / "march.control.json").read_text())
    assert control["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert control["rows"] == len(read_csv(out.read_bytes())) == 4
    assert control["made_by"].endswith("(command line)")
    assert not (tmp_path / "march.csv.part").exists()
    assert "4 rows." in capsys.readouterr().err
    database = Database(environment["DATABASE_URL"])
    with database.reading() as session:
        act = session.exec(select(StaffAct)).one()
    database.close()
    assert act.act == "exported_movements"
    assert act.detail == {"format": "csv", "filter": {"to": "2026-03-31"}}


def test_an_xlsx_needs_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`donate export` writes XLSX only with --out, and puts the control totals into the file."""
    assert main(["export", "gifts", "--format", "xlsx"]) == 1
    assert "An XLSX file needs --out FILE." in capsys.readouterr().err
    out = tmp_path / "gifts.xlsx"
    assert main(["export", "gifts", "--format", "xlsx", "--out", str(out)]) == 0
    sheets = read_xlsx(out.read_bytes())
    assert len(sheets["gifts"]) == 5
    assert list(sheets)[-1] == "control"
    assert sorted(path.name for path in tmp_path.glob("gifts*")) == ["gifts.xlsx"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["gifts", "--mode", "paypal"], "--mode: “paypal” isn’t in the list."),
        (["movements", "--from", "1 March"], "--from: Please enter a date such as 2026-03-31."),
        (["movements", "--out", "nowhere/x.csv"], "--out: "),
    ],
)
def test_a_wrong_option_is_explained(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong option of `donate export` exits with 1 and one sentence that names the option."""
    assert main(["export", *arguments]) == 1
    output = capsys.readouterr()
    assert output.err.startswith(f"donate: {sentence}")
    assert output.out == ""


def test_the_options_are_the_filters_of_the_pages() -> None:
    """`donate export` has a command for each export, with an option for each of its filters."""
    assert set(EXPORTS) == {"gifts", "movements", "monthly", "donors", "payouts"}
    for name, kind in EXPORTS.items():
        command = donate("export", name, "--help").stdout.decode()
        assert [each for each in kind.filters if f"--{each} " not in command] == []


def test_monthly_gifts_are_exported(tmp_path: Path, environment: dict[str, str]) -> None:
    """`donate export monthly` writes the matching pledges, and says that day totals agree."""
    database = Database(environment["DATABASE_URL"])
    sample_pledges(database)
    database.close()
    out = tmp_path / "monthly.csv"
    assert main(["export", "monthly", "--state", "past_due", "--out", str(out)]) == 0
    assert [row["donor_name"] for row in read_csv(out.read_bytes())] == ["past_due"]
    control = json.loads((tmp_path / "monthly.control.json").read_text())
    assert (control["rows"], control["agrees_with_day_totals"]) == (1, True)


def test_donors_are_exported(tmp_path: Path, environment: dict[str, str]) -> None:
    """`donate export donors` writes each donor with what came in and went out."""
    database = Database(environment["DATABASE_URL"])
    with database.reading_snapshot() as session:
        totals = add_up(session, TotalFilter(Subject.MOVEMENT, currencies=["CAD"]))
        donors = {profile.id for profile in session.exec(select(DonorProfile))}
    database.close()
    out = tmp_path / "donors.csv"
    assert main(["export", "donors", "--out", str(out)]) == 0
    rows = read_csv(out.read_bytes())
    assert {int(row["donor_id"]) for row in rows} == donors
    in_cad = [row for row in rows if row["currency"] == "CAD"]
    net = sum(Decimal(row["money_in"]) - Decimal(row["money_out"]) for row in in_cad)
    assert [Money(int(net * 100), "CAD")] == [Money(t.amount_minor, t.currency) for t in totals]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_export_leaves_no_file_that_looks_complete(
    tmp_path: Path, environment: dict[str, str], stop: signal.Signals
) -> None:
    """An export that is stopped leaves only a .part file, and says INCOMPLETE if it still can."""
    database = Database(environment["DATABASE_URL"])
    add_many_movements(database, give(database, "many"), 45_000)
    database.close()
    out = tmp_path / "all.csv"
    command = [sys.executable, "-m", "donate.cli", "export", "movements", "--out", str(out)]
    # The export waits at its second line about progress, because only the first fits into the pipe.
    first = "10,000 rows …\n".encode()
    reading_end, writing_end = os.pipe()
    size = fcntl.fcntl(writing_end, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writing_end, b"-" * (size - len(first)))
    with os.fdopen(reading_end, "rb") as errors:
        process = subprocess.Popen(command, stderr=writing_end, env=os.environ)
        os.close(writing_end)
        until(lambda: waiting_bytes(errors.fileno()) == size)
        process.send_signal(stop)
        assert errors.read().lstrip(b"-").startswith(first)
    process.wait(timeout=30)
    assert process.returncode != 0
    assert not out.exists()
    assert not (tmp_path / "all.control.json").exists()
    written = (tmp_path / "all.csv.part").read_bytes()
    if stop == signal.SIGINT:
        assert written.rstrip(b"\r\n").rpartition(b"\r\n")[2].startswith(b"INCOMPLETE: ")


def test_a_reader_that_leaves_ends_the_export_quietly(environment: dict[str, str]) -> None:
    """If the program that reads standard output ends early, there is no traceback."""
    database = Database(environment["DATABASE_URL"])
    add_many_movements(database, give(database, "many"), 20_000)
    database.close()
    command = [sys.executable, "-m", "donate.cli", "export", "movements"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=30) == 1
    assert b"Traceback" not in errors
    assert b"Exception ignored" not in errors
