"""Inserts or updates many rows with one statement.

The statement is the same for any number of rows, so it is compiled only once. A statement with a
VALUES list would be compiled again for each number of rows.

What it buys: on PostgreSQL a batch of inserts is one statement. One statement for each row would be
twice the work.
Shown by: part a of `make bench`, durable answers and confirmed gifts a second.
Delete it when: those stay above their targets with `session.execute(insert(table), rows)`.
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
# The name of the parameter with a row's id. If it were `id`, SQLAlchemy would also set that column.
_OF_ID: Final = "of_id"


def table_of(model: type[SQLModel]) -> Table:
    """Return the table of a model, for statements that run without the ORM."""
    return SQLModel.metadata.tables[str(model.__tablename__)]


def insert_new(session: Session, table: type[SQLModel], rows: Rows) -> int:
    """Insert rows, except those that violate a UNIQUE constraint. Return how many were inserted."""
    if not rows:
        return 0
    session.flush()
    names = tuple(rows[0])
    dialect = session.get_bind().dialect.name
    statement = _insert(str(table.__tablename__), names, dialect)
    if dialect != "sqlite":  # PostgreSQL gets one list of values for each column
        rows = [{name: [row[name] for row in rows] for name in names}]
    return session.connection().execute(statement, rows).rowcount


def update_each(session: Session, table: type[SQLModel], rows: dict[Any, dict[str, Any]]) -> None:
    """Update the rows with these ids. The new values must be of the same columns in every row."""
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
    # Without this option, SQLAlchemy returns a rowcount of -1 on PostgreSQL.
    return insert.on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def _insert_columns(into: Table, names: tuple[str, ...]) -> postgresql.Insert:
    """Return an INSERT that takes a list for each column. It is twice as fast as row by row."""
    omitted = [column for column in into.columns if column.name not in names]
    # If a function computes the default of a column, this INSERT would call it only once and use
    # the same value in all rows. So such columns must not be omitted.
    assert not any(c.default is not None and c.default.is_callable for c in omitted), into.name
    columns = (func.unnest(bindparam(name, type_=_array_type(into.c[name]))) for name in names)
    return postgresql.insert(into).from_select(names, select(*columns))


def _array_type(column: Column[Any]) -> ARRAY[Any]:
    # Use TEXT: in an array of varchar(n), PostgreSQL would silently truncate a text that is too
    # long.
    kind = Text() if isinstance(column.type, AutoString) else column.type
    return ARRAY(kind, dimensions=1)


@cache
def _update(table: str, names: tuple[str, ...]) -> Update:
    # Update row by row on PostgreSQL too. A join with arrays would be planned while the table is
    # small, and would still scan the whole table when it is large.
    into = SQLModel.metadata.tables[table]
    by_id = update(into).where(into.c.id == bindparam(_OF_ID))
    return by_id.values({name: bindparam(name) for name in names})
