"""One run of an export: its rows, counted and added up while they are read.

The count and the sums are control totals. They are compared with the totals of days, which the
ledger keeps independently, in the same snapshot.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from donate.errors import BadInputs
from donate.finance.exports.columns import GIFT_LAYOUT, MOVEMENT_LAYOUT, CellValue, ExportLayout
from donate.finance.exports.queries import gift_export_rows, movement_export_rows
from donate.finance.gifts.filters import read_query
from donate.finance.movements.filters import read_movement_query
from donate.gifts.movements.models import Subject
from donate.gifts.movements.totals import TotalFilter, add_up
from donate.gifts.queries import GiftFilter
from donate.money import Money
from donate.regions.regions import Regions
from donate.storage.database import Database

PROGRESS_EVERY: Final = 10_000


@dataclass(frozen=True, slots=True)
class Export:
    """What to export: the columns, the filters as typed, and how to read the rows.

    `day_totals` selects the totals of days that the rows have to add up to; None if there are none
    for these filters.
    """

    layout: ExportLayout
    filters: Mapping[str, str]
    read: Callable[[Session], Generator[Any, None, None]]
    day_totals: TotalFilter | None


def read_export(name: str, query: Mapping[str, str], regions: Regions) -> Export:
    """Return the export with this name and these filters. Raises BadInputs."""
    if name == MOVEMENT_LAYOUT.name:
        movements = read_movement_query(query, regions)
        _raise_any(movements.problems)
        totals = movements.filter
        return Export(
            MOVEMENT_LAYOUT,
            _set_filters(movements.typed),
            lambda session: movement_export_rows(session, totals),
            totals,
        )
    gifts = read_query(query, list(regions))
    _raise_any(gifts.problems)
    chosen = gifts.filter
    return Export(
        GIFT_LAYOUT,
        _set_filters(gifts.typed),
        lambda session: gift_export_rows(session, chosen),
        _totals_of_gifts(chosen),
    )


def _raise_any(problems: Mapping[str, Any]) -> None:
    if problems:
        raise BadInputs(list(problems.values()))


def _set_filters(typed: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in typed.items() if value}


def _totals_of_gifts(filters: GiftFilter) -> TotalFilter | None:
    """Return the filter of totals that counts the same gifts; gifts count on the day they began."""
    if filters.by == "received" and (filters.first_day or filters.last_day):
        return None
    return TotalFilter(
        Subject.GIFT,
        first_day=filters.first_day,
        last_day=filters.last_day,
        kinds=[filters.status] if filters.status else (),
        codes=[filters.code] if filters.code else (),
        modes=[filters.mode] if filters.mode else (),
    )


class ExportRun:
    """One run of an export for one person. `rows` may be read once."""

    def __init__(
        self,
        export: Export,
        database: Database,
        *,
        made_by: str,
        made_at: datetime,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.export = export
        self.count = 0
        self.is_complete = False
        self.agrees: bool | None = None
        """Whether the rows add up to the totals of days; None if that is not known."""
        self.made_at = made_at
        self._database = database
        self._made_by = made_by
        self._on_progress = on_progress
        # A currency and the name of a column, with the sum in minor units.
        self._sums: Counter[tuple[str, str]] = Counter()
        self._counts: Counter[str] = Counter()

    def rows(self) -> Iterator[list[CellValue]]:
        """Yield the cells of each row. Raises an error, such as DatabaseBusy, if it breaks off."""
        with self._database.reading_snapshot() as session:
            with closing(self.export.read(session)) as found:
                yield from self._cells_of(found)
            self.agrees = self._agrees_with_day_totals(session)
        self.is_complete = True

    def _cells_of(self, rows: Iterator[Any]) -> Iterator[list[CellValue]]:
        columns = self.export.layout.columns
        for row in rows:
            cells = [column.value(row) for column in columns]
            self.count += 1
            self._counts[row.currency] += 1
            for column, cell in zip(columns, cells, strict=True):
                if isinstance(cell, Money):
                    self._sums[cell.currency, column.name] += cell.amount_minor
            yield cells
            if self.count % PROGRESS_EVERY == 0:
                self._on_progress(self.count)

    def _agrees_with_day_totals(self, session: Session) -> bool | None:
        if self.export.day_totals is None:
            return None
        totals = {
            total.currency: (total.count, total.amount_minor)
            for total in add_up(session, self.export.day_totals)
        }
        return totals == {
            currency: (count, self._sums[currency, "amount"])
            for currency, count in self._counts.items()
        }

    def sums(self) -> dict[str, dict[str, str]]:
        """Return, for each currency, the sum of each column of amounts as a decimal."""
        sums: dict[str, dict[str, str]] = {}
        for (currency, column), amount in sorted(self._sums.items()):
            sums.setdefault(currency, {})[column] = write_decimal(Money(amount, currency))
        return sums

    def control_totals(self) -> dict[str, Any]:
        """Return the control totals of what was read so far, for JSON or a sheet."""
        return {
            "export": self.export.layout.name,
            "columns_version": self.export.layout.version,
            "filter": dict(self.export.filters),
            "complete": self.is_complete,
            "rows": self.count,
            "sums": self.sums(),
            "agrees_with_day_totals": self.agrees,
            "made_at": self.made_at.isoformat(timespec="seconds"),
            "made_by": self._made_by,
        }

    def broken_off(self, error: BaseException) -> str:
        """Return the last line of a file whose export broke off."""
        return (
            f"INCOMPLETE: the export broke off after {self.count} rows "
            f"({type(error).__name__}). Do not use this file; export it again."
        )


def write_decimal(money: Money) -> str:
    """Return an amount as a plain decimal in its currency's digits: `-50.00`, `5000` for yen."""
    return f"{money.decimal:f}"
