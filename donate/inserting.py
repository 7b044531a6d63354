"""Inserts many rows at once, each only if it is new."""

from functools import cache
from typing import Any

from sqlalchemy import ARRAY, Executable, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel


def insert_new(session: Session, table: type[SQLModel], rows: list[dict[str, Any]]) -> int:
    """Insert rows, leaving out those that a UNIQUE constraint knows already. Returns how many."""
    if not rows:
        return 0
    session.flush()
    names = tuple(rows[0])
    if session.get_bind().dialect.name == "sqlite":
        statement, given = _insert_each(str(table.__tablename__)), rows
    else:
        statement = _insert_columns(str(table.__tablename__), names)
        given = [{name: [row[name] for row in rows] for name in names}]
    return session.connection().execute(statement, given).rowcount


@cache
def _insert_each(table: str) -> Executable:
    # One statement run for many rows: a VALUES list would be compiled anew for each number of them.
    return sqlite.insert(SQLModel.metadata.tables[table]).on_conflict_do_nothing()


@cache
def _insert_columns(table: str, names: tuple[str, ...]) -> Executable:
    """One statement for any number of rows, each column a list: half the work of row by row."""
    into = SQLModel.metadata.tables[table]
    left_out = [column for column in into.columns if column.name not in names]
    # It would be called once for all rows.
    assert not any(c.default is not None and c.default.is_callable for c in left_out), table
    lists = {name: ARRAY(into.c[name].type, dimensions=1) for name in names}
    columns = (func.unnest(bindparam(name, type_=kind)) for name, kind in lists.items())
    statement = postgresql.insert(into).from_select(names, select(*columns))
    # PostgreSQL says -1 without.
    return statement.on_conflict_do_nothing().execution_options(preserve_rowcount=True)
