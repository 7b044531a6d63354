"""Reads one page of a list of gifts. What a page costs does not grow with the number of gifts.

There are two ways to read a page. If one of the filter fields alone matches few gifts, these gifts
are looked up and sorted. Otherwise the gifts are read along the index of the sort order, from the
page's position, and gifts that do not match are skipped. At most MOST_READ gifts are read for a
page. If that is not enough to fill it, the page is shorter, and the next page continues from there.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, exists, func, literal, select, tuple_
from sqlmodel import Session, col

from donate.gifts.listing.filters import (
    EXACT_DAYS,
    FILTERED_COLUMNS,
    GIFT,
    MOVEMENT,
    GiftFilter,
    gift_conditions,
    moved_within,
)
from donate.gifts.listing.orders import GiftOrder, Position, SortName
from donate.gifts.models import Donor, Gift
from donate.gifts.movements.models import GiftMovement
from donate.storage.bulk_writes import table_of

MOST_READ: Final = 6_000
# If one filter field matches at most this many gifts, they are looked up and sorted.
_FEW: Final = 3_000
_NO_LIMIT: Final = 1_000_000_000
# How many gifts to read for a page at the first, second and third try. Most filters match often, so
# the first try usually fills the page.
_WINDOWS: Final = (250, 1_000, MOST_READ)

Conditions = Sequence[ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class ListedGift:
    """A gift of a list with its donor and its position."""

    gift: Gift
    donor: Donor
    position: Position


@dataclass(frozen=True, slots=True)
class GiftsFound:
    """The gifts that were found, in the order of the list.

    `stopped_at` is the position where reading stopped because MOST_READ gifts were read; None if
    the page is complete.
    """

    gifts: list[ListedGift]
    stopped_at: Position | None = None


def list_gifts(
    session: Session,
    filters: GiftFilter,
    order: GiftOrder,
    *,
    limit: int,
    start: Position | None = None,
    backwards: bool = False,
) -> GiftsFound:
    """Return up to `limit` gifts after the position `start`, or before it if `backwards`."""
    reader = _Reader(session, filters, order, backwards=backwards)
    found: list[tuple[uuid.UUID, Position]] = []
    stopped_at = None
    for section in reader.sections(start):
        within = start if start and section.contains(start) else None
        more, stopped_at = reader.read(section, limit - len(found), within)
        found += more
        if len(found) >= limit or stopped_at:
            break
    gifts = _load(session, [gift_id for gift_id, _ in found])
    listed = [ListedGift(*gifts[gift_id], position) for gift_id, position in found]
    return GiftsFound(listed[::-1] if backwards else listed, stopped_at)


def _load(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[Gift, Donor]]:
    both = select(Gift, Donor).join(Donor, col(Donor.id) == col(Gift.donor_id))
    rows = session.execute(both.where(col(Gift.id).in_(ids))) if ids else ()
    return {gift.id: (gift, donor) for gift, donor in rows}


@dataclass(frozen=True, slots=True)
class _Section:
    """A part of a list that is read with its own queries: gifts with the same first sort key.

    `value` is this sort key. If `is_open` is true, `value` is ignored, and the section has all
    gifts whose first sort key is not NULL.
    """

    value: Any = None
    is_open: bool = True

    def contains(self, position: Position) -> bool:
        return position[0] is not None if self.is_open else position[0] == self.value


class _Reader:
    """Reads gifts along the index of an order, in one direction."""

    def __init__(
        self, session: Session, filters: GiftFilter, order: GiftOrder, *, backwards: bool
    ) -> None:
        self._session = session
        self._filters = filters
        self._order = order
        self._backwards = backwards
        self._descending = order.descending != backwards
        self._conditions = gift_conditions(filters)
        self._along = _fields_along(filters, order) & self._conditions.keys()
        self._few = self._find_few()

    def sections(self, start: Position | None) -> list[_Section]:
        """Return the sections to read, in reading order, from the one that contains `start`."""
        filters, sections = self._filters, [_Section()]
        values: Sequence[str] = ()
        match self._order.sort:
            case SortName.STATUS:
                values = filters.statuses
            case SortName.AMOUNT:
                values = filters.currencies
            case SortName.RECEIVED:
                # Gifts without any received money come last, whether the order ascends or descends.
                sections.append(_Section(None, is_open=False))
        if values:
            in_order = sorted(set(values), reverse=self._order.descending)
            sections = [_Section(value, is_open=False) for value in in_order]
        if self._backwards:
            sections.reverse()
        while start and sections and not sections[0].contains(start):
            del sections[0]
        return sections

    def read(
        self, section: _Section, limit: int, start: Position | None
    ) -> tuple[list[tuple[uuid.UUID, Position]], Position | None]:
        """Return up to `limit` gifts of a section, and the position if reading stopped early.

        Each gift is returned as its id and its position.
        """
        if self._few is not None:
            return self._rows(self._among_few(self._few, section, start).limit(limit)), None
        scope = self._scope(section, start, self._order.keys())
        if self._order.follows_movements:
            scope += moved_within(self._filters)
        else:
            scope += [self._conditions[name] for name in self._along]
        if not self._fields_on_the_way and not self._order.follows_movements:
            return self._rows(self._walk(scope).limit(limit)), None
        found: list[tuple[uuid.UUID, Position]] = []
        end = None
        for window in _WINDOWS:
            found = self._rows(self._matching(scope, window).limit(limit))
            if len(found) >= limit:
                return found, None
            ends = self._rows(self._walk(scope).offset(window - 1).limit(1))
            if not ends:
                return found, None
            end = ends[0][1]
        return found, end

    @property
    def _fields_on_the_way(self) -> list[str]:
        """The filter fields that have to be checked for each gift that is read along the index."""
        return [name for name in self._conditions if name not in self._along]

    def _find_few(self) -> Select[Any] | None:
        """Return a statement that selects the ids of all gifts that match one field of the filter.

        The field is one that at most _FEW gifts match. Returns None if there is no such field.
        """
        for name in self._fields_on_the_way:
            if name == EXACT_DAYS:
                continue
            gift_id, condition = GIFT.id, [self._conditions[name]]
            if name == "days" and self._filters.by == "moved":
                gift_id, condition = MOVEMENT.gift_id, moved_within(self._filters)
            some = (
                select(literal(1).label("one"))
                .select_from(gift_id.table)
                .where(*condition)
                .limit(_FEW + 1)
            )
            count = select(func.count()).select_from(some.subquery())
            if (self._session.scalar(count) or 0) <= _FEW:
                return select(gift_id).where(*condition).limit(_FEW + 1)
        return None

    def _scope(
        self, section: _Section, start: Position | None, keys: Sequence[Any]
    ) -> list[ColumnElement[bool]]:
        """Return the conditions that select the gifts after `start` in a section."""
        scope: list[ColumnElement[bool]] = []
        if not section.is_open:
            scope.append(keys[0].is_(None) if section.value is None else keys[0] == section.value)
            keys, start = keys[1:], start and start[1:]
        elif self._order.has_gaps:
            scope.append(keys[0].is_not(None))
        if start:
            here = tuple_(*keys)
            scope.append(here < start if self._descending else here > start)
        return scope

    def _among_few(
        self, few: Select[Any], section: _Section, start: Position | None
    ) -> Select[Any]:
        """Return a statement that looks up few gifts by their ids, then filters and sorts them."""
        of_few = (MOVEMENT.gift_id if self._order.follows_movements else GIFT.id).in_(few)
        near = self._fenced(self._unsorted().where(of_few), _NO_LIMIT)
        keys = self._keys_in(near)
        conditions = list(gift_conditions(self._filters, near).values())
        if self._order.follows_movements:
            conditions += moved_within(self._filters, keys[0])
            conditions.append(_is_latest_movement(self._filters, near.gift_id, keys))
        conditions += self._scope(section, start, keys)
        return select(near.gift_id, *keys).where(*conditions).order_by(*self._sorted(keys))

    def _unsorted(self) -> Select[Any]:
        """Return a statement that reads the ids of gifts and the values of their sort keys."""
        statement = select(GIFT.id.label("gift_id"), *_labelled(self._order.keys()))
        if self._order.follows_movements:
            statement = statement.join(table_of(Gift), GIFT.id == MOVEMENT.gift_id)
        return statement

    def _walk(self, conditions: Conditions) -> Select[Any]:
        """Return a statement that reads gift ids and sort key values along the order's index."""
        keys = self._sorted(self._order.keys())
        return self._unsorted().where(*conditions).order_by(*keys)

    def _matching(self, scope: Conditions, window: int) -> Select[Any]:
        """Return a statement that reads `window` gifts along the index and filters them."""
        near = self._fenced(self._walk(scope), window)
        keys = self._keys_in(near)
        conditions = gift_conditions(self._filters, near)
        rest = [conditions[name] for name in self._fields_on_the_way]
        if self._order.follows_movements:
            rest.append(_is_latest_movement(self._filters, near.gift_id, keys))
        return select(near.gift_id, *keys).where(*rest).order_by(*self._sorted(keys))

    def _fenced(self, statement: Select[Any], limit: int) -> Any:
        """Make the statement a subquery that has FILTERED_COLUMNS too, and return its columns.

        A filter condition inside the subquery could make the database's planner choose another
        index and read far more gifts. A limit prevents that: no planner moves conditions into a
        subquery with a limit.
        """
        return statement.add_columns(*FILTERED_COLUMNS).limit(limit).subquery("near").c

    def _keys_in(self, near: Any) -> list[Any]:
        return [near[label.name] for label in _labelled(self._order.keys())]

    def _sorted(self, keys: Sequence[Any]) -> list[Any]:
        return [key.desc() if self._descending else key.asc() for key in keys]

    def _rows(self, statement: Select[Any]) -> list[tuple[uuid.UUID, Position]]:
        return [(gift_id, tuple(keys)) for gift_id, *keys in self._session.execute(statement)]


def _labelled(keys: Sequence[Any]) -> list[Any]:
    return [key.label(f"key_{number}") for number, key in enumerate(keys)]


def _fields_along(filters: GiftFilter, order: GiftOrder) -> set[str]:
    """Return the filter fields that limit the range of the order's index, and need no check."""
    match order.sort:
        case SortName.STARTED:
            fields = {"statuses"} if len(filters.statuses) == 1 else set()
            return fields | ({"days"} if filters.by == "chosen" else set())
        case SortName.RECEIVED:
            return {"days"} if filters.by == "received" else set()
        case SortName.AMOUNT:
            return {"currencies", "amounts"}
        case SortName.STATUS:
            return {"statuses"}
        case SortName.REFERENCE:
            return set()
        case SortName.MOVED:
            return {"days"}


def _is_latest_movement(
    filters: GiftFilter, gift_id: Any, keys: Sequence[Any]
) -> ColumnElement[bool]:
    """Return the SQL condition that a movement is its gift's latest one in the filter's days."""
    later = table_of(GiftMovement).alias("later").c
    conditions = [later.gift_id == gift_id, tuple_(later.day, later.id) > tuple_(*keys)]
    if filters.last_day:
        conditions.append(later.day <= filters.last_day)
    return ~exists().where(*conditions)
