"""Lets all databases of a test run share SQLAlchemy's cache of compiled statements.

Each test has its own database and engine, and without a shared cache every engine would compile
every statement again.
"""

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

COMPILED: dict[Any, Any] = {}


def share_compiled_statements() -> None:
    """Make every SQLAlchemy engine use one shared cache of compiled SQL statements."""
    for dialect in (PGDialect_psycopg, SQLiteDialect_pysqlite):
        # The dialect is part of the cache key, so the dialects of two engines have to be equal.
        dialect.__eq__ = _is_same_kind  # type: ignore[method-assign]
        dialect.__hash__ = _hash_of_kind  # type: ignore[assignment]
    event.listen(Engine, "engine_connect", _use_cache)


def _is_same_kind(one: object, other: object) -> bool:
    return type(one) is type(other)


def _hash_of_kind(one: object) -> int:
    return hash(type(one))


def _use_cache(connection: Connection) -> None:
    connection.execution_options(compiled_cache=COMPILED)
