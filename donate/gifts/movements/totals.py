"""Reads the totals by day, and merges the rows that transactions have added to them."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, String, bindparam, cast, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from donate.gifts.movements.models import TOTAL_KEY, DayTotal, PrunedTotal, Subject
from donate.gifts.movements.recorder import TotalKey, total_rows
from donate.storage.bulk_writes import table_of
from donate.storage.database import Database

# Merge rows when this many wait to be merged. Adding up so many takes a few milliseconds.
_MERGE_FROM: Final = 500
_MERGE_AT_MOST: Final = 5_000


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
    limits = {each.name: getattr(filters, each.name) for each in fields(filters)}
    limits = {name: value for name, value in limits.items() if value}
    statement = _sums(tuple(by), frozenset(limits))
    # PostgreSQL sums a BIGINT column as NUMERIC, so convert the sums with int().
    return [
        PeriodTotal(tuple(map(str, row[: len(by)])), row[-3], int(row[-2]), int(row[-1]))
        for row in session.connection().execute(statement, limits)
    ]


@cache
def _sums(by: tuple[str, ...], limits: frozenset[str]) -> Select[Any]:
    """Return the statement for totals that these fields of a TotalFilter limit.

    It is cached, because a page needs several, and building one takes longer than running it.
    """
    total = table_of(DayTotal).c
    count, amount = func.sum(total["count"]), func.sum(total.amount_minor)
    conditions = {
        "subject": total.subject == bindparam("subject"),
        "first_day": total.day >= bindparam("first_day"),
        "last_day": total.day <= bindparam("last_day"),
        "kinds": total.kind.in_(bindparam("kinds", expanding=True)),
        "currencies": total.currency.in_(bindparam("currencies", expanding=True)),
        "codes": total.code.in_(bindparam("codes", expanding=True)),
        "modes": total.mode.in_(bindparam("modes", expanding=True)),
        "funds": total.fund.in_(bindparam("funds", expanding=True)),
    }
    groups = (*map(_group, by), total.currency)
    return (
        select(*groups, count, amount)
        .where(*(condition for name, condition in conditions.items() if name in limits))
        .group_by(*groups)
        .having((count != 0) | (amount != 0))
        .order_by(*groups)
    )


def _group(name: str) -> ColumnElement[Any]:
    if name == "month":
        return func.substr(cast(table_of(DayTotal).c.day, String), 1, 7)
    column: ColumnElement[Any] = table_of(DayTotal).c[name]
    return column


def stored_totals(session: Session) -> dict[TotalKey, tuple[int, int]]:
    """Return the count and the amount of every total, by its key."""
    columns = [table_of(DayTotal).c[name] for name in TOTAL_KEY]
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
            columns = (table_of(DayTotal).c[name] for name in (*TOTAL_KEY, "count", "amount_minor"))
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
                key=lambda row: tuple(str(row[name]) for name in TOTAL_KEY),
            )
            if new:
                dialect = session.get_bind().dialect.name
                session.connection().execute(_add_to_stored(dialect, DayTotal), new)
        return merged


def add_pruned(session: Session, counts: Counter[TotalKey], amounts: Counter[TotalKey]) -> None:
    """Record that totals still count these pruned gifts, besides those that were pruned before.

    `counts` and `amounts` say how many gifts each total counts, and their sum in minor units.
    """
    new = [
        {name: value for name, value in row.items() if name != "is_merged"}
        for row in total_rows(counts, amounts)
    ]
    new.sort(key=lambda row: tuple(str(row[name]) for name in TOTAL_KEY))
    if new:
        insert = _add_to_stored(session.get_bind().dialect.name, PrunedTotal)
        session.connection().execute(insert, new)


def pruned_totals(session: Session) -> dict[TotalKey, tuple[int, int]]:
    """Return the number of pruned gifts that each total still counts, and their sum."""
    table = table_of(PrunedTotal).c
    rows = session.execute(select(*(table[name] for name in (*TOTAL_KEY, "count", "amount_minor"))))
    return {TotalKey(*key): (count, amount) for *key, count, amount in rows}


@cache
def _add_to_stored(dialect: str, model: type[DayTotal | PrunedTotal]) -> Any:
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(table_of(model))
    stored = table_of(model).c
    return insert.on_conflict_do_update(
        index_elements=list(TOTAL_KEY),
        index_where=stored.is_merged if model is DayTotal else None,
        set_={
            "count": stored.count + insert.excluded["count"],
            "amount_minor": stored.amount_minor + insert.excluded.amount_minor,
        },
    )
