"""Has all databases of one test run share what SQLAlchemy compiled.

Each test has a database of its own, and each engine would compile every statement anew.
"""

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

COMPILED: dict[Any, Any] = {}


def share_compiled_statements() -> None:
    """From here on, databases of one kind compile alike, and look where others have compiled."""
    for dialect in (PGDialect_psycopg, SQLiteDialect_pysqlite):
        # The dialect is a part of what compiled statements are kept under.
        dialect.__eq__ = _are_of_one_kind  # type: ignore[method-assign]
        dialect.__hash__ = _hash_of_the_kind  # type: ignore[assignment]
    event.listen(Engine, "engine_connect", _look_there)


def _are_of_one_kind(one: object, other: object) -> bool:
    return type(one) is type(other)


def _hash_of_the_kind(one: object) -> int:
    return hash(type(one))


def _look_there(connection: Connection) -> None:
    connection.execution_options(compiled_cache=COMPILED)
