"""Inserts, updates or deletes rows in bulk."""

from typing import Any, cast

from sqlalchemy import CursorResult, Delete, Table, Update, bindparam, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

Rows = list[dict[str, Any]]


def table_of(model: type[SQLModel]) -> Table:
    """Return the table of a model, for statements that run without the ORM."""
    return SQLModel.metadata.tables[str(model.__tablename__)]


def insert_new(session: Session, model: type[SQLModel], rows: Rows) -> int:
    """Insert rows, except those that violate a UNIQUE constraint. Return how many were inserted."""
    if not rows:
        return 0
    session.flush()
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    insert = dialect.insert(table_of(model)).on_conflict_do_nothing()
    # Without this option, SQLAlchemy returns a rowcount of -1 on PostgreSQL.
    insert = insert.execution_options(preserve_rowcount=True)
    return session.connection().execute(insert, rows).rowcount


def update_each(session: Session, model: type[SQLModel], rows: dict[Any, dict[str, Any]]) -> None:
    """Update the rows with these ids. Every row must get new values in the same columns."""
    if not rows:
        return
    session.flush()
    table = table_of(model)
    statement = update(table).where(table.c.id == bindparam("row_id"))
    values = [{"row_id": row_id, **row} for row_id, row in rows.items()]
    session.connection().execute(statement, values)


def count_changed(session: Session, statement: Update | Delete) -> int:
    """Execute an UPDATE or DELETE; return how many rows it changed or deleted."""
    # According to its type hints, Session.execute does not return a CursorResult, but it does for
    # such a statement.
    return cast("CursorResult[Any]", session.execute(statement)).rowcount
