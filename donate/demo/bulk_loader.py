"""Inserts rows in bulk through the database's driver, bypassing the service.

Use it only to fill an empty database with examples: a power failure may lose data. PostgreSQL
checks no foreign keys meanwhile, if the database user may turn these checks off.
"""

import json
import sqlite3
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row
from sqlalchemy.engine import make_url

Row = dict[str, Any]
_LINES_AT_A_TIME: Final = 500


def bulk_loader(url: str) -> "SqliteLoader | PostgresLoader":
    """Open a bulk loader for a database URL."""
    return SqliteLoader(url) if url.startswith("sqlite") else PostgresLoader(url)


class _Loader(ABC):
    """The code that both loaders share."""

    _connection: Any
    _dropped: str
    """A query for type, name and CREATE statement of everything that `drop_indexes` drops."""
    _after: tuple[str, ...] = ()
    """Statements that fill indexes which are still empty after they are created."""

    @abstractmethod
    def query(self, sql: str) -> list[Row]:
        """Return the rows of a query."""

    def drop_indexes(self) -> list[str]:
        """Drop all indexes except the unique ones. Return the statements that create them again.

        On SQLite, the trigger that fills the search index is dropped and created again as well.
        Building an index over existing rows is several times faster than adding each row to it.
        """
        dropped = self.query(self._dropped)
        for one in dropped:
            self._connection.execute(f"DROP {one['type']} {one['name']}")
        return [*(one["sql"] for one in dropped), *self._after]

    def execute(self, statement: str) -> None:
        """Execute a statement that returns nothing."""
        self._connection.execute(statement)

    def commit(self) -> None:
        """Commit what was inserted."""
        self._connection.commit()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class SqliteLoader(_Loader):
    """Inserts rows into an SQLite file."""

    _dropped = (
        "SELECT type, name, sql FROM sqlite_master WHERE sql LIKE 'CREATE INDEX %' "
        "OR type = 'trigger' AND sql LIKE '%INSERT INTO search_words%'"
    )
    _after = ("INSERT INTO search_words (search_words) VALUES ('rebuild')",)

    maintenance: Final = ("PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA optimize")

    def __init__(self, url: str) -> None:
        self._connection = sqlite3.connect(make_url(url).database or "")
        self._connection.row_factory = sqlite3.Row
        # Do not wait for the disk, because examples can be made again. The cache may use 2 GB, so
        # that the indexes of random ids fit into it.
        for pragma in ("synchronous = OFF", "cache_size = -2000000", "busy_timeout = 30000"):
            self._connection.execute(f"PRAGMA {pragma}")

    def as_stored(self, value: uuid.UUID) -> str:
        """Return an id as the database stores it."""
        return value.hex

    def query(self, sql: str) -> list[Row]:
        """Return the rows of a query."""
        return [dict(row) for row in self._connection.execute(sql)]

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows. Each row has a value for each of `columns`."""
        placeholders = ",".join("?" * len(columns))
        into = f"{table} ({','.join(columns)})"
        self._connection.executemany(f"INSERT INTO {into} VALUES ({placeholders})", rows)  # noqa: S608 -- names of our own tables

    def count_on(self, table: str) -> None:
        """Make automatic numbering continue after the highest inserted id."""

    def maintain(self) -> None:
        """Checkpoint the database and update its statistics, as is usual for a database in use."""
        for statement in self.maintenance:
            self._connection.execute(statement).fetchall()


class PostgresLoader(_Loader):
    """Inserts rows into a PostgreSQL database with COPY."""

    _dropped = (
        "SELECT 'INDEX' AS type, indexrelid::regclass AS name, pg_get_indexdef(indexrelid) AS sql "
        "FROM pg_index WHERE NOT indisunique AND indrelid IN "
        "(SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace)"
    )

    maintenance: Final = ("VACUUM ANALYZE", "CHECKPOINT")

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, row_factory=dict_row)
        self._connection.execute("SET synchronous_commit = off")
        self._connection.commit()
        try:
            # In the role `replica`, PostgreSQL does not check foreign keys. Checking them takes
            # long.
            self._connection.execute("SET session_replication_role = replica")
        except psycopg.errors.InsufficientPrivilege:
            self._connection.rollback()
        self._connection.commit()

    def as_stored(self, value: uuid.UUID) -> str:
        """Return an id as the database stores it."""
        return str(value)

    def query(self, sql: str) -> list[Row]:
        """Return the rows of a query."""
        rows: list[Row] = self._connection.execute(sql).fetchall()
        self._connection.commit()
        return rows

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows. Each row has a value for each of `columns`."""
        copy = f"COPY {table} ({','.join(columns)}) FROM STDIN"
        with self._connection.cursor().copy(copy) as into:
            lines: list[str] = []
            for row in rows:
                lines.append("\t".join(map(_as_copied, row)))
                if len(lines) == _LINES_AT_A_TIME:
                    into.write("\n".join(lines) + "\n")
                    lines.clear()
            into.write("".join(line + "\n" for line in lines))

    def count_on(self, table: str) -> None:
        """Make automatic numbering continue after the highest inserted id."""
        sequence = f"pg_get_serial_sequence('{table}', 'id')"
        self._connection.execute(f"SELECT setval({sequence}, max(id)) FROM {table}")  # noqa: S608 -- a name of our own table

    def maintain(self) -> None:
        """Checkpoint the database and update its statistics, as is usual for a database in use."""
        self._connection.autocommit = True
        for statement in self.maintenance:
            self._connection.execute(statement)
        self._connection.autocommit = False


def _as_copied(value: Any) -> str:
    """Return a value in the text format of COPY."""
    match value:
        case None:
            return r"\N"
        case bytes():
            return r"\\x" + value.hex()
        case dict():
            value = json.dumps(value)
        case bool():
            return "t" if value else "f"
    text = str(value)
    if "\\" in text or "\n" in text or "\t" in text:
        text = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
    return text
