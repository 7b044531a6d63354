"""SQLite's log: written by whoever commits, and copied into the file by nobody who waits."""

import shutil
import sqlite3
from pathlib import Path

from donate.database import Database
from tests.test_database import donor


def test_what_stands_in_the_log_is_copied_while_all_goes_on(tmp_path: Path) -> None:
    """SQLite's log is copied into the file beside a transaction that is open, and keeps no turn."""
    file = tmp_path / "donate.sqlite3"
    database = Database(f"sqlite:///{file}", busy_timeout_s=0.1)
    database.upgrade()
    with database.writing() as session:
        session.add(donor())
    with database.writing() as session:
        session.add(donor("bob@example.com"))
        session.flush()
        assert database.copy_log() == 0
        copy = Path(shutil.copy(file, tmp_path / "copy.sqlite3"))  # without its log
    with sqlite3.connect(copy) as alone:
        assert alone.execute("SELECT email FROM donor").fetchall() == [("ann@example.com",)]
    alone.close()
    database.close()


def test_on_postgresql_there_is_no_log_to_copy() -> None:
    """PostgreSQL looks after its own log: nothing is asked of it."""
    nobody = Database("postgresql://nobody@127.0.0.1:9/none")
    assert nobody.copy_log() == 0
    nobody.close()
