"""Every table, which of its columns can hold a text, and where a text stands."""

from sqlalchemy import Column, String, cast, func, select
from sqlmodel import Session, SQLModel

import donate.app  # noqa: F401 -- defines all tables

TABLES = {table.name: table for table in SQLModel.metadata.sorted_tables}
# Types whose values cannot name anybody.
BARE = {"Integer", "BigInteger", "Boolean", "Date", "UtcDateTime", "Uuid", "EnumText"}


def can_hold_a_text(column: "Column[object]") -> bool:
    return type(column.type).__name__ not in BARE


def columns_with(session: Session, word: str) -> set[tuple[str, str]]:
    """Return each table and column in which a word stands."""
    found = set()
    for table in SQLModel.metadata.sorted_tables:
        for column in table.columns:
            text = cast(column, String)
            if column.type.__class__.__name__ == "LargeBinary":
                rows = session.execute(select(column)).scalars()
                is_there = any(word.encode() in bytes(row).lower() for row in rows)
            elif not can_hold_a_text(column):
                continue
            else:
                named = select(func.count()).where(func.lower(text).contains(word))
                is_there = bool(session.execute(named).scalar_one())
            if is_there:
                found.add((table.name, column.name))
    return found
