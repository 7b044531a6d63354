"""Inserts many rows at once, each only if it is new."""

from functools import cache
from typing import Any

from sqlalchemy import ARRAY, Executable, Table, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel


def insert_new(session: Session, table: type[SQLModel], rows: list[dict[str, Any]]) -> int:
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


@cache
def _insert(table: str, names: tuple[str, ...], dialect: str) -> Executable:
    # One statement run for many rows: a VALUES list would be compiled anew for each number of them.
    into = SQLModel.metadata.tables[table]
    insert = sqlite.insert(into) if dialect == "sqlite" else _insert_columns(into, names)
    # PostgreSQL says -1 without that option.
    return insert.on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def _insert_columns(into: Table, names: tuple[str, ...]) -> postgresql.Insert:
    """One statement for any number of rows, each column a list: half the work of row by row."""
    left_out = [column for column in into.columns if column.name not in names]
    # It would be called once for all rows.
    assert not any(c.default is not None and c.default.is_callable for c in left_out), into.name
    lists = {name: ARRAY(into.c[name].type, dimensions=1) for name in names}
    columns = (func.unnest(bindparam(name, type_=kind)) for name, kind in lists.items())
    return postgresql.insert(into).from_select(names, select(*columns))
