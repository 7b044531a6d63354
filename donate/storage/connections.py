"""Sets up database connections, and detects connections that no longer work.

SQLite keeps writing to its file after somebody moved or replaced it, and these writes would be
lost. PostgreSQL's driver waits forever for a server that does not answer.
"""

import sqlite3
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import (
    DBAPIError,
    OperationalError,
    TimeoutError as PoolTimeout,
)

from donate.errors import DatabaseBusy, Misconfigured

# How long to wait for a server that sends nothing. This is longer than the lock timeout, and longer
# than any statement of a page takes.
SILENCE_S: Final = 10.0
# When SQLite's write-ahead log has more pages than this, the next commit copies the log into the
# file, which is slow. The worker copies it every second (`Database.copy_log`), so no commit has to.
LOG_PAGES: Final = 16_384
# SQLite's code for an error in our program, such as a missing table or an invalid statement.
_SQLITE_ERROR: Final = 1

# PostgreSQL's error code for a read-only server: a standby, or a server whose disk is read-only.
_POSTGRESQL_READ_ONLY: Final = "25006"


class SameFile:
    """Checks that the file of an SQLite database is still the file that was opened first."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._identity: tuple[int, int] | None = None

    def check(self) -> None:
        """Raise DatabaseBusy if the file was replaced or removed."""
        if self._path is not None and _identity_of(self._path) != self._identity:
            raise DatabaseBusy("the database file was replaced or removed: restart the service")

    def remember(self, connection: Any) -> None:
        """Store which file the first connection opened."""
        if self._path is None:
            self._path = Path(connection.execute("PRAGMA database_list").fetchone()[2])
            self._identity = _identity_of(self._path)


def _identity_of(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def require_sqlite_module(name: str) -> None:
    """Raise Misconfigured if the SQLite of this Python was built without a module."""
    with closing(sqlite3.connect(":memory:")) as connection:
        modules = {row[0] for row in connection.execute("SELECT name FROM pragma_module_list")}
    if name not in modules:
        raise Misconfigured(
            f"the SQLite of this Python has no {name.upper()}, which the search of gifts needs: "
            "use another build of Python, or PostgreSQL"
        )


def watch_sqlite(engine: Engine) -> Callable[[], None]:
    """Set up each new connection, and refuse connections after the file was replaced.

    Returns the function that checks the file.
    """
    file = SameFile()

    def before_connecting(*_: Any) -> None:
        file.check()  # Without this check, SQLite would create a missing file.

    def connected(connection: Any, _record: Any) -> None:
        # Stop sqlite3 from beginning transactions, because `_begin_sqlite` begins them.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        cursor.execute("PRAGMA foreign_keys = ON")
        # Without this setting, INSERT OR REPLACE would delete a fact without firing the trigger.
        cursor.execute("PRAGMA recursive_triggers = ON")
        # Overwrite what is deleted, so that an erased donor is not left in free pages of the file.
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.close()
        file.remember(connection)

    def checked_out(_connection: Any, _record: Any, _proxy: Any) -> None:
        file.check()

    event.listen(engine, "do_connect", before_connecting)
    event.listen(engine, "connect", connected)
    event.listen(engine, "checkout", checked_out)
    event.listen(engine, "begin", _begin_sqlite)
    return file.check


def _begin_sqlite(connection: Any) -> None:
    options = connection.get_execution_options()
    if not options.get("copies_log", False):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes", False) else "BEGIN")


class TimedConnection(psycopg.Connection[Any]):
    """A connection that is closed when the server has sent nothing for `silence_s` seconds.

    Problem: while PostgreSQL sends nothing, threads would wait forever, and pages could not answer
    503.
    Shown by: `tests/faults/test_proxy_postgresql.py`, the test of a silent server.
    Delete it when: psycopg can limit the time of a query on the client's side.
    """

    silence_s: float | None = None

    def wait(self, gen: Any, *args: Any, **more: Any) -> Any:
        """Wait for the server's response. Raises psycopg.OperationalError after the timeout.

        Errors get only the first line of PostgreSQL's message. The others may quote the row that
        was refused, and would bring what a donor wrote into the log.
        """
        if self.silence_s is not None:
            gen = self._with_timeout(gen, self.silence_s)
        try:
            return super().wait(gen, *args, **more)
        except psycopg.Error as error:
            error.args = (str(error).partition("\n")[0],)
            raise

    def _with_timeout(self, gen: Any, silence_s: float) -> Generator[Any, Any, Any]:
        last_data_at = time.monotonic()
        try:
            event_mask = next(gen)
            while True:
                ready = yield event_mask
                now = time.monotonic()
                if ready:
                    last_data_at = now
                elif now - last_data_at > silence_s:
                    # Close the connection: nobody knows whether a commit on it succeeded.
                    self.pgconn.finish()
                    raise psycopg.OperationalError("the server does not answer")
                event_mask = gen.send(ready)
        except StopIteration as end:
            return end.value


def watch_postgresql(engine: Engine, silence_s: float | None) -> None:
    """Limit how long connections wait for the server.

    If `silence_s` is None, connections wait forever.
    """

    def connect(_dialect: Any, _record: Any, args: Any, parameters: Any) -> Any:
        connection = TimedConnection.connect(*args, **parameters)
        connection.silence_s = silence_s
        return connection

    event.listen(engine, "do_connect", connect)


@contextmanager
def without_timeout(connection: Connection) -> Iterator[None]:
    """Switch off the connection's timeout inside the `with` block."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, TimedConnection):
        yield
        return
    silence_s, driver.silence_s = driver.silence_s, None
    try:
        yield
    finally:
        driver.silence_s = silence_s


@contextmanager
def raising_busy() -> Iterator[None]:
    """Raise DatabaseBusy in place of a temporary database error.

    Programming errors are not replaced.
    """
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseBusy("every connection is in use") from error
    except DBAPIError as error:
        if _is_temporary(error):
            raise DatabaseBusy(str(error.orig).partition("\n")[0]) from error
        raise


def _is_temporary(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    if getattr(error.orig, "sqlstate", None) == _POSTGRESQL_READ_ONLY:
        return True
    if getattr(error.orig, "sqlite_errorcode", None) == _SQLITE_ERROR:
        # A full disk causes this error, because SQLite then rolls back the transaction together
        # with its savepoints.
        return "no such savepoint" in str(error.orig)
    return isinstance(error, OperationalError)
