"""Writes many rows at once: new ones as far as they are new, or changes, each to a row of its own.

One statement for any number of rows, since a VALUES list would be compiled anew for each number.
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
# A parameter named like its column would be a value to set.
_OF_ID: Final = "of_id"


def insert_new(session: Session, table: type[SQLModel], rows: Rows) -> int:
    """Insert rows, leaving out those that a UNIQUE constraint knows already. Returns how many."""
    if not rows:
        return 0
    session.flush()
    names = tuple(rows[0])
    dialect = session.get_bind().dialect.name
    statement = _insert(str(table.__tablename__), names, dialect)
    if dialect != "sqlite":  # then it takes one row, in which each column is a list
        rows = [{name: [row[name] for row in rows] for name in names}]
    return session.connection().execute(statement, rows).rowcount


def update_each(session: Session, table: type[SQLModel], rows: dict[Any, dict[str, Any]]) -> None:
    """Write values over those of the rows with these ids; each row gives the same columns."""
    if not rows:
        return
    session.flush()
    given = [{_OF_ID: row_id, **values} for row_id, values in rows.items()]
    statement = _update(str(table.__tablename__), tuple(given[0])[1:])
    session.connection().execute(statement, given)


@cache
def _insert(table: str, names: tuple[str, ...], dialect: str) -> Executable:
    into = SQLModel.metadata.tables[table]
    insert = sqlite.insert(into) if dialect == "sqlite" else _insert_columns(into, names)
    # PostgreSQL says -1 without that option.
    return insert.on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def _insert_columns(into: Table, names: tuple[str, ...]) -> postgresql.Insert:
    """One statement for any number of rows, each column a list: half the work of row by row."""
    left_out = [column for column in into.columns if column.name not in names]
    # It would be called once for all rows.
    assert not any(c.default is not None and c.default.is_callable for c in left_out), into.name
    columns = (func.unnest(bindparam(name, type_=_list_for(into.c[name]))) for name in names)
    return postgresql.insert(into).from_select(names, select(*columns))


def _list_for(column: Column[Any]) -> ARRAY[Any]:
    # As a list of its own type, PostgreSQL would cut a text that is too long without a word.
    kind = Text() if isinstance(column.type, AutoString) else column.type
    return ARRAY(kind, dimensions=1)


@cache
def _update(table: str, names: tuple[str, ...]) -> Update:
    # Row by row on PostgreSQL too: a join with lists, planned while the table was small, would walk
    # through all of it when it has grown.
    into = SQLModel.metadata.tables[table]
    of_row = update(into).where(into.c.id == bindparam(_OF_ID))
    return of_row.values({name: bindparam(name) for name in names})
