"""`donate month`: closes a month for a named account, and writes the pack of a closed one."""

import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import Session, select

from donate.books.months.queries import closed_months, latest_request
from donate.cli import main
from donate.finance.models import StaffAct
from donate.finance.roles import Role
from donate.finance.staff.accounts import add_staff, disable
from donate.storage.database import Database
from tests.books.months.month_world import APRIL_3, IN_MARCH, MAY_4, record_lines, record_march
from tests.finance.finance_site import CHEAP, PASSWORD
from tests.finance.money_samples import MARCH, give, pay

CLOSE = ("month", "close", "2026-03", "--by", "ann@example.org")


def add_account(session: Session, email: str, role: Role) -> None:
    add_staff(
        session, email, name="Ann", role=role, password=PASSWORD, now=APRIL_3, passwords=CHEAP
    )


@pytest.fixture
def world(environment: dict[str, str]) -> Iterator[Database]:
    """Record March, and add an account of each role and a disabled one."""
    database = Database(environment["DATABASE_URL"])
    record_march(database)
    with database.writing() as session:
        for name, role in (("ann", Role.FINANCE), ("vic", Role.VIEWER), ("eve", Role.ADMIN)):
            add_account(session, f"{name}@example.org", role)
        disable(session, "eve@example.org", now=MAY_4)
        add_account(session, "ada@example.org", Role.ADMIN)
    yield database
    database.close()


def is_closed(database: Database) -> bool:
    with database.reading() as session:
        return bool(closed_months(session))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("close", "2026-3", "--by", "ann@example.org"), "Write the month as in 2026-03."),
        (("close", "2026-03", "--by", "zoe@example.org"), "there is no account"),
        (("close", "2026-03", "--by", "vic@example.org"), "It needs the role finance"),
        (("close", "2026-03", "--by", "eve@example.org"), "It needs the role finance"),
        (("close", "2026-04", "--by", "ann@example.org"), "Please close 2026-03 first."),
        (("close", "2999-12", "--by", "ann@example.org"), "has not ended yet"),
        ((*CLOSE[1:], "--reason", "nonsense"), "write KIND=TEXT"),
        ((*CLOSE[1:], "--reason", "control=never mind"), "write KIND=TEXT"),
        (("start", "2026-3", "--by", "ada@example.org"), "Write the month as in 2026-03."),
        (("start", "2026-04", "--by", "ann@example.org"), "It needs the role admin"),
        (("start", "2026-03", "--by", "ada@example.org"), "The books can’t start with 2026-03"),
        (("start", "2026-04", "--by", "ada@example.org", "--seen", "x"), "have changed since"),
        (("pack", "2026-03", "--out", "march.zip"), "2026-03 is not closed"),
        (("pack", "march", "--out", "march.zip"), "Write the month as in 2026-03."),
    ],
)
def test_a_refusal_is_one_sentence(
    world: Database,
    arguments: tuple[str, ...],
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """What cannot be done is said in one sentence, with exit code 1, and nothing is written."""
    assert main(["month", *arguments]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("donate: ")
    assert error.count("\n") == 1
    assert not is_closed(world)
    assert not list(tmp_path.glob("march.zip*"))


def test_what_is_open_is_listed_until_there_is_a_reason(
    world: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a reason, the command lists what is open and how to give it, and closes nothing."""
    record_lines(world, [(20, 900, "UNKNOWN", None)])
    assert main([*CLOSE]) == 1
    said = capsys.readouterr().out
    assert "- line_undecided: Bank lines that nobody has explained. 1 open. 9.00 CAD\n" in said
    assert "  --reason line_undecided=TEXT (Deal with it" in said
    assert not is_closed(world)
    assert main([*CLOSE, "--reason", "line_undecided=The bank = looks"]) == 0
    with world.reading() as session:
        (row,) = closed_months(session)
        acts = session.exec(select(StaffAct).where(StaffAct.about == "2026-03")).all()
    reasons = {item["kind"]: item["reason"] for item in row.open_items}
    assert reasons["line_undecided"] == "The bank = looks"
    (act,) = acts
    assert (act.act, act.staff_id, act.detail["by"]) == ("month_closed", None, "ann@example.org")
    assert act.detail["pack_hash"] == row.pack_hash


def test_the_second_person_cannot_be_skipped(
    world: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above the limit the command does nothing: who types it could be both of the two people."""
    monkeypatch.setenv("MONTH_SECOND_PERSON_ABOVE_MINOR", "0")
    with world.writing() as session:
        add_account(session, "zoe@example.org", Role.FINANCE)
    for by in ("ann@example.org", "zoe@example.org"):
        assert main(["month", "close", "2026-03", "--by", by]) == 1
        assert "Each has to sign in" in capsys.readouterr().err
    assert not is_closed(world)
    with world.reading() as session:
        assert latest_request(session, IN_MARCH) is None


@pytest.mark.usefixtures("world")
def test_the_pack_is_written_whole_or_not_at_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pack is a ZIP that only its owner may read; a folder that is missing is a sentence."""
    assert main([*CLOSE]) == 0
    assert main(["month", "close", "2026-03", "--by", "ann@example.org"]) == 1
    assert "2026-03 is closed already." in capsys.readouterr().err
    out = tmp_path / "march.zip"
    assert main(["month", "pack", "2026-03", "--out", str(out)]) == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with zipfile.ZipFile(out) as pack:
        assert pack.testzip() is None
    assert not (tmp_path / "march.zip.part").exists()
    first = out.read_bytes()
    assert main(["month", "pack", "2026-03", "--out", str(out)]) == 0
    assert out.read_bytes() == first
    missing = tmp_path / "missing" / "march.zip"
    assert main(["month", "pack", "2026-03", "--out", str(missing)]) == 1
    assert "--out: " in capsys.readouterr().err


def test_the_audit_checks_closed_months_and_their_acts(
    world: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """`donate audit` finds nothing after closing, and finds a month without its act."""
    assert main([*CLOSE]) == 0
    main(["audit"])
    # `record_march` writes donors' names past the search index, which the audit finds.
    found = capsys.readouterr().out.splitlines()[1:-2]
    assert [line for line in found if "search index" not in line] == []
    with world.writing() as session:
        act = session.exec(select(StaffAct).where(StaffAct.act == "month_closed")).one()
        assert act.about == "2026-03"
    with world.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER staff_act_no_UPDATE")
        connection.exec_driver_sql("UPDATE staff_act SET about = '2026-02'")
    assert main(["audit"]) == 1
    said = capsys.readouterr().out
    assert "month 2026-03: no act of closing it has its hashes" in said
    assert "month 2026-02: it was closed according to the activity, but it is not there" in said


def test_the_books_start_after_a_look_at_the_balances(
    world: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first call shows the balances and starts nothing; the second one names what it showed."""
    start = ["month", "start", "2026-04", "--by", "ada@example.org"]
    assert main(start) == 1
    said = capsys.readouterr().out
    assert "Balances at the end of 2026-03:\n" in said
    assert " CAD\n" in said
    assert not is_closed(world)
    assert main([*start, "--seen", said.split()[-1]]) == 0
    assert "The books start with 2026-04." in capsys.readouterr().out
    assert main([*CLOSE]) == 1
    assert "2026-03 is closed already." in capsys.readouterr().err
    with world.reading() as session:
        (row,) = closed_months(session)
        (act,) = session.exec(select(StaffAct).where(StaffAct.act == "books_started")).all()
    assert (row.month, row.closed_elsewhere) == (IN_MARCH.number, True)
    assert (act.about, act.detail["by"]) == ("2026-04", "ada@example.org")
    assert act.detail["system_user"]


def test_the_exported_journal_of_a_closed_month_stays(world: Database, tmp_path: Path) -> None:
    """The exported journal of a closed month is what was kept; the next month has a late gift."""
    assert main([*CLOSE]) == 0
    assert main(["month", "pack", "2026-03", "--out", str(tmp_path / "march.zip")]) == 0
    pay(world, give(world, "late"), MARCH)
    for month in ("2026-03", "2026-04"):
        export = ["export", "journal", "--for", "gnucash", "--month", month]
        assert main([*export, "--out", str(tmp_path / f"{month}.csv")]) == 0
    with zipfile.ZipFile(tmp_path / "march.zip") as pack:
        packed = pack.read("journal/gnucash-2026-03-CAD.csv")
    assert (tmp_path / "2026-03.csv").read_bytes() == packed
    assert b"C1-DON-2026-03-10-CAD" in (tmp_path / "2026-04.csv").read_bytes()
