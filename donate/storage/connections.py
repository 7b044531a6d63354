"""What is known of a connection to a database: how it begins, and when it is not to be trusted.

SQLite goes on writing to a file that was moved away or replaced, and nobody would ever read that.
PostgreSQL's driver waits for ever for a server that says nothing.
"""

import select
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import (
    DBAPIError,
    InvalidatePoolError,
    OperationalError,
    TimeoutError as PoolTimeout,
)

from donate.errors import DatabaseBusy

# Longer than a lock is waited for, and than any statement of a page takes.
SILENCE_S: Final = 10.0
# A connection that was idle for so long is asked whether it still works. To ask always would cost
# as much as storing an event.
IDLE_S: Final = 1.0
# Whoever commits beyond it copies SQLite's log into its file meanwhile, which takes a disk long.
# The worker does so every second (`Database.copy_log`), so that nobody has to.
LOG_PAGES: Final = 16_384
_SQLITE_ERROR: Final = 1  # the code of our own mistakes: no such table, a wrong statement
_POSTGRESQL_READ_ONLY: Final = "25006"  # a standby, or a disk that went read-only


class SameFile:
    """Watches that the file of an SQLite database is the one that was opened first."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._identity: tuple[int, int] | None = None

    def check(self) -> None:
        """Raise DatabaseBusy when it is another file by now, or none."""
        if self._path is not None and _identity_of(self._path) != self._identity:
            raise DatabaseBusy("the database file was replaced or is gone: restart the service")

    def remember(self, connection: Any) -> None:
        """Remember the file of the first connection."""
        if self._path is None:
            self._path = Path(connection.execute("PRAGMA database_list").fetchone()[2])
            self._identity = _identity_of(self._path)


def _identity_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def watch_sqlite(engine: Engine) -> Callable[[], None]:
    """Have each connection set up, and refused once the file is another; returns the check."""
    file = SameFile()

    def before_connecting(*_: Any) -> None:
        file.check()  # SQLite would make an empty file where there is none

    def connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        cursor.execute("PRAGMA foreign_keys = ON")
        # Or INSERT OR REPLACE would delete a fact without the trigger that refuses it.
        cursor.execute("PRAGMA recursive_triggers = ON")
        cursor.close()
        file.remember(connection)

    def taken(_connection: Any, _record: Any, _proxy: Any) -> None:
        file.check()

    event.listen(engine, "do_connect", before_connecting)
    event.listen(engine, "connect", connected)
    event.listen(engine, "checkout", taken)
    event.listen(engine, "begin", _begin_sqlite)
    return file.check


def _begin_sqlite(connection: Any) -> None:
    options = connection.get_execution_options()
    if not options.get("copies_log", False):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes", False) else "BEGIN")


class TimedConnection(psycopg.Connection[Any]):
    """A connection that gives itself up when the server says nothing for `silence_s`."""

    silence_s: float | None = None

    def wait(self, gen: Any, *args: Any, **more: Any) -> Any:
        """Wait for the server, but not for ever. Raises psycopg.OperationalError."""
        if self.silence_s is not None:
            gen = self._while_it_speaks(gen, self.silence_s)
        return super().wait(gen, *args, **more)

    def _while_it_speaks(self, gen: Any, silence_s: float) -> Generator[Any, Any, Any]:
        heard_at = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                now = time.monotonic()
                if ready:
                    heard_at = now
                elif now - heard_at > silence_s:
                    # What became of a commit is unknown, so nothing more may be said on this line.
                    self.pgconn.finish()
                    raise psycopg.OperationalError("the server says nothing")
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value


def watch_postgresql(engine: Engine, silence_s: float | None) -> None:
    """Have no connection wait longer than that for a word, and none be used that was hung up.

    None waits for ever.
    """

    def connect(_dialect: Any, _record: Any, args: Any, parameters: Any) -> Any:
        connection = TimedConnection.connect(*args, **parameters)
        connection.silence_s = silence_s
        # As text, a list is written item by item in Python.
        connection.adapters.register_dumper(list, ListBinaryDumper)
        return connection

    def given_back(_connection: Any, record: Any) -> None:
        record.info["given_back_at"] = time.monotonic()

    def taken(connection: Any, record: Any, _proxy: Any) -> None:
        given_back_at = record.info.get("given_back_at")
        if given_back_at is None:
            return  # just made: to doubt that one too would have no end
        try:
            if time.monotonic() - given_back_at > IDLE_S or _was_spoken_to(connection):
                engine.dialect.do_ping(connection)
        except psycopg.Error as error:
            raise InvalidatePoolError from error  # it and the others will be made anew

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "checkin", given_back)
    event.listen(engine, "checkout", taken)


def _was_spoken_to(connection: psycopg.Connection[Any]) -> bool:
    """Tell whether the server said something unasked: its last word, mostly."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


@contextmanager
def patience(connection: Connection) -> Iterator[None]:
    """Let a connection wait for as long as it takes within the block."""
    found = connection.connection.driver_connection
    if not isinstance(found, TimedConnection):
        yield
        return
    silence_s, found.silence_s = found.silence_s, None
    try:
        yield
    finally:
        found.silence_s = silence_s


@contextmanager
def busy_when_it_cannot() -> Iterator[None]:
    """Say DatabaseBusy of what the database cannot do now; mistakes of ours stay what they are."""
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseBusy("every connection is in use") from error
    except DBAPIError as error:
        if _is_no_mistake_of_ours(error):
            raise DatabaseBusy(str(error.orig).partition("\n")[0]) from error
        raise


def _is_no_mistake_of_ours(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    if getattr(error.orig, "sqlstate", None) == _POSTGRESQL_READ_ONLY:
        return True
    if getattr(error.orig, "sqlite_errorcode", None) == _SQLITE_ERROR:
        # A full disk ends a transaction in SQLite by itself, and the savepoints in it.
        return "no such savepoint" in str(error.orig)
    return isinstance(error, OperationalError)
