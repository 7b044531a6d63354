"""Read-only queries for the activity page. Each query uses an index.

A filter for several people or kinds of action needs one look-up for each of them, and the most
recent entries from all look-ups are kept. If no index covers a part of the filter, at most SEARCHED
entries are read, and the page says how far back the search went.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, literal_column, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from donate.finance.activity.trail import REFUSED
from donate.finance.models import Staff, StaffAct
from donate.gifts.models import Gift

SEARCHED: Final = 2_000
# A literal, not a parameter: the database uses a partial index only if the statement contains the
# text of the index's condition.
_REFUSED: Final[ColumnElement[str]] = literal_column(f"'{REFUSED}'")


@dataclass(frozen=True, slots=True)
class ActCursor:
    """The position of a trail entry in the list, which is sorted by time and then by id."""

    happened_at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class ActFilter:
    """Which trail entries to list. An empty value does not filter.

    The staff id None finds entries that are not about a member of staff.
    """

    is_refused: bool = False
    staff_ids: Sequence[int | None] = ()
    acts: Sequence[str] = ()
    about: str = ""
    address: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class FoundActs:
    """The trail entries found.

    `searched_to` is set if the search stopped early, before it found enough entries.
    """

    acts: list[StaffAct] = field(default_factory=list)
    searched_to: ActCursor | None = None


@dataclass(frozen=True, slots=True)
class _Search:
    """A search for trail entries: the filter, the start, the maximum number, and the direction."""

    filters: ActFilter
    cursor: ActCursor | None
    limit: int
    newest_first: bool


def cursor_of(act: StaffAct) -> ActCursor:
    """Return the position of a trail entry in the list."""
    assert act.id is not None
    return ActCursor(act.happened_at, act.id)


def find_acts(
    session: Session,
    filters: ActFilter,
    *,
    limit: int,
    after: ActCursor | None = None,
    before: ActCursor | None = None,
) -> FoundActs:
    """Return up to `limit` trail entries after a cursor or just before one, newest first."""
    search = _Search(filters, after or before, limit, newest_first=before is None)
    found: list[StaffAct] = []
    ends: list[ActCursor] = []
    for indexed, others in _lookups(filters):
        acts, end_of_search = _look_up(session, search, indexed, others)
        found += acts
        ends += [end_of_search] if end_of_search else []
    found.sort(key=_key, reverse=search.newest_first)
    end = None
    if ends:
        # A look-up that stopped early has not read past its stopping point. So drop all entries
        # past the stopping point that comes first.
        end = (max if search.newest_first else min)(ends, key=lambda c: (c.happened_at, c.id))
        here = (end.happened_at, end.id)
        found = [
            act for act in found if _key(act) == here or (_key(act) > here) == search.newest_first
        ]
    is_cut = len(found) < limit
    found = found[:limit]
    return FoundActs(found if search.newest_first else found[::-1], end if is_cut else None)


def _key(act: StaffAct) -> tuple[datetime, int]:
    return act.happened_at, act.id or 0


Conditions = Mapping[str, Any]


def _lookups(filters: ActFilter) -> Iterable[tuple[Conditions, Conditions]]:
    """Yield pairs of conditions: one to look up in an index, one to check on each entry."""
    acts = [REFUSED] if filters.is_refused else list(filters.acts)
    lists: dict[str, list[Any]] = {"staff_id": list(filters.staff_ids), "act": acts}
    lists = {name: values for name, values in lists.items() if values}
    texts = {name: text for name in ("about", "address") if (text := getattr(filters, name))}
    if "about" in texts:
        yield {"about": texts.pop("about")}, lists | texts
    elif "address" in texts and not filters.staff_ids and not filters.acts:
        yield texts, lists
    else:
        for values in itertools.product(*lists.values()):
            yield dict(zip(lists, values, strict=True)), texts


def _look_up(
    session: Session, search: _Search, indexed: Conditions, others: Conditions
) -> tuple[list[StaffAct], ActCursor | None]:
    """Return the entries that one index finds, and where the search stopped, if it did so early.

    The index covers the conditions in `indexed`. Those in `others` are checked on each entry.
    """
    filters, newest_first = search.filters, search.newest_first
    at, number = col(StaffAct.happened_at), col(StaffAct.id)
    order = (at.desc(), number.desc()) if newest_first else (at, number)
    along = select(StaffAct).where(*_equal(StaffAct, indexed)).order_by(*order)
    if not filters.is_refused:
        along = along.where(col(StaffAct.act) != _REFUSED)
    if filters.since:
        along = along.where(at >= filters.since)
    if filters.until:
        along = along.where(at < filters.until)
    if search.cursor:
        position = tuple_(at, number)
        here = (search.cursor.happened_at, search.cursor.id)
        along = along.where(position < here if newest_first else position > here)
    if not others:
        return list(session.exec(along.limit(search.limit))), None
    near = aliased(StaffAct, along.limit(SEARCHED).subquery())
    near_order = (col(near.happened_at), col(near.id))
    matching = (
        select(near)
        .where(*_equal(near, others))
        .order_by(*((each.desc() if newest_first else each) for each in near_order))
    )
    last = session.exec(along.offset(SEARCHED - 1).limit(1)).first()
    return list(session.exec(matching.limit(search.limit))), cursor_of(last) if last else None


def _equal(table: Any, conditions: Conditions) -> list[ColumnElement[bool]]:
    return [
        _is_one_of(getattr(table, name), value if isinstance(value, list) else [value])
        for name, value in conditions.items()
    ]


def _is_one_of(column: Any, values: list[Any]) -> ColumnElement[bool]:
    some: ColumnElement[bool] = column.in_([value for value in values if value is not None])
    if len(values) == 1:
        only: ColumnElement[bool] = column == values[0]
        return only
    return some | column.is_(None) if None in values else some


def staff_names(session: Session) -> dict[int, str]:
    """Return the name of each member of staff, sorted by name."""
    rows = session.exec(select(Staff.id, Staff.name).order_by(Staff.name, col(Staff.id)))
    return {staff_id: name for staff_id, name in rows if staff_id is not None}


def gifts_named(session: Session, references: Iterable[str]) -> dict[str, Gift]:
    """Return the gifts that have one of these references, by reference."""
    named = set(references)
    gifts = session.exec(select(Gift).where(col(Gift.reference).in_(named))) if named else ()
    return {gift.reference: gift for gift in gifts}
