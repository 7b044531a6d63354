"""The database: SQLite in one file, or PostgreSQL for several processes. Commits happen here only.

On SQLite every write begins with BEGIN IMMEDIATE and waits its turn behind one lock: a read that
turns into a write later fails at once with BUSY, whatever the busy timeout says.
"""

import fcntl
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import DateTime, Dialect, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session

from donate.errors import DatabaseBusy, Misconfigured
from donate.storage.connections import (
    SILENCE_S,
    busy_when_it_cannot,
    patience,
    watch_postgresql,
    watch_sqlite,
)
from donate.storage.schema import SchemaAge, age_of, migrate

BUSY_TIMEOUT_S: Final = 5.0


class UtcDateTime(TypeDecorator[datetime]):
    """An instant, aware and in UTC, whether or not the database keeps a zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without a zone; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone is not an instant")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back an aware time in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class _Turns:
    """A lock that goes to who waits longest: one who writes on and on would starve the others."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    def take(self, timeout_s: float) -> bool:
        with self._mutex:
            if not self._taken:
                self._taken = True
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=timeout_s):
            return True
        with self._mutex:
            if turn not in self._waiting:
                return True  # it came in the last moment
            self._waiting.remove(turn)
            return False

    def give_back(self) -> None:
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False


class Database:
    """One database and the ways to use it: `reading`, `writing` and `writing_once`."""

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
            # Not chained: what was wrong with it may be a piece of the password.
            raise Misconfigured("DATABASE_URL is not a database address") from None
        backend = parsed.get_backend_name()
        if backend not in ("sqlite", "postgresql"):
            raise Misconfigured("DATABASE_URL must begin with sqlite:/// or postgresql://")
        self.is_sqlite: Final = backend == "sqlite"
        self._turns = _Turns()
        self._busy_timeout_s = busy_timeout_s
        if self.is_sqlite:
            if parsed.database in (None, "", ":memory:"):
                raise Misconfigured("DATABASE_URL must name a file: sqlite:///donate.sqlite3")
            self.engine: Engine = create_engine(
                parsed,
                hide_parameters=True,  # errors end in logs, and parameters are donors' data
                connect_args={"timeout": busy_timeout_s, "check_same_thread": False},
            )
            self._check_file = watch_sqlite(self.engine)
        else:
            self.engine = create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                pool_size=10,
                max_overflow=10,
                pool_timeout=busy_timeout_s,
                hide_parameters=True,
                connect_args={
                    "connect_timeout": 5,
                    # A vanished server is noticed in seconds, not in the system's quarter hour.
                    "tcp_user_timeout": 10_000,
                    "keepalives_idle": 10,
                    "keepalives_interval": 5,
                    "keepalives_count": 2,
                    "application_name": "donate",
                    # Without it, who meets a lock waits for as long as it is held.
                    "options": f"-c lock_timeout={int(busy_timeout_s * 1000)}",
                },
            )
            watch_postgresql(self.engine, silence_s)
            self._check_file = _trust_it
        self._writing_engine = self.engine.execution_options(writes=True)
        # PostgreSQL makes a transaction of each statement by itself, and need not be asked to.
        by_itself = {} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._single_engine = self._writing_engine.execution_options(**by_itself)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session that sees one state of the database and leaves it unchanged."""
        with busy_when_it_cannot(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open a transaction that is committed when the block ends and undone when it raises.

        Raises DatabaseBusy when the database cannot take it now; nothing is written then.
        """
        with self._writing_through(self._writing_engine) as session:
            yield session

    @contextmanager
    def writing_once(self) -> Iterator[Session]:
        """Do as `writing` for a block of one statement, at a third of the work on PostgreSQL.

        There it is committed as soon as it is executed: what raises after it undoes nothing.
        """
        with self._writing_through(self._single_engine) as session:
            yield session

    @contextmanager
    def _writing_through(self, engine: Engine) -> Iterator[Session]:
        with (
            busy_when_it_cannot(),
            self._turn(),
            Session(engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session
        self._check_file()  # replaced meanwhile, what was committed is nowhere

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        if not self._turns.take(self._busy_timeout_s):
            raise DatabaseBusy("the database is busy")
        try:
            yield
        finally:
            self._turns.give_back()

    def copy_log(self) -> int:
        """Copy what SQLite has in its log into its file, in nobody's way. Raises DatabaseBusy.

        A job of the worker. Returns 0: there is never more to do at once.
        """
        if self.is_sqlite:
            copying = self.engine.execution_options(copies_log=True)
            with busy_when_it_cannot(), copying.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
        return 0

    def ping(self) -> None:
        """Ask the database something trivial. Raises DatabaseBusy."""
        with self.reading() as session:
            session.execute(text("SELECT 1"))

    def is_new(self) -> bool:
        """Tell whether nothing of ours was ever stored here. Raises DatabaseBusy."""
        return self.age() is SchemaAge.MISSING

    def age(self) -> SchemaAge:
        """Tell how the tables stand to this version of the code. Raises DatabaseBusy."""
        if self.is_sqlite:
            file = Path(self.engine.url.database or "")
            if not file.exists() or not file.stat().st_size:
                return SchemaAge.MISSING  # to look inside would write into it
        with busy_when_it_cannot(), self.engine.connect() as connection:
            return age_of(connection)

    def upgrade(self) -> None:
        """Bring the tables up to this version of the code. Raises DatabaseBusy."""
        with (
            busy_when_it_cannot(),
            self._turn(),
            self._writing_engine.begin() as connection,
            patience(connection),
        ):
            if not self.is_sqlite:
                connection.execute(text("SET LOCAL lock_timeout = 0"))
                # Of two processes that start together, one migrates and the other waits for it.
                connection.execute(text("SELECT pg_advisory_xact_lock(7237846)"))
            if age_of(connection) is not SchemaAge.CURRENT:
                migrate(connection)

    @contextmanager
    def alone(self, task: str) -> Iterator[bool]:
        """Hold `task` for as long as the block lasts; gives False when another process has it.

        The system itself lets go of it when this process dies, in whatever way.
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
        with busy_when_it_cannot():
            connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            with busy_when_it_cannot():
                # Of a machine that vanished, PostgreSQL would believe for hours that it lives.
                connection.execute(text("SET tcp_keepalives_idle = 10"))
                connection.execute(text("SET tcp_keepalives_interval = 5"))
                connection.execute(text("SET tcp_keepalives_count = 2"))
                ask = text("SELECT pg_try_advisory_lock(7237846, hashtext(:task))")
                held = bool(connection.execute(ask, {"task": task}).scalar_one())
            yield held
        finally:
            with suppress(DBAPIError):
                # By itself it ends when PostgreSQL sees that the connection did: a moment later.
                connection.execute(text("SELECT pg_advisory_unlock_all()"))
            connection.invalidate()
            connection.close()

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def _trust_it() -> None:
    """PostgreSQL's files are its own affair."""
