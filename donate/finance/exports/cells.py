"""Converts the rows of an export to cells, a column at a time, because one by one is slow."""

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
"""A cell is None only if a day is missing. Times and flags are texts."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The columns of some rows, each with one cell for each row, and the rows' currencies."""

    columns: list[Sequence[Cell]]
    currencies: Sequence[str]


def cells_of(layout: ExportLayout, rows: Sequence[Any]) -> Cells:
    """Return the cells of these rows, of which there is at least one."""
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
    """Return the values of rows, by their sources."""
    if isinstance(rows[0], Row):
        return dict(zip(rows[0]._fields, zip(*rows, strict=True), strict=True))
    return {source: list(map(attrgetter(source), rows)) for source in sources}


def _local(moment: datetime, row: Any) -> str:
    return moment.astimezone(ZoneInfo(row.time_zone)).isoformat(timespec="seconds")
