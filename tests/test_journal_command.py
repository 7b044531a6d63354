"""`donate export journal`: its files for each program, and what it refuses without writing."""

import stat
from datetime import date
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa
from sqlmodel import select

from donate.books.accounts import BUILT_IN_CHART
from donate.cli import main
from donate.finance.models import StaffAct
from donate.storage.database import Database
from tests.books.recorded.charity_year import CharityYear

pytestmark = pytest.mark.usefixtures("year")


@pytest.fixture
def year(environment: dict[str, str]) -> None:
    """Record a March in which everything happens, in two currencies."""
    database = Database(environment["DATABASE_URL"])
    lived = CharityYear(database, date(2026, 3, 2), Random(3))
    lived.everything_happens()
    lived.banks["CAD"].import_lines()
    database.close()


def export(program: str, out: Path, month: str = "2026-03", *more: str) -> int:
    return main(["export", "journal", "--for", program, "--month", month, "--out", str(out), *more])


@pytest.mark.parametrize("program", ["quickbooks", "gnucash"])
def test_each_program_gets_its_files(
    program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder has a file for each currency, which only its owner may read, and nothing else."""
    folder = tmp_path / "journal"
    assert export(program, folder) == 0
    names = sorted(path.name for path in folder.iterdir())
    assert [name.partition(".")[0] for name in names] == [
        f"{program}-2026-03-{currency}" for currency in ("CAD", "USD")
    ]
    printed = capsys.readouterr()
    assert printed.out.split() == [str(folder / name) for name in names]
    assert "entries." in printed.err
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = [path.read_bytes() for path in sorted(folder.iterdir())]
    assert export(program, folder) == 0
    assert [path.read_bytes() for path in sorted(folder.iterdir())] == before


def test_the_export_is_in_the_trail(environment: dict[str, str], tmp_path: Path) -> None:
    """The trail says which month was exported, for which program."""
    assert export("gnucash", tmp_path) == 0
    database = Database(environment["DATABASE_URL"])
    with database.reading() as session:
        act = session.exec(select(StaffAct)).one()
    database.close()
    assert act.act == "exported_journal"
    assert act.detail == {"program": "gnucash", "month": "2026-03"}


def test_one_file_for_two_currencies_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """If --out names one file and there are two, nothing is written."""
    assert export("gnucash", tmp_path / "march.csv") == 1
    assert "please name a folder; there are several files: gnucash-2026-03-CAD.csv" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "march.csv").exists()


@pytest.mark.parametrize(("program", "ending"), [("xero", "csv"), ("sage50", "txt")])
def test_a_program_without_currencies_gets_one_at_a_time(
    environment: dict[str, str],
    program: str,
    ending: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Dollars are not written as Canadian ones; --currency writes those in Canadian dollars."""
    folder = tmp_path / "journal"
    assert export(program, folder) == 1
    said = capsys.readouterr().err
    assert "it would import USD as CAD" in said
    assert "entries in CAD, USD. To write those of one currency, add --currency CAD." in said
    assert export(program, folder, "2026-03", "--currency", "USD") == 1
    assert not folder.exists()
    assert export(program, folder, "2026-03", "--currency", "CAD") == 0
    assert [path.name for path in folder.iterdir()] == [f"{program}-2026-03-CAD.{ending}"]
    assert export(program, folder, "2026-03", "--currency", "EUR") == 1
    assert "--currency: the month has entries in CAD, USD." in capsys.readouterr().err
    database = Database(environment["DATABASE_URL"])
    with database.reading() as session:
        act = session.exec(select(StaffAct)).one()
    database.close()
    assert act.detail == {"program": program, "month": "2026-03", "currency": "CAD"}


def test_a_refused_journal_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If the program would not take an entry, there is one sentence, and no folder."""
    chart = tmp_path / "accounts.toml"
    text = BUILT_IN_CHART.read_text(encoding="utf-8")
    chart.write_text(text.replace('xero_code = "1061"\n', ""), encoding="utf-8")
    monkeypatch.setenv("BOOKS_ACCOUNTS", str(chart))
    folder = tmp_path / "journal"
    assert export("xero", folder, "2026-03", "--currency", "CAD") == 1
    assert "Xero takes no journal on a bank account." in capsys.readouterr().err
    assert not folder.exists()


@pytest.mark.parametrize("month", ["2026-13", "march", "2026-3", "2026-03-01", ""])
def test_a_month_that_is_none_is_refused(
    month: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A text that is no month is refused with a sentence."""
    assert export("xero", tmp_path / "journal", month) == 1
    assert "please give a month such as 2026-03" in capsys.readouterr().err
    assert not (tmp_path / "journal").exists()


def test_a_month_without_entries_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A month in which nothing happened has no file, and the exit code says so."""
    assert export("xero", tmp_path / "journal", "2031-01") == 1
    assert "2031-01 has no entries" in capsys.readouterr().err
    assert not (tmp_path / "journal").exists()


def test_a_database_without_tables_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A database without tables is left as it is."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/new.db")
    assert export("xero", tmp_path / "journal") == 1
    assert "without our tables" in capsys.readouterr().err


def test_a_disk_that_fills_up_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If the second file cannot be written, the first one is not there either."""
    calls = []

    def fail(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("donate.commands.journal.os.fsync", fail)
    assert export("gnucash", tmp_path / "journal") == 1
    assert "No space left on device" in capsys.readouterr().err
    assert not (tmp_path / "journal").exists()
    assert len(calls) == 2


def test_the_trail_is_not_written_without_a_journal(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """A month without entries leaves no trace in the trail."""
    assert export("xero", tmp_path / "journal", "2031-01") == 1
    database = Database(environment["DATABASE_URL"])
    with database.reading() as session:
        assert session.execute(sa.text("SELECT count(*) FROM staff_act")).scalar_one() == 0
    database.close()
