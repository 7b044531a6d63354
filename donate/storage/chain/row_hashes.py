"""Reads the rows that the chain covers, and hashes each. Both databases give the same hashes.

A row's canonical form is JSON with sorted keys. Times are in UTC to the microsecond, ids of gifts
have 32 hexadecimal digits, JSON columns are nested values, and empty columns are left out.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy import JSON, Executable, Uuid, bindparam, func, select, type_coerce
from sqlalchemy.types import NullType
from sqlmodel import Session, SQLModel

from donate.storage.column_types import UtcDateTime

MIN_ID: Final = -(2**63)
MAX_ID: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ChainedTable:
    """A table that the chain covers. `recorded` is the column with the time of recording.

    The hash covers only these columns. If a column is added here later, it has to be empty in the
    rows that the chain already covers, because their hashes were computed without it.
    """

    name: str
    columns: Sequence[str]
    recorded: str


CHAINED: Final = (
    ChainedTable(
        "gift_fact",
        (
            *("id", "gift_id", "kind", "source_id", "amount_minor", "currency"),
            *("happened_at", "recorded_at", "actor", "evidence"),
        ),
        "recorded_at",
    ),
    ChainedTable(
        "staff_act",
        ("id", "staff_id", "act", "about", "address", "happened_at", "detail"),
        "happened_at",
    ),
    ChainedTable(
        "chain_amendment",
        (
            *("id", "position", "number", "removed", "redacted", "rows_before", "rows_after"),
            *("why", "about", "actor", "recorded_at"),
        ),
        "recorded_at",
    ),
)


@dataclass(frozen=True, slots=True)
class HashedRow:
    """A row's id, its canonical time of recording, and the hash of its canonical form."""

    id: int
    recorded: str
    hash: bytes


def canonical_time(value: object) -> object:
    """Return a time as text, such as 2026-03-01T12:00:00.000000Z.

    SQLite returns times as text. The text is not parsed, because somebody may have changed it to
    something that is not a time.
    """
    if isinstance(value, datetime):
        utc = value if value.tzinfo is None else value.astimezone(UTC)
        return utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    return value.replace(" ", "T") + "Z" if isinstance(value, str) else value


def _canonical_uuid(value: object) -> object:
    return value.hex if isinstance(value, UUID) else value


def canonical_json(value: object) -> object:
    """Return what a JSON column holds. SQLite returns it as text, PostgreSQL's driver parsed."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


_encode: Final[Callable[[object], str]] = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), default=repr
).encode


@cache
def _converters(table: ChainedTable) -> dict[int, Callable[[object], object]]:
    """Return the conversion function for each column that the two databases store differently."""
    by_type = {UtcDateTime: canonical_time, Uuid: _canonical_uuid, JSON: canonical_json}
    columns = SQLModel.metadata.tables[table.name].c
    return {
        place: convert
        for place, name in enumerate(table.columns)
        for kind, convert in by_type.items()
        if isinstance(columns[name].type, kind)
    }


def hash_row(table: ChainedTable, raw: Sequence[Any]) -> HashedRow:
    """Hash a row. `raw` contains the values of the table's columns as the database stores them."""
    values = list(raw)
    for place, convert in _converters(table).items():
        values[place] = convert(values[place])
    named = dict(zip(table.columns, values, strict=True))
    form = _encode({name: value for name, value in named.items() if value is not None})
    return HashedRow(named["id"], str(named[table.recorded]), sha256(form.encode()).digest())


def hashed_rows(
    session: Session, table: ChainedTable, *, first: int, last: int, limit: int = MAX_ID
) -> list[HashedRow]:
    """Read and hash up to `limit` rows with ids from `first` to `last`, sorted by id."""
    parameters = {"first": first, "last": last, "limit": limit}
    rows: Iterable[Sequence[Any]] = session.connection().execute(_rows(table), parameters)
    return [hash_row(table, row) for row in rows]


@cache
def _rows(table: ChainedTable) -> Executable:
    columns = SQLModel.metadata.tables[table.name].c
    # Read plain values instead of times and enums, because a damaged value must not raise.
    raw = (type_coerce(columns[name], NullType()) for name in table.columns)
    is_in_range = columns.id.between(bindparam("first"), bindparam("last"))
    statement = select(*raw).where(is_in_range)
    return statement.order_by(columns.id).limit(bindparam("limit"))


def newest_id(session: Session, table: ChainedTable) -> int:
    """Return the highest id that is visible; MIN_ID if the table is empty."""
    newest: int | None = session.execute(
        select(func.max(SQLModel.metadata.tables[table.name].c.id))
    ).scalar()
    return MIN_ID if newest is None else newest
