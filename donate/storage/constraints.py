"""Checks every constraint of the tables against the rows that are there. Reads only.

A constraint that somebody switched off, dropped, or got round with a tool of their own protects
nothing; the audit names it, and the rows that it should have refused.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Table,
    TextClause,
    UniqueConstraint,
    and_,
    exists,
    func,
    inspect,
    not_,
    select,
    text,
)
from sqlalchemy.sql.expression import ColumnElement, FromClause
from sqlmodel import Session, SQLModel

APPEND_ONLY: Final = ("gift_fact", "staff_act")
# What refuses any change to the rows that are only ever added.
_SQLITE_GUARDS: Final = {f"{t}_no_{verb}" for t in APPEND_ONLY for verb in ("UPDATE", "DELETE")}
_SQLITE_TRIGGERS: Final = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
_POSTGRESQL_GUARDS: Final = {f"{table}_append_only" for table in APPEND_ONLY}
# 'O' and 'A' fire in an ordinary session; 'D' is switched off, 'R' fires on a replica only.
_POSTGRESQL_TRIGGERS: Final = "SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')"


def broken_constraints(session: Session) -> Iterator[str]:
    """Say, a line each, which constraint is missing, and how many rows break one."""
    inspector = inspect(session.connection())
    for table in SQLModel.metadata.sorted_tables:
        there = {c["name"] for c in inspector.get_check_constraints(table.name)}
        there |= {c["name"] for c in inspector.get_unique_constraints(table.name)}
        for constraint in table.constraints:
            by_name = isinstance(constraint, CheckConstraint | UniqueConstraint)
            if by_name and constraint.name and constraint.name not in there:
                yield f"{table.name}: the constraint {constraint.name} is missing"
        for rule, rows in _rows_against(table):
            count = session.execute(select(func.count()).select_from(rows)).scalar_one()
            if count:
                yield f"{table.name}: {count} rows break the rule: {rule}"
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    wanted = _SQLITE_GUARDS if on_sqlite else _POSTGRESQL_GUARDS
    triggers = text(_SQLITE_TRIGGERS if on_sqlite else _POSTGRESQL_TRIGGERS)
    for name in sorted(wanted - set(session.execute(triggers).scalars())):
        yield f"the trigger {name}, which refuses changes, is missing or switched off"


def _rows_against(table: Table) -> Iterator[tuple[str, FromClause]]:
    for column in table.columns:
        if not column.nullable:
            yield f"{column.name} is not empty", _where(table, column.is_(None))
    for constraint in table.constraints:
        match constraint:
            case CheckConstraint():
                yield str(constraint.sqltext), _where(table, text(f"NOT ({constraint.sqltext})"))
            case ForeignKeyConstraint():
                rule = (
                    f"{', '.join(constraint.column_keys)} names a {constraint.referred_table.name}"
                )
                yield rule, _where(table, _leads_nowhere(table, constraint))
            case UniqueConstraint():
                columns = list(constraint.columns)
                rule = f"{', '.join(column.name for column in columns)} is there once"
                yield rule, _repeated(columns)


def _where(table: Table, condition: ColumnElement[bool] | TextClause) -> FromClause:
    return select(table).where(condition).subquery()


def _leads_nowhere(table: Table, constraint: ForeignKeyConstraint) -> ColumnElement[bool]:
    # An alias, because a table may point at itself.
    target = constraint.referred_table.alias("target")
    pairs = [(key.parent, target.c[key.column.name]) for key in constraint.elements]
    given = and_(*(column.is_not(None) for column, _ in pairs))
    found = exists().where(*(column == there for column, there in pairs)).correlate(table)
    return and_(given, not_(found))


def _repeated(columns: list[Column[object]]) -> FromClause:
    given = and_(*(column.is_not(None) for column in columns))
    return select(*columns).where(given).group_by(*columns).having(func.count() > 1).subquery()
