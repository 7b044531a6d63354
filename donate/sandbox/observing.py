"""What may look on: every request with its answer, and every event, as they are made."""

from dataclasses import dataclass
from typing import Protocol

from donate.sandbox.shelf import StripeObject


@dataclass(frozen=True)
class Exchange:
    """One request of the API, and what it came to.

    `form` is the body of a POST and the query of any other. `status` is None where the request met
    with trouble instead of an answer.
    """

    method: str
    path: str
    form: bytes
    status: int | None
    answer: bytes


class Observer(Protocol):
    def answered(self, exchange: Exchange) -> None: ...

    def announced(self, event: StripeObject) -> None: ...


class Nobody:
    def answered(self, exchange: Exchange) -> None:
        """Looks on at nothing."""

    def announced(self, event: StripeObject) -> None:
        """Looks on at nothing."""
