"""JSON objects that record which of their fields are read."""

from typing import Any

# Fields inside metadata are ours and not Stripe's, so they are not recorded.
_OURS = ("metadata",)


class Traced(dict[str, Any]):
    """A JSON object that records in `seen` the name of each of its fields that is read.

    A name begins with the kind of object: `charge.paid`, even if the charge is inside a payment.
    """

    def __init__(self, body: dict[str, Any], seen: set[str], path: str = "") -> None:
        kind = body.get("object")
        self._path = kind if isinstance(kind, str) and kind != "list" else path
        self._seen = seen
        super().__init__({name: self._inside(name, value) for name, value in body.items()})

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
