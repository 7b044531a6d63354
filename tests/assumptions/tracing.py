"""JSON of Stripe's that notes which of its fields are looked at."""

from typing import Any

# What stands in these is ours, not Stripe's.
_OURS = ("metadata",)


class Traced(dict[str, Any]):
    """A JSON object that writes the name of every field that is looked at into `seen`.

    A field is named after the object that it stands on: `charge.paid`, also within a payment.
    """

    def __init__(self, found: dict[str, Any], seen: set[str], path: str = "") -> None:
        kind = found.get("object")
        self._path = kind if isinstance(kind, str) and kind != "list" else path
        self._seen = seen
        super().__init__({name: self._inside(name, value) for name, value in found.items()})

    def _inside(self, name: str, value: Any) -> Any:
        if isinstance(value, dict) and name not in _OURS:
            return Traced(value, self._seen, f"{self._path}.{name}")
        if isinstance(value, list):
            return [self._inside(name, one) for one in value]
        return value

    def _note(self, name: object) -> None:
        self._seen.add(f"{self._path}.{name}")

    def __getitem__(self, name: str) -> Any:
        self._note(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._note(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self._note(name)
        return super().__contains__(name)
