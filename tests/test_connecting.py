"""Lost database connections, and copying SQLite's write-ahead log into the database file."""

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from donate.errors import DatabaseBusy
from donate.storage.database import Database
from tests.real_parts import Postgres
from tests.rows import donor, donors


def test_the_log_is_copied_during_a_transaction(tmp_path: Path) -> None:
    """SQLite's write-ahead log is copied into the file even while a transaction is open."""
    file = tmp_path / "donate.sqlite3"
    database = Database(f"sqlite:///{file}", busy_timeout_s=0.1)
    database.upgrade()
    with database.writing() as session:
        session.add(donor())
    with database.writing() as session:
        session.add(donor("bob@example.com"))
        session.flush()
        assert database.copy_log() == 0
        # This copies the file alone, without the separate file of the write-ahead log.
        copy = Path(shutil.copy(file, tmp_path / "copy.sqlite3"))
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT email FROM donor").fetchall() == [("ann@example.com",)]
    connection.close()
    database.close()


def test_on_postgresql_there_is_no_log_to_copy() -> None:
    """`copy_log` does nothing on PostgreSQL."""
    nobody = Database("postgresql://nobody@127.0.0.1:9/none")
    assert nobody.copy_log() == 0
    nobody.close()


def test_a_connection_cut_during_a_write_fails_once(postgres: Postgres) -> None:
    """A connection cut during a write raises DatabaseBusy, and the next write succeeds."""
    url = postgres.fresh_url()
    database, other = Database(url), Database(url)

    def write_and_be_cut() -> None:
        with database.writing() as session:
            session.add(donor())
            session.flush()
            pid = session.connection().exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            with other.writing() as killer:
                killer.connection().exec_driver_sql(f"SELECT pg_terminate_backend({pid})")

    with pytest.raises(DatabaseBusy):
        write_and_be_cut()
    with database.writing() as session:
        session.add(donor())
    assert donors(database) == 1
    database.close()
    other.close()


def test_a_connection_that_was_cut_while_idle_is_replaced(postgres: Postgres) -> None:
    """A connection that was cut while idle is replaced without an error."""
    url = postgres.fresh_url()
    database, other = Database(url), Database(url)
    assert donors(database) == 0
    with other.writing() as killer:
        end_others = (
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert killer.connection().exec_driver_sql(end_others).all() == [(True,)]
    assert donors(database) == 0
    database.close()
    other.close()


def test_a_server_that_cuts_every_connection_is_busy(postgres: Postgres) -> None:
    """If the server cuts every new connection, every use of the database raises DatabaseBusy."""
    database = Database(postgres.fresh_url())

    def cut(connection: Any, _record: object) -> None:
        with other.connect() as killer:
            pid = connection.info.backend_pid
            killer.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 5000)")

    other = Database(postgres.fresh_url()).engine
    event.listen(database.engine, "connect", cut)
    for _ in range(3):
        with pytest.raises(DatabaseBusy):
            database.ping()
    event.remove(database.engine, "connect", cut)
    database.ping()
    database.close()
    other.dispose()
