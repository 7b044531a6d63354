"""Reads what the service holds about a donor, table by table, as the inventory says."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import Session, SQLModel

from donate.personal_data.donor_scope import DonorScope
from donate.personal_data.inventory.all_tables import INVENTORY
from donate.personal_data.inventory.entries import PersonalTable, RowKey
from donate.personal_data.stripe_fields import personal_fields

Keys = dict[RowKey, set[Any]]
# SQLite allows some ten thousand values in a statement.
_KEYS_AT_A_TIME: Final = 500
_FOLDED: Final = {RowKey.ADDRESS: func.lower, RowKey.BANK_REFERENCE: func.upper}


@dataclass(frozen=True, slots=True)
class HeldTable:
    """The rows of a table that are about a donor, with their columns in the inventory's order."""

    table: PersonalTable
    rows: Sequence[dict[str, Any]]


def collect(session: Session, scope: DonorScope) -> list[HeldTable]:
    """Return every table that has rows about a donor. Use one snapshot of the database."""
    return [
        HeldTable(entry, [_exported(entry, row, scope) for row in rows])
        for entry, rows in _held(session, scope)
        if rows
    ]


def held_rows(session: Session, scope: DonorScope) -> dict[str, list[dict[str, Any]]]:
    """Return the whole rows about a donor, by the names of the tables."""
    return {entry.name: rows for entry, rows in _held(session, scope)}


def _held(
    session: Session, scope: DonorScope
) -> Iterator[tuple[PersonalTable, list[dict[str, Any]]]]:
    keys: Keys = defaultdict(set)
    keys[RowKey.PROFILE] |= set(scope.profile_ids)
    keys[RowKey.GIFT] |= set(scope.gift_ids)
    keys[RowKey.ADDRESS] |= set(scope.addresses)
    keys[RowKey.SUBJECT] |= {f"donor {each}" for each in scope.profile_ids}
    for entry in INVENTORY:
        if scope.is_for_donor and not entry.for_donor:
            continue
        rows = _rows_about(session, entry, keys)
        if scope.is_for_donor and entry.joined_by_staff:
            rows = [row for row in rows if row[entry.joined_by_staff] is None]
        _add_keys(keys, entry, rows)
        yield entry, rows


def _rows_about(session: Session, entry: PersonalTable, keys: Keys) -> list[dict[str, Any]]:
    """Return the rows of a table that have one of the keys, in the order of the primary key."""
    table = SQLModel.metadata.tables[entry.name]
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for column, key in entry.found_by.items():
        fold = _FOLDED.get(key)
        compared = fold(table.c[column]) if fold else table.c[column]
        for some in batches(sorted(keys[key])):
            for row in session.execute(select(table).where(compared.in_(some))):
                values = dict(row._mapping)
                found[tuple(values[each.name] for each in table.primary_key)] = values
    return [found[each] for each in sorted(found)]


def batches(keys: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """Yield the keys in groups that a statement can hold."""
    for first in range(0, len(keys), _KEYS_AT_A_TIME):
        yield keys[first : first + _KEYS_AT_A_TIME]


def _add_keys(keys: Keys, entry: PersonalTable, rows: Iterable[dict[str, Any]]) -> None:
    for key, column in entry.gives.items():
        keys[key] |= {row[column] for row in rows}
    if RowKey.BANK_REFERENCE in entry.gives:
        # The source of a fact about a transfer is `REFERENCE#k`; see `bank/received_transfers.py`.
        sources = keys[RowKey.BANK_REFERENCE]
        keys[RowKey.BANK_REFERENCE] = {each.partition("#")[0].upper() for each in sources}
    # The subject of an act about a bank line is `bank line 7`, or `bank line 7, ` and a reference.
    lines = [f"bank line {each}" for each in keys[RowKey.LINE]]
    if RowKey.LINE in entry.gives:
        references = tuple(keys[RowKey.SUBJECT])
        keys[RowKey.SUBJECT] |= {*lines, *(f"{a}, {b}" for a in lines for b in references)}


def _exported(entry: PersonalTable, row: dict[str, Any], scope: DonorScope) -> dict[str, Any]:
    """Return the exported columns of a row, as values for JSON."""
    values = {column: _for_json(row[column]) for column in entry.fields}
    if scope.is_for_donor and entry.staffs_words:
        for value in values.values():
            if isinstance(value, dict):
                for word in entry.staffs_words:
                    value.pop(word, None)
    return values


def _for_json(value: Any) -> Any:
    """Return a value for JSON. From what Stripe sent, keep only what is about the person."""
    match value:
        case UUID():
            return value.hex
        case date():  # a datetime is a date, too
            return value.isoformat()
        case bytes():
            text = value.decode(errors="replace")
            try:
                return personal_fields(json.loads(text))
            except ValueError:
                return text
        case _:
            return value
