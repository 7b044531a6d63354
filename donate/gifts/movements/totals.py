"""Reads the totals by day, and merges the rows that transactions have added to them."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, String, cast, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from donate.gifts.movements.models import DayTotal, Subject
from donate.gifts.movements.recorder import TotalKey, total_rows
from donate.storage.bulk_writes import table_of
from donate.storage.database import Database

# Merge rows when this many wait to be merged. Adding up so many takes a few milliseconds.
_MERGE_FROM: Final = 500
_MERGE_AT_MOST: Final = 5_000
_KEY: Final = ("day", "subject", "kind", "currency", "code", "mode", "fund")


@dataclass(frozen=True, slots=True)
class TotalFilter:
    """Which totals to add up. Empty values do not filter. The first and last day are included."""

    subject: Subject
    first_day: date | None = None
    last_day: date | None = None
    kinds: Collection[str] = ()
    currencies: Collection[str] = ()
    codes: Collection[str] = ()
    modes: Collection[str] = ()
    funds: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class PeriodTotal:
    """How many gifts or movements share the values in `group`, and their sum in minor units."""

    group: tuple[str, ...]
    currency: str
    count: int
    amount_minor: int


def add_up(session: Session, filters: TotalFilter, *, by: Sequence[str] = ()) -> list[PeriodTotal]:
    """Return a total for each currency and each value of the columns in `by`, sorted by these.

    `by` names columns of DayTotal, or "month" for months such as 2026-03.
    """
    groups = [_group(name) for name in by]
    currency = col(DayTotal.currency)
    count, amount = func.sum(col(DayTotal.count)), func.sum(col(DayTotal.amount_minor))
    statement = select(*groups, currency, count, amount).where(
        col(DayTotal.subject) == filters.subject
    )
    if filters.first_day:
        statement = statement.where(col(DayTotal.day) >= filters.first_day)
    if filters.last_day:
        statement = statement.where(col(DayTotal.day) <= filters.last_day)
    for column, values in (
        (col(DayTotal.kind), filters.kinds),
        (currency, filters.currencies),
        (col(DayTotal.code), filters.codes),
        (col(DayTotal.mode), filters.modes),
        (col(DayTotal.fund), filters.funds),
    ):
        if values:
            statement = statement.where(column.in_(values))
    rows = session.execute(
        statement.group_by(*groups, currency)
        .having((count != 0) | (amount != 0))
        .order_by(*groups, currency)
    )
    # PostgreSQL sums a BIGINT column as NUMERIC, so convert the sums with int().
    return [
        PeriodTotal(tuple(map(str, row[: len(by)])), row[-3], int(row[-2]), int(row[-1]))
        for row in rows
    ]


def _group(name: str) -> ColumnElement[Any]:
    if name == "month":
        return func.substr(cast(table_of(DayTotal).c.day, String), 1, 7)
    column: ColumnElement[Any] = table_of(DayTotal).c[name]
    return column


def stored_totals(session: Session) -> dict[TotalKey, tuple[int, int]]:
    """Return the count and the amount of every total, by its key."""
    columns = [table_of(DayTotal).c[name] for name in _KEY]
    count, amount = func.sum(col(DayTotal.count)), func.sum(col(DayTotal.amount_minor))
    rows = session.execute(select(*columns, count, amount).group_by(*columns))
    return {TotalKey(*values): (int(count), int(amount)) for *values, count, amount in rows}


class TotalsMerger:
    """A background job that merges the rows of each total, so that reading a total stays fast."""

    def __init__(self, database: Database, *, merge_from: int = _MERGE_FROM) -> None:
        self._database = database
        self._merge_from = merge_from

    def merge_due(self) -> int:
        """Merge rows once enough have gathered; return how many were merged."""
        row_id, is_merged = col(DayTotal.id), col(DayTotal.is_merged)
        to_merge = select(row_id).where(~is_merged)
        with self._database.reading() as session:
            last = self._merge_from - 1
            if session.execute(to_merge.order_by(row_id).offset(last).limit(1)).first() is None:
                return 0
        with self._database.writing() as session:
            # Skip rows that another process is merging.
            some = to_merge.limit(_MERGE_AT_MOST).with_for_update(skip_locked=True)
            columns = (table_of(DayTotal).c[name] for name in (*_KEY, "count", "amount_minor"))
            rows = session.execute(delete(DayTotal).where(row_id.in_(some)).returning(*columns))
            counts: Counter[TotalKey] = Counter()
            amounts: Counter[TotalKey] = Counter()
            merged = 0
            for *values, count, amount in rows:
                key = TotalKey(*values)
                counts[key] += count
                amounts[key] += amount
                merged += 1
            # Sort the rows, so that processes which update the same totals cannot deadlock.
            new = sorted(
                total_rows(counts, amounts, is_merged=True),
                key=lambda row: tuple(str(row[name]) for name in _KEY),
            )
            if new:
                dialect = session.get_bind().dialect.name
                session.connection().execute(_add_to_merged(dialect), new)
        return merged


@cache
def _add_to_merged(dialect: str) -> Any:
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(table_of(DayTotal))
    stored = table_of(DayTotal).c
    return insert.on_conflict_do_update(
        index_elements=list(_KEY),
        index_where=stored.is_merged,
        set_={
            "count": stored.count + insert.excluded["count"],
            "amount_minor": stored.amount_minor + insert.excluded.amount_minor,
        },
    )
