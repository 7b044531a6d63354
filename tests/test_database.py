"""Transactions are all or nothing, and temporary failures of the database raise DatabaseBusy."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from donate.errors import DatabaseBusy, Misconfigured
from donate.gifts.models import Donor
from donate.storage.bulk_writes import insert_new
from donate.storage.database import Database
from tests.real_parts import Postgres, Sqlite
from tests.rows import donor, donors


@pytest.fixture
def hasty(database_url: str) -> Iterator[Database]:
    """Return a database with a timeout of a tenth of a second."""
    database = Database(database_url, busy_timeout_s=0.1)
    yield database
    database.close()


def test_a_block_that_ends_is_committed(database: Database) -> None:
    """A transaction is committed when its `with` block ends, and others then see its rows."""
    with database.writing() as session:
        session.add(donor())
    assert donors(database) == 1


def write_and_fail(database: Database) -> None:
    with database.writing() as session:
        session.add(donor())
        session.flush()
        raise ZeroDivisionError


def test_a_block_that_raises_is_undone(database: Database) -> None:
    """A `with` block that raises rolls its transaction back, and the caller gets the exception."""
    with pytest.raises(ZeroDivisionError):
        write_and_fail(database)
    assert donors(database) == 0


def test_a_statement_alone_is_all_or_nothing(database: Database) -> None:
    """A failing statement in `writing_once` leaves no rows, and later transactions still work."""
    rows = [{"name": "Ann", "email": f"{n}@example.com", "country": "CA"} for n in range(3)]
    rows = [row | {"language": "en-CA"} for row in rows]

    def write(*more: dict[str, Any]) -> None:
        with database.writing_once() as session:
            insert_new(session, Donor, [*rows, *more])
            # On SQLite, other connections see the rows only after the `with` block has ended.
            assert donors(database) == (0 if database.is_sqlite else 3)

    with pytest.raises(DBAPIError):
        write(rows[0] | {"name": None})
    assert donors(database) == 0
    write()
    assert donors(database) == 3
    with pytest.raises(ZeroDivisionError):
        write_and_fail(database)
    assert donors(database) == 3


def test_reading_stores_nothing(database: Database) -> None:
    """Rows that are added in a `with database.reading()` block are not stored."""
    with database.reading() as session:
        session.add(donor())
        session.flush()
    assert donors(database) == 0


def test_a_reader_does_not_wait_for_a_writer(hasty: Database) -> None:
    """While one transaction writes, others can read the rows committed before."""
    with hasty.writing() as session:
        session.add(donor())
        session.flush()
        assert donors(hasty) == 0


def test_sqlite_flushes_and_enforces_constraints(sqlite: Sqlite) -> None:
    """Every SQLite connection flushes to the disk at each commit, and enforces every constraint."""
    database = Database(sqlite.fresh_url())
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1}
    for open_block in (database.reading, database.writing):
        with open_block() as session:
            values = {name: session.scalar(sa.text(f"PRAGMA {name}")) for name in expected}
        assert values == expected  # PRAGMA synchronous = 2 means FULL.
    database.close()


def test_writers_queue(database_url: str) -> None:
    """Of twenty concurrent transactions that each add 1 to a number, none is lost."""
    processes = [Database(database_url), Database(database_url)]
    with processes[0].writing() as session:
        session.add(donor(name="0"))

    def count_up(database: Database) -> None:
        with database.writing() as session:
            row = session.exec(select(Donor).with_for_update()).one()
            row.name = str(int(row.name) + 1)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(count_up, processes * 10))
    with processes[0].reading() as session:
        assert session.exec(select(Donor.name)).one() == "20"
    for database in processes:
        database.close()


@contextlib.contextmanager
def locked_by_another(url: str) -> Iterator[None]:
    """Hold the lock that a write needs, in another connection, until the block ends."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        statement = "BEGIN EXCLUSIVE"
    else:
        parsed = parsed.set(drivername="postgresql+psycopg")
        statement = "LOCK TABLE donor"
    engine = sa.create_engine(parsed, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql(statement)
        yield
        connection.exec_driver_sql("ROLLBACK")


def test_a_locked_database_is_busy_until_it_is_released(database_url: str, hasty: Database) -> None:
    """A lock held longer than the timeout raises DatabaseBusy; after its release, writing works."""
    with locked_by_another(database_url), pytest.raises(DatabaseBusy), hasty.writing() as session:
        session.add(donor())
    with hasty.writing() as session:
        session.add(donor())
    assert donors(hasty) == 1


def test_a_thread_waits_for_another_no_longer_than_the_timeout(sqlite: Sqlite) -> None:
    """On SQLite, a writer that waits too long for another thread gets DatabaseBusy."""
    database = Database(sqlite.fresh_url(), busy_timeout_s=0.05)
    with database.writing(), pytest.raises(DatabaseBusy), database.writing():
        pass
    with database.writing() as session:
        session.add(donor())
    database.close()


def _no_more_pages(connection: sqlite3.Connection, _record: object) -> None:
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")


def rows(count: int) -> list[dict[str, Any]]:
    return [donor(name="x" * 200).model_dump(exclude={"id"}) for _ in range(count)]


@pytest.mark.parametrize("in_savepoint", [False, True])
def test_a_full_disk_is_busy(sqlite: Sqlite, in_savepoint: bool) -> None:
    """A write to a full disk raises DatabaseBusy, and keeps the earlier rows."""
    database = Database(sqlite.fresh_url())
    sa.event.listen(database.engine, "connect", _no_more_pages)
    with database.writing() as session:
        session.add(donor())

    def fill() -> None:
        with database.writing() as session, contextlib.ExitStack() as stack:
            if in_savepoint:
                stack.enter_context(session.begin_nested())
            insert_new(session, Donor, rows(1_000))

    for _ in range(2):
        with pytest.raises(DatabaseBusy):
            fill()
        assert donors(database) == 1
    database.close()


def test_a_read_only_file_is_busy(sqlite: Sqlite) -> None:
    """A write to a read-only SQLite file raises DatabaseBusy, and reading still works."""
    url = sqlite.fresh_url()
    database = Database(url.replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true")
    with pytest.raises(DatabaseBusy, match="readonly"), database.writing() as session:
        session.add(donor())
    assert donors(database) == 0
    database.close()


def test_a_standby_is_busy(postgres: Postgres) -> None:
    """A write to a read-only PostgreSQL, as after a failover, raises DatabaseBusy."""
    database = Database(postgres.fresh_url())
    with database.writing() as session:
        session.connection().exec_driver_sql("SET default_transaction_read_only = on")
    with pytest.raises(DatabaseBusy, match="read-only"), database.writing() as session:
        session.add(donor())
    assert donors(database) == 0
    database.close()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nowhere/at/all/donate.sqlite3",
        "postgresql://nobody:hunter2@127.0.0.1:9/nothing",
    ],
)
def test_an_unreachable_database_is_busy(url: str) -> None:
    """An unreachable database raises DatabaseBusy, and the message has no password."""
    database = Database(url)
    for method in (database.ping, database.upgrade):
        with pytest.raises(DatabaseBusy) as busy:
            method()
        assert "hunter2" not in str(busy.value)
    database.close()


def test_a_wrong_statement_is_not_called_busy(database: Database) -> None:
    """A statement that can never succeed raises its own error, not DatabaseBusy."""
    with pytest.raises(DBAPIError), database.writing() as session:
        session.execute(sa.text("SELECT * FROM no_such_table"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://root:hunter2@localhost/donate",
        "postgres://root:hunter2@localhost/donate",
        "postgresql://root:hun:ter2@[::1/donate",
        "postgresql://root@localhost:hunter2/donate",
    ],
)
def test_an_invalid_database_url_is_refused(url: str) -> None:
    """The error about an invalid DATABASE_URL names the setting and does not print its value."""
    with pytest.raises(Misconfigured, match=r"^DATABASE_URL ") as error:
        Database(url)
    assert "hunter2" not in str(error.value)
    assert error.value.__cause__ is None


def test_who_waits_longest_writes_next(sqlite: Sqlite) -> None:
    """Threads write in the order in which they began to wait, even if one writes all the time."""
    database = Database(sqlite.fresh_url())
    order: list[str] = []
    stop = threading.Event()

    def write_on_and_on() -> None:
        while not stop.is_set():
            with database.writing():
                order.append("busy")
                time.sleep(0.005)

    busy = threading.Thread(target=write_on_and_on)
    busy.start()
    for _ in range(10):
        time.sleep(0.002)
        before = len(order)
        with database.writing():
            order.append("patient")
        # At most two writes of the busy thread come first: one under way, and one already waiting.
        assert len(order) - before <= 3
    stop.set()
    busy.join()
    database.close()
