"""`donate db backup` copies a SQLite database that is in use, and never harms an earlier copy."""

import sqlite3
from pathlib import Path

import pytest

from donate.cli import main
from donate.errors import Misconfigured
from donate.storage.backup import back_up_sqlite
from donate.storage.database import Database
from tests.real_parts import Postgres, Sqlite


@pytest.fixture
def file(sqlite: Sqlite) -> Path:
    return Path(sqlite.fresh_url().removeprefix("sqlite:///"))


def heard(file: Path) -> int:
    with sqlite3.connect(file) as connection:
        count: int = connection.execute("SELECT count(*) FROM webhook_heard").fetchone()[0]
    connection.close()
    return count


def test_a_backup_has_what_was_committed(file: Path, tmp_path: Path) -> None:
    """A copy has all that was committed, one file is enough, and a writer is not disturbed."""
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    insert = "INSERT INTO webhook_heard VALUES (?, '2026-03-01')"
    writer.execute(insert, (1,))
    writer.execute("BEGIN IMMEDIATE")
    writer.execute(insert, (2,))
    back_up_sqlite(file, tmp_path / "copy")
    writer.execute("COMMIT")
    writer.close()
    assert (heard(tmp_path / "copy"), heard(file)) == (1, 2)
    with sqlite3.connect(tmp_path / "copy") as copy:
        # With "wal", a second file would belong to the copy while somebody reads it.
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    copy.close()


def test_only_the_owner_reads_a_backup(file: Path, tmp_path: Path) -> None:
    """Nobody but the owner may read or write a copy."""
    back_up_sqlite(file, tmp_path / "copy")
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600


def test_an_earlier_backup_stays(file: Path, tmp_path: Path) -> None:
    """A file that exists is not overwritten."""
    (tmp_path / "copy").write_text("an earlier copy")
    with pytest.raises(Misconfigured, match="choose another name"):
        back_up_sqlite(file, tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "an earlier copy"


def test_what_cannot_be_copied_is_said(tmp_path: Path, file: Path) -> None:
    """A missing database, a missing folder and a damaged database get a sentence each."""
    with pytest.raises(Misconfigured, match="there is no database"):
        back_up_sqlite(tmp_path / "nowhere", tmp_path / "copy")
    with pytest.raises(Misconfigured, match="cannot be written"):
        back_up_sqlite(file, tmp_path / "no" / "folder")
    whole = file.read_bytes()
    (tmp_path / "cut").write_bytes(whole[:40_960])
    with pytest.raises(Misconfigured, match="could not be copied"):
        back_up_sqlite(tmp_path / "cut", tmp_path / "copy")
    with sqlite3.connect(file) as connection:
        query = "SELECT rootpage, page_size FROM sqlite_master, pragma_page_size WHERE name = ?"
        page, size = connection.execute(query, ("webhook_heard",)).fetchone()
    connection.close()
    cells = (page - 1) * size + 3  # where a page says how many rows it has
    damaged = whole[:cells] + b"\0\5" + whole[cells + 2 :]
    (tmp_path / "damaged").write_bytes(damaged)
    with pytest.raises(Misconfigured, match="is damaged"):
        back_up_sqlite(tmp_path / "damaged", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


@pytest.mark.usefixtures("environment")
def test_postgresql_has_its_own_program(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On PostgreSQL the command names pg_dump, and writes nothing."""
    monkeypatch.setenv("DATABASE_URL", postgres.fresh_url())
    assert main(["db", "backup", "copy"]) == 1
    assert "pg_dump" in capsys.readouterr().err
    assert not Path("copy").exists()


@pytest.mark.usefixtures("environment")
def test_the_command_copies(capsys: pytest.CaptureFixture[str]) -> None:
    """`donate db backup FILE` copies the database of the settings."""
    assert main(["db", "backup", "copy"]) == 0
    assert heard(Path("copy")) == 0
    assert "copy has everything" in capsys.readouterr().out


def test_newer_tables_are_refused(database: Database) -> None:
    """An older version refuses the tables of a newer one, with a sentence that says what to do."""
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Misconfigured, match="install the newer version, or restore the backup"):
        database.upgrade()
