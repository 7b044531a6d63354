"""Inserts and updates many rows with one statement.

The statement does not depend on the number of rows, so it is compiled once. A VALUES list would be
compiled again for each number.
"""

from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    Column,
    Executable,
    Table,
    Text,
    Update,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import AutoString, Session, SQLModel

Rows = list[dict[str, Any]]
# Must differ from the column name, or SQLAlchemy would treat the parameter as a value to set.
_OF_ID: Final = "of_id"


def table_of(model: type[SQLModel]) -> Table:
    """Return the table of a model, for statements that are built once and run without the ORM."""
    return SQLModel.metadata.tables[str(model.__tablename__)]


def insert_new(session: Session, table: type[SQLModel], rows: Rows) -> int:
    """Insert rows, skipping those that violate a UNIQUE constraint. Return how many were new."""
    if not rows:
        return 0
    session.flush()
    names = tuple(rows[0])
    dialect = session.get_bind().dialect.name
    statement = _insert(str(table.__tablename__), names, dialect)
    if dialect != "sqlite":  # one parameter set in which each column is a list
        rows = [{name: [row[name] for row in rows] for name in names}]
    return session.connection().execute(statement, rows).rowcount


def update_each(session: Session, table: type[SQLModel], rows: dict[Any, dict[str, Any]]) -> None:
    """Update the rows with these ids. Every row must give the same columns."""
    if not rows:
        return
    session.flush()
    parameters = [{_OF_ID: row_id, **values} for row_id, values in rows.items()]
    statement = _update(str(table.__tablename__), tuple(parameters[0])[1:])
    session.connection().execute(statement, parameters)


@cache
def _insert(table: str, names: tuple[str, ...], dialect: str) -> Executable:
    into = SQLModel.metadata.tables[table]
    insert = sqlite.insert(into) if dialect == "sqlite" else _insert_columns(into, names)
    # Without this option PostgreSQL returns a rowcount of -1.
    return insert.on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def _insert_columns(into: Table, names: tuple[str, ...]) -> postgresql.Insert:
    """Return an INSERT that takes each column as a list: half the work of inserting row by row."""
    omitted = [column for column in into.columns if column.name not in names]
    # A callable default would run once for all rows.
    assert not any(c.default is not None and c.default.is_callable for c in omitted), into.name
    columns = (func.unnest(bindparam(name, type_=_array_type(into.c[name]))) for name in names)
    return postgresql.insert(into).from_select(names, select(*columns))


def _array_type(column: Column[Any]) -> ARRAY[Any]:
    # In an array of varchar(n), PostgreSQL would silently truncate a text that is too long.
    kind = Text() if isinstance(column.type, AutoString) else column.type
    return ARRAY(kind, dimensions=1)


@cache
def _update(table: str, names: tuple[str, ...]) -> Update:
    # Row by row on PostgreSQL too: a join with arrays, planned while the table was small, would
    # scan the whole table after it has grown.
    into = SQLModel.metadata.tables[table]
    by_id = update(into).where(into.c.id == bindparam(_OF_ID))
    return by_id.values({name: bindparam(name) for name in names})
