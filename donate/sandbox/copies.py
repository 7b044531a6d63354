"""Copies of objects, so that what was said once does not change with what becomes of it."""

from typing import Any


def deep_copy(thing: Any) -> Any:
    """A full copy of what is made of dicts, lists and what never changes, as JSON is.

    Every event is a copy; copy.deepcopy, which must expect anything, takes several times as long.
    """
    if isinstance(thing, dict):
        return {
            name: deep_copy(value) if isinstance(value, dict | list) else value
            for name, value in thing.items()
        }
    if isinstance(thing, list):
        return [deep_copy(value) for value in thing]
    return thing
