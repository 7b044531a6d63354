"""The sort orders of lists of gifts. Each has an index, along which a page is read."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from donate.gifts.listing.filters import GIFT, MOVEMENT
from donate.gifts.status import StatusName

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_BETWEEN: Final = "~"
_NOTHING: Final = "-"
_MOST_DIGITS: Final = 18

Position = tuple[Any, ...]
"""A gift's values of the sort keys. No two gifts share the last value."""


class SortName(StrEnum):
    """What a list of gifts is sorted by."""

    STARTED = "started"
    RECEIVED = "received"
    AMOUNT = "amount"
    STATUS = "status"
    REFERENCE = "reference"
    MOVED = "moved"
    """Sorts by the latest movement within the filter's days; only for a filter on movements."""


@dataclass(frozen=True, slots=True)
class GiftOrder:
    """What a list is sorted by, and in which direction."""

    sort: SortName = SortName.STARTED
    descending: bool = True

    @property
    def has_gaps(self) -> bool:
        """Whether the first sort key is NULL for some gifts. These gifts always come last."""
        return self.sort is SortName.RECEIVED

    @property
    def follows_movements(self) -> bool:
        """Whether the sort keys are columns of movements."""
        return self.sort is SortName.MOVED

    def keys(self, gift: Any = GIFT) -> tuple[Any, ...]:
        """Return the columns to sort by. `gift` has the columns of the gift table."""
        match self.sort:
            case SortName.STARTED:
                return gift.opened_at, gift.id
            case SortName.RECEIVED:
                return gift.received_on, gift.id
            case SortName.AMOUNT:
                return gift.currency, gift.amount_minor, gift.id
            case SortName.STATUS:
                return gift.status, gift.opened_at, gift.id
            case SortName.REFERENCE:
                return (gift.reference,)
            case SortName.MOVED:
                return MOVEMENT.day, MOVEMENT.id

    @property
    def kinds(self) -> Sequence[type]:
        """The types of the sort keys' values."""
        match self.sort:
            case SortName.STARTED:
                return datetime, uuid.UUID
            case SortName.RECEIVED:
                return date, uuid.UUID
            case SortName.AMOUNT:
                return str, int, uuid.UUID
            case SortName.STATUS:
                return StatusName, datetime, uuid.UUID
            case SortName.REFERENCE:
                return (str,)
            case SortName.MOVED:
                return date, int


def write_position(position: Position) -> str:
    """Return a position as text for a link."""
    return _BETWEEN.join(map(_write_key, position))


def read_position(text: str, order: GiftOrder) -> Position | None:
    """Return the position that a link contains; None if the text is not valid in this order."""
    parts = text.split(_BETWEEN)
    if len(parts) != len(order.kinds):
        return None
    try:
        return tuple(
            None if order.has_gaps and not number and part == _NOTHING else _read_key(part, kind)
            for number, (part, kind) in enumerate(zip(parts, order.kinds, strict=True))
        )
    except (ValueError, OverflowError):
        return None


def _write_key(value: Any) -> str:
    match value:
        case None:
            return _NOTHING
        case datetime():
            return str((value - _EPOCH) // _MICROSECOND)
        case date():
            return value.isoformat()
        case uuid.UUID():
            return value.hex
        case _:
            return str(value)


def _read_key(part: str, kind: type) -> Any:
    if kind in (int, datetime):
        if not (part.isascii() and part.isdigit() and len(part) <= _MOST_DIGITS):
            raise ValueError(part)
        return int(part) if kind is int else _EPOCH + int(part) * _MICROSECOND
    if kind is date:
        return date.fromisoformat(part)
    if kind is str and not (part.isascii() and part.isprintable() and part):
        raise ValueError(part)
    return kind(part)
