"""The database: SQLite in one file, or PostgreSQL. Only this module commits.

On SQLite, every write transaction takes a lock and begins with BEGIN IMMEDIATE. Otherwise it would
begin as a read transaction, and its first write could fail with BUSY at once, without waiting for
the busy timeout.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlmodel import Session

from donate.errors import DatabaseBusy, Misconfigured
from donate.storage.connections import (
    SILENCE_S,
    raising_busy,
    require_sqlite_module,
    watch_postgresql,
    watch_sqlite,
    without_timeout,
)
from donate.storage.fair_lock import FairLock
from donate.storage.schema import SchemaAge, age_of, migrate
from donate.storage.service_account import (
    explained_rights,
    grant_rights,
    service_accounts,
)

BUSY_TIMEOUT_S: Final = 5.0


class Database:
    """The database. Its methods `reading`, `writing` and `writing_once` open sessions."""

    def __init__(
        self,
        url: str,
        *,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
        silence_s: float | None = SILENCE_S,
    ) -> None:
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):
            # "from None" hides the original error, which may contain a part of the password.
            raise Misconfigured("DATABASE_URL is not a database URL") from None
        backend = parsed.get_backend_name()
        if backend not in ("sqlite", "postgresql"):
            raise Misconfigured("DATABASE_URL must begin with sqlite:/// or postgresql://")
        self.is_sqlite: Final = backend == "sqlite"
        self._lock = FairLock()
        self._busy_timeout_s = busy_timeout_s
        if self.is_sqlite:
            require_sqlite_module("fts5")
            if parsed.database in (None, "", ":memory:"):
                raise Misconfigured("DATABASE_URL must name a file: sqlite:///donate.sqlite3")
            self.engine: Engine = create_engine(
                parsed,
                # Errors are logged, and a statement's parameters contain donors' data.
                hide_parameters=True,
                connect_args={"timeout": busy_timeout_s, "check_same_thread": False},
            )
            self._check_file = watch_sqlite(self.engine)
        else:
            self.engine = create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                pool_size=10,
                max_overflow=10,
                pool_timeout=busy_timeout_s,
                pool_pre_ping=True,  # replace connections that the server closed
                hide_parameters=True,
                connect_args={
                    "connect_timeout": 5,
                    # Notice a lost server within seconds. By default, the system takes 15 minutes.
                    "tcp_user_timeout": 10_000,
                    "keepalives_idle": 10,
                    "keepalives_interval": 5,
                    "keepalives_count": 2,
                    "application_name": "donate",
                    # Without this timeout, a statement would wait as long as another session holds
                    # a lock that it needs.
                    "options": f"-c lock_timeout={int(busy_timeout_s * 1000)}",
                },
            )
            watch_postgresql(self.engine, silence_s)
            self._check_file = _no_check
        self._writing_engine = self.engine.execution_options(writes=True)
        # With AUTOCOMMIT, PostgreSQL runs each statement in a transaction of its own.
        options = {} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._single_engine = self._writing_engine.execution_options(**options)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session for reading. Nothing is committed."""
        with raising_busy(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def reading_snapshot(self) -> Iterator[Session]:
        """Open a session whose statements all read the same state. Nothing is committed."""
        options = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        engine = self.engine.execution_options(**options)
        with raising_busy(), Session(engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open a transaction. It commits when the block ends, and rolls back if the block raises.

        Raises DatabaseBusy if the database cannot be written now. Then nothing was written.
        """
        with self._writing_through(self._writing_engine) as session:
            yield session

    @contextmanager
    def writing_once(self) -> Iterator[Session]:
        """Open a session for one statement. On PostgreSQL it is three times as fast as `writing`.

        PostgreSQL commits the statement at once, so a later error in the block does not roll it
        back.
        """
        with self._writing_through(self._single_engine) as session:
            yield session

    @contextmanager
    def _writing_through(self, engine: Engine) -> Iterator[Session]:
        with (
            raising_busy(),
            self._locked(),
            Session(engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session
        self._check_file()  # raises if the file was replaced, because then the commit is lost

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        if not self._lock.acquire(self._busy_timeout_s):
            raise DatabaseBusy("the database is busy")
        try:
            yield
        finally:
            self._lock.release()

    def copy_log(self) -> int:
        """Copy SQLite's write-ahead log into its file, without blocking. Raises DatabaseBusy.

        The worker runs this as a job. It returns 0, so that the worker pauses before the next call.
        """
        if self.is_sqlite:
            engine = self.engine.execution_options(copies_log=True)
            with raising_busy(), engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
        return 0

    def overwrite_deleted(self) -> None:
        """Leave nothing of deleted rows in SQLite's files. Raises DatabaseBusy.

        PostgreSQL does this when it next vacuums the tables.
        """
        if self.is_sqlite:
            with self.writing() as session:
                # The full-text index marks words as deleted, and drops them when it is merged.
                session.execute(text("INSERT INTO search_words (search_words) VALUES ('optimize')"))
            engine = self.engine.execution_options(copies_log=True)
            with raising_busy(), engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def ping(self) -> None:
        """Run a trivial query. Raises DatabaseBusy."""
        with self.reading() as session:
            session.execute(text("SELECT 1"))

    def is_new(self) -> bool:
        """Whether the database has none of this service's tables. Raises DatabaseBusy."""
        return self.age() is SchemaAge.MISSING

    def age(self) -> SchemaAge:
        """Return whether the tables match this version of the code. Raises DatabaseBusy."""
        if self.is_sqlite:
            file = Path(self.engine.url.database or "")
            if not file.exists() or not file.stat().st_size:
                return SchemaAge.MISSING  # don't connect: connecting would write into the file
        with raising_busy(), explained_rights(), self.engine.connect() as connection:
            return age_of(connection)

    def upgrade(self, service_account: str | None = None) -> None:
        """Migrate the tables to this version of the code.

        On PostgreSQL, then give `service_account` the rights that the service needs. If there are
        new tables, accounts to which an earlier call gave these rights get them for these, too.

        Raises DatabaseBusy. Raises Misconfigured if a newer version of the code has migrated the
        tables, if the account that is connected may not do this, or if there is no
        `service_account`.
        """
        if self.is_sqlite and service_account:
            raise Misconfigured("SQLite has no accounts: only the owner of its file may use it")
        with (
            raising_busy(),
            explained_rights(),
            self._locked(),
            self._writing_engine.begin() as connection,
            without_timeout(connection),
        ):
            if not self.is_sqlite:
                connection.execute(text("SET LOCAL lock_timeout = 0"))
                # Take a lock: if two processes start together, one migrates and the other waits.
                connection.execute(text("SELECT pg_advisory_xact_lock(7237846)"))
            age = age_of(connection)
            if age is SchemaAge.NEWER:
                raise Misconfigured(
                    "the tables are newer than this version of the service: install the newer "
                    "version, or restore the backup from before its upgrade"
                )
            accounts = {service_account} if service_account else set()
            if age is not SchemaAge.CURRENT:
                migrate(connection)
                accounts |= set() if self.is_sqlite else set(service_accounts(connection))
            for account in sorted(accounts):
                grant_rights(connection, account)

    @contextmanager
    def alone(self, task: str) -> Iterator[bool]:
        """Hold a task's lock inside the `with` block; yield False if another process holds it.

        The operating system or PostgreSQL releases the lock if this process dies.
        """
        if self.is_sqlite:
            with Path(f"{self.engine.url.database}.{task}.lock").open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    yield False
                else:
                    yield True
            return
        with raising_busy():
            connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            with raising_busy():
                # Without keepalives, PostgreSQL would hold the lock for hours after a machine was
                # lost.
                connection.execute(text("SET tcp_keepalives_idle = 10"))
                connection.execute(text("SET tcp_keepalives_interval = 5"))
                connection.execute(text("SET tcp_keepalives_count = 2"))
                query = text("SELECT pg_try_advisory_lock(7237846, hashtext(:task))")
                is_locked = bool(connection.execute(query, {"task": task}).scalar_one())
            yield is_locked
        finally:
            with suppress(DBAPIError):
                # Release the lock now. PostgreSQL would release it a moment after the connection is
                # closed.
                connection.execute(text("SELECT pg_advisory_unlock_all()"))
            connection.invalidate()
            connection.close()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _no_check() -> None:
    """Check nothing: only SQLite has a file that could be replaced."""
