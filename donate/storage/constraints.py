"""Checks that all constraints and triggers exist, and that all rows obey the rules. Only reads.

Somebody may have dropped, disabled or bypassed a constraint. The audit reports what is missing, and
counts the rows that break a rule.
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

APPEND_ONLY: Final = (
    *("gift_fact", "staff_act", "chain_link", "chain_amendment"),
    *("letter_text", "reminder_choice"),
    *("close_request", "closed_month", "closed_month_pack", "kept_entry", "kept_line"),
)
# Of these tables, rows may be removed or redacted, but only with an amendment of the chain.
AMENDED: Final = ("gift_fact", "staff_act")
_AMENDING_GUARDS: Final = {
    *(f"{table}_keeps_what_happened" for table in AMENDED),
    "chain_permit_is_recorded",
}
# The names of the triggers that refuse to update or delete a row.
_SQLITE_GUARDS: Final = _AMENDING_GUARDS | {
    f"{t}_no_{verb}" for t in APPEND_ONLY for verb in ("UPDATE", "DELETE")
}
_SQLITE_TRIGGERS: Final = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
_POSTGRESQL_GUARDS: Final = (
    _AMENDING_GUARDS
    | {f"{table}_append_only" for table in APPEND_ONLY}
    | {f"{table}_no_truncate" for table in AMENDED}
)
# Triggers marked 'O' and 'A' fire in ordinary sessions. 'D' are disabled, 'R' fire on replicas
# only.
_POSTGRESQL_TRIGGERS: Final = "SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')"


def broken_constraints(session: Session) -> Iterator[str]:
    """Yield a line for each missing constraint or trigger, and for each rule that rows break."""
    inspector = inspect(session.connection())
    for table in SQLModel.metadata.sorted_tables:
        names = {c["name"] for c in inspector.get_check_constraints(table.name)}
        names |= {c["name"] for c in inspector.get_unique_constraints(table.name)}
        for constraint in table.constraints:
            is_listed = isinstance(constraint, CheckConstraint | UniqueConstraint)
            if is_listed and constraint.name and constraint.name not in names:
                yield f"{table.name}: the constraint {constraint.name} is missing"
        for rule, rows in _rows_against(table):
            count = session.execute(select(func.count()).select_from(rows)).scalar_one()
            if count:
                yield f"{table.name}: {count} rows break the rule: {rule}"
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    expected = _SQLITE_GUARDS if on_sqlite else _POSTGRESQL_GUARDS
    triggers = text(_SQLITE_TRIGGERS if on_sqlite else _POSTGRESQL_TRIGGERS)
    for name in sorted(expected - set(session.execute(triggers).scalars())):
        yield f"the trigger {name}, which refuses changes, is missing or disabled"


def _rows_against(table: Table) -> Iterator[tuple[str, FromClause]]:
    for column in table.columns:
        if not column.nullable:
            yield f"{column.name} is not empty", _where(table, column.is_(None))
    for constraint in table.constraints:
        match constraint:
            case CheckConstraint():
                yield str(constraint.sqltext), _where(table, text(f"NOT ({constraint.sqltext})"))
            case ForeignKeyConstraint():
                names = ", ".join(constraint.column_keys)
                rule = f"{names} refers to a {constraint.referred_table.name}"
                yield rule, _where(table, _is_dangling(table, constraint))
            case UniqueConstraint():
                columns = list(constraint.columns)
                rule = f"{', '.join(column.name for column in columns)} is unique"
                yield rule, _repeated(columns)


def _where(table: Table, condition: ColumnElement[bool] | TextClause) -> FromClause:
    return select(table).where(condition).subquery()


def _is_dangling(table: Table, constraint: ForeignKeyConstraint) -> ColumnElement[bool]:
    # The query needs an alias, because a table may refer to itself.
    target = constraint.referred_table.alias("target")
    pairs = [(key.parent, target.c[key.column.name]) for key in constraint.elements]
    is_set = and_(*(column.is_not(None) for column, _ in pairs))
    has_target = exists().where(*(column == other for column, other in pairs)).correlate(table)
    return and_(is_set, not_(has_target))


def _repeated(columns: list[Column[object]]) -> FromClause:
    is_set = and_(*(column.is_not(None) for column in columns))
    return select(*columns).where(is_set).group_by(*columns).having(func.count() > 1).subquery()
