"""`donate bank`: imports statements, and says how many lines are new, known, in doubt, refused."""

from pathlib import Path

import pytest
from sqlmodel import select

from donate.bank.learned_shapes.recorder import learn_shape
from donate.bank.shapes.csv_shapes import CsvShape
from donate.bank.statements.models import RecordedLine, StatementFile
from donate.cli import main
from donate.clock import SystemClock
from donate.finance.models import StaffAct
from donate.storage.database import Database

TD = (
    "03/04/2026,SERVICE CHARGE,4.95,,1195.05\n"
    "03/05/2026,E-TRANSFER ***uJP,,50.00,1245.05\n"
    "03/16/2026,STRIPE MSP,,211.40,1456.45\n"
)


@pytest.fixture
def statement(tmp_path: Path) -> Path:
    """Write a statement of TD."""
    file = tmp_path / "accountactivity.csv"
    file.write_text(TD)
    return file


def counted(environment: dict[str, str]) -> int:
    database = Database(environment["DATABASE_URL"])
    with database.reading() as session:
        count = len(session.exec(select(RecordedLine)).all())
    database.close()
    return count


def test_a_statement_is_imported(
    environment: dict[str, str], statement: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command imports the file, and says what was new."""
    assert main(["bank", "import", str(statement), "--account", "Chequing"]) == 0
    said = capsys.readouterr().out
    assert "3 new, 0 known, 0 in doubt, 0 refused" in said
    assert "Imported 3 new lines." in said
    assert main(["bank", "import", str(statement), "--account", "Chequing"]) == 0
    assert "0 new, 3 known" in capsys.readouterr().out
    assert counted(environment) == 3


def test_an_import_is_recorded_in_the_trail(environment: dict[str, str], statement: Path) -> None:
    """The trail names the file and who ran the command."""
    main(["bank", "import", str(statement), "--account", "Chequing"])
    database = Database(environment["DATABASE_URL"])
    with database.reading() as session:
        act = session.exec(select(StaffAct)).one()
        assert session.exec(select(StatementFile)).one().imported_by == "service"
    database.close()
    assert act.act == "statement_imported"
    assert act.about.startswith("accountactivity.csv, by ")


def test_a_dry_run_records_nothing(
    environment: dict[str, str], statement: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --dry-run, the command only counts."""
    assert main(["bank", "import", str(statement), "--account", "Chequing", "--dry-run"]) == 0
    assert "3 new" in capsys.readouterr().out
    assert counted(environment) == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Please choose the account"),
        (["--account", "Chequing", "--shape", "nope"], "There is no shape called nope."),
        (["--account", "Chequing", "--dates", "never"], "whether dates begin"),
    ],
)
def test_a_refused_import_exits_with_1(
    environment: dict[str, str],
    statement: Path,
    arguments: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """If the file is refused, the command says why and exits with 1."""
    assert main(["bank", "import", str(statement), *arguments]) == 1
    assert sentence in capsys.readouterr().err
    assert counted(environment) == 0


@pytest.mark.usefixtures("environment")
def test_refused_rows_are_shown(statement: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A row that cannot be read is shown with its number, and nothing is imported."""
    statement.write_text(TD + "03/17/2026,BROKEN,12,13,1506.45\n")
    assert main(["bank", "import", str(statement), "--account", "Chequing"]) == 1
    said = capsys.readouterr()
    assert "row 4 refused" in said.out
    assert "rows that cannot be read: 1" in said.err


@pytest.mark.usefixtures("environment")
def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that does not exist is named in a sentence."""
    assert main(["bank", "import", str(tmp_path / "none.csv")]) == 1
    assert "none.csv" in capsys.readouterr().err


def test_rows_that_are_left_out_are_shown(
    environment: dict[str, str], statement: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row that is no transaction is shown with the reason, and the others are imported."""
    statement.write_text(TD + "Total,,4.95,261.40\n")
    assert main(["bank", "import", str(statement), "--account", "Chequing"]) == 0
    assert "row 4 left out: “Total” sums up other rows" in capsys.readouterr().out
    assert counted(environment) == 3


def test_learned_shapes_are_listed_and_used(
    environment: dict[str, str], statement: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shape that staff have taught is in the list, and reads files by itself or by name."""
    statement.write_text("When,What,How much\n2026-03-04,E-TRANSFER,50.00\n")
    imported = ["bank", "import", str(statement), "--account", "Union"]
    assert main(imported) == 1
    assert "We don’t know the columns of this file yet." in capsys.readouterr().err
    database = Database(environment["DATABASE_URL"])
    shape = CsvShape(
        name="preview",
        title="preview",
        header=("When", "What", "How much"),
        date=1,
        text=(2,),
        amount=3,
        fingerprint="f" * 64,
    )
    with database.writing() as session:
        learn_shape(session, shape, "Valley union", actor="staff:1", now=SystemClock().now())
    database.close()
    assert main(["bank", "shapes"]) == 0
    assert "valley-union             Valley union (mapped by hand on 20" in capsys.readouterr().out
    assert main(imported) == 0
    assert main([*imported, "--shape", "valley-union"]) == 0
    assert counted(environment) == 1


@pytest.mark.usefixtures("environment")
def test_the_shapes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """The command lists the shapes that are recognized."""
    assert main(["bank", "shapes"]) == 0
    said = capsys.readouterr().out
    assert "rbc-en" in said
    assert "CAMT.053" in said
