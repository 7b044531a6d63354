"""Observers, which get every request with its answer, and every event."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from donate.sandbox.shelf import StripeObject


@dataclass(frozen=True)
class Exchange:
    """One API request with its answer.

    `form` is the body of a POST request, or the query of another request. `status` is None if a
    planned fault replaced the answer.
    """

    method: str
    path: str
    form: bytes
    status: int | None
    answer: bytes


class Observer(Protocol):
    def answered(self, exchange: Exchange) -> None: ...

    def announced(self, event: StripeObject) -> None: ...


class NullObserver:
    def answered(self, exchange: Exchange) -> None:
        """Do nothing with the request and its answer."""

    def announced(self, event: StripeObject) -> None:
        """Do nothing with the event."""


class Recorder:
    """Appends each exchange and each event to a file as one line of JSON."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("a", encoding="utf-8", buffering=1)

    def answered(self, exchange: Exchange) -> None:
        form, answer = exchange.form.decode(errors="replace"), exchange.answer.decode()
        self._write(asdict(exchange) | {"form": form, "answer": answer})

    def announced(self, event: StripeObject) -> None:
        self._write({"event": event})

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
