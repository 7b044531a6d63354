"""Deep copies of objects, so that an event or answer never changes later."""

from typing import Any


def deep_copy(value: Any) -> Any:
    """Return a deep copy of JSON-like data.

    Every event contains a copy, and `copy.deepcopy` would take several times as long.
    """
    if isinstance(value, dict):
        return {
            name: deep_copy(item) if isinstance(item, dict | list) else item
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [deep_copy(item) for item in value]
    return value
