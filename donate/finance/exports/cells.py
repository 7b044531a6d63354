"""Converts the rows of an export to cells.

It converts a whole column at a time, because converting cells one by one is slow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row

from donate.finance.exports.columns import CellType, ExportLayout

Amount = tuple[int, str]
"""An amount in minor units, and its currency."""
Cell = str | date | Amount | None
"""The value of a cell. It is None only if a date is missing; times and flags are texts."""


@dataclass(frozen=True, slots=True)
class Cells:
    """A block of rows, stored as columns, and the currency of each row."""

    columns: list[Sequence[Cell]]
    currencies: Sequence[str]


def cells_of(layout: ExportLayout, rows: Sequence[Any]) -> Cells:
    """Return the cells of these rows. There must be at least one row."""
    sources = [column.source for column in layout.columns]
    values = _values_of(rows, {*sources, "currency"})
    currencies = values["currency"]

    def converted(kind: CellType, column: Sequence[Any]) -> Sequence[Cell]:
        match kind:
            case CellType.TEXT:
                return [str(value) if value else "" for value in column]
            case CellType.FLAG:
                return ["yes" if value else "no" for value in column]
            case CellType.DAY:
                return column
            case CellType.TIME:
                return list(map(_local, column, rows))
            case CellType.AMOUNT:
                return list(zip((value or 0 for value in column), currencies, strict=True))

    columns = [
        converted(column.type, values[source])
        for column, source in zip(layout.columns, sources, strict=True)
    ]
    return Cells(columns, currencies)


def _values_of(rows: Sequence[Any], sources: set[str]) -> dict[str, Sequence[Any]]:
    """Return, for each attribute in `sources`, its value in each row."""
    if isinstance(rows[0], Row):
        return dict(zip(rows[0]._fields, zip(*rows, strict=True), strict=True))
    return {source: list(map(attrgetter(source), rows)) for source in sources}


def _local(moment: datetime, row: Any) -> str:
    return moment.astimezone(ZoneInfo(row.time_zone)).isoformat(timespec="seconds")
