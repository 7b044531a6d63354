"""A collection of objects of one kind, sorted by age. A page of it can start at any object."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any

StripeObject = dict[str, Any]


class Shelf:
    """Objects sorted by `created`, then by insertion. Look-ups and insertions stay fast."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._objects: dict[str, StripeObject] = {}
        self._places: dict[str, tuple[int, int]] = {}
        self._order: list[tuple[int, int, str]] = []

    def put(self, thing: StripeObject) -> None:
        object_id = thing["id"]
        assert object_id not in self._objects, f"{object_id} is already on the shelf"
        self._objects[object_id] = thing
        self._places[object_id] = (thing["created"], len(self._places))
        insort(self._order, (*self._places[object_id], object_id))

    def remove(self, object_id: str) -> None:
        del self._objects[object_id]
        self._order.remove((*self._places[object_id], object_id))

    def get(self, object_id: str) -> StripeObject | None:
        return self._objects.get(object_id)

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[StripeObject]:
        return iter(self._objects.values())

    def newest_first(self, older_than: str | None = None) -> Iterator[StripeObject]:
        end = len(self._order) if older_than is None else self._index(older_than)
        return (self._objects[self._order[index][2]] for index in range(end - 1, -1, -1))

    def oldest_first(self, newer_than: str) -> Iterator[StripeObject]:
        start = self._index(newer_than) + 1
        return (self._objects[self._order[index][2]] for index in range(start, len(self._order)))

    def _index(self, object_id: str) -> int:
        return bisect_left(self._order, (*self._places[object_id], object_id))
