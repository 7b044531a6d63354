"""Writes many rows at once: new ones as far as they are new, or changes, each to a row of its own.

One statement for any number of rows, since a VALUES list would be compiled anew for each number.
SQLite's is run for each row; PostgreSQL's takes one row in which each column is a list, which is
half the work.
"""

from functools import cache
from typing import Any, Final

from sqlalchemy import ARRAY, ColumnElement, Executable, Table, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

Rows = list[dict[str, Any]]
# A parameter named like its column would be a value to set.
_OF_ID: Final = "of_id"


def insert_new(session: Session, table: type[SQLModel], rows: Rows) -> int:
    """Insert rows, leaving out those that a UNIQUE constraint knows already. Returns how many."""
    if not rows:
        return 0
    session.flush()
    dialect = session.get_bind().dialect.name
    statement = _insert(str(table.__tablename__), tuple(rows[0]), dialect)
    return session.connection().execute(statement, _parameters(rows, dialect)).rowcount


def update_each(session: Session, table: type[SQLModel], rows: dict[Any, dict[str, Any]]) -> None:
    """Write values over those of the rows with these ids."""
    if not rows:
        return
    given = [{_OF_ID: row_id, **values} for row_id, values in rows.items()]
    dialect = session.get_bind().dialect.name
    statement = _update(str(table.__tablename__), tuple(given[0])[1:], dialect)
    session.connection().execute(statement, _parameters(given, dialect))


def _parameters(rows: Rows, dialect: str) -> Rows:
    return rows if dialect == "sqlite" else [{name: [r[name] for r in rows] for name in rows[0]}]


@cache
def _insert(table: str, names: tuple[str, ...], dialect: str) -> Executable:
    into = SQLModel.metadata.tables[table]
    insert = sqlite.insert(into) if dialect == "sqlite" else _insert_columns(into, names)
    # PostgreSQL says -1 without that option.
    return insert.on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def _insert_columns(into: Table, names: tuple[str, ...]) -> postgresql.Insert:
    left_out = [column for column in into.columns if column.name not in names]
    # It would be called once for all rows.
    assert not any(c.default is not None and c.default.is_callable for c in left_out), into.name
    return postgresql.insert(into).from_select(names, select(*(_list(into, n) for n in names)))


@cache
def _update(table: str, names: tuple[str, ...], dialect: str) -> Executable:
    into = SQLModel.metadata.tables[table]
    if dialect == "sqlite":
        own = update(into).where(into.c.id == bindparam(_OF_ID))
        return own.values({name: bindparam(name) for name in names})
    lists = [_list(into, "id", _OF_ID), *(_list(into, name) for name in names)]
    new = select(*lists).subquery("new").c
    return update(into).where(into.c.id == new[_OF_ID]).values({n: new[n] for n in names})


def _list(into: Table, column: str, name: str = "") -> ColumnElement[Any]:
    given = bindparam(name or column, type_=ARRAY(into.c[column].type, dimensions=1))
    return func.unnest(given).label(name or column)
