"""One run of an export. Its rows are counted and added up while they are read.

The count and the sums are the control totals. They are compared with the day totals, which the
ledger keeps independently, in the same database snapshot.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from sqlmodel import Session

from donate.finance.exports.cells import Cells, cells_of
from donate.finance.exports.columns import CellType
from donate.finance.exports.queries import ROWS_AT_A_TIME
from donate.finance.exports.registry import Export
from donate.gifts.movements.totals import add_up
from donate.money import Money
from donate.storage.database import Database

PROGRESS_EVERY: Final = 10_000


class ExportRun:
    """One run of an export for one person. `cells` can be read only once."""

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
        """Whether the rows add up to the day totals; None if they cannot be compared."""
        self.agrees_with_payouts: bool | None = None
        """Whether the rows add up to the amounts of payouts; None if they cannot be compared."""
        self.made_at = made_at
        self._database = database
        self._made_by = made_by
        self._on_progress = on_progress
        # The sum of each amount column in minor units, by currency and the column's name.
        self._sums: Counter[tuple[str, str]] = Counter()
        self._counts: Counter[str] = Counter()

    def cells(self) -> Iterator[Cells]:
        """Yield the cells of the rows, a block of rows at a time.

        Raises an error, such as DatabaseBusy, if reading the rows fails.
        """
        with self._database.reading_snapshot() as session:
            with closing(self.export.read(session)) as found:
                yield from self._cells_of(found)
            self.agrees = self._agrees_with_day_totals(session)
            if self.export.adds_up:
                self.agrees_with_payouts = self.export.adds_up(session, self._sums)
        self.is_complete = True

    def _cells_of(self, rows: Iterator[Any]) -> Iterator[Cells]:
        while some := list(islice(rows, ROWS_AT_A_TIME)):
            cells = cells_of(self.export.layout, some)
            yield cells
            # Count rows only after they are written, so that an incomplete file states how many
            # rows it really has.
            before, self.count = self.count, self.count + len(some)
            self._counts.update(cells.currencies)
            self._add_up(cells)
            if self.count // PROGRESS_EVERY > before // PROGRESS_EVERY:
                self._on_progress(self.count)

    def _add_up(self, cells: Cells) -> None:
        for column, values in zip(self.export.layout.columns, cells.columns, strict=True):
            if column.type is CellType.AMOUNT:
                for amount in values:
                    assert isinstance(amount, tuple)
                    self._sums[amount[1], column.name] += amount[0]

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
        """Return the sum of each amount column as a decimal number, by currency."""
        sums: dict[str, dict[str, str]] = {}
        for (currency, column), amount in sorted(self._sums.items()):
            sums.setdefault(currency, {})[column] = write_decimal(amount, currency)
        return sums

    def control_totals(self) -> dict[str, Any]:
        """Return the control totals for all rows read so far, for JSON or a sheet."""
        return {
            "export": self.export.layout.name,
            "columns_version": self.export.layout.version,
            "filter": dict(self.export.filters),
            "complete": self.is_complete,
            "rows": self.count,
            "sums": self.sums(),
            "agrees_with_day_totals": self.agrees,
            **({"agrees_with_payouts": self.agrees_with_payouts} if self.export.adds_up else {}),
            "made_at": self.made_at.isoformat(timespec="seconds"),
            "made_by": self._made_by,
        }

    def broken_off(self, error: BaseException) -> str:
        """Return the last line of an incomplete file, whose export failed part-way."""
        return (
            f"INCOMPLETE: the export broke off after {self.count} rows "
            f"({type(error).__name__}). Do not use this file; export it again."
        )


@lru_cache(10_000)
def write_decimal(amount_minor: int, currency: str) -> str:
    """Return an amount as a decimal number with its currency's digits: `-50.00`, `5000` for yen."""
    return f"{Money(amount_minor, currency).decimal:f}"
