"""The lines of the charity's accounts at the pretend bank: one account for each currency."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

LineKind = Literal["payout", "transfer", "fee", "nsf", "own_transfer", "other"]

OPENING_BALANCE = 100_000


@dataclass(frozen=True)
class BankLine:
    """One booked line.

    `amount` is in minor units, negative if money left the account. `number` counts all lines from
    1. `reference` is Interac's reference of a transfer, or the trace id of a payout. Only transfers
    have a `message` and an `email`, which only Interac's e-mails show.
    """

    number: int
    day: date
    kind: LineKind
    amount: int
    currency: str
    name: str = ""
    reference: str = ""
    message: str = ""
    email: str = ""


class BankLedger:
    def __init__(self) -> None:
        self._lines: list[BankLine] = []

    def book(
        self,
        day: date,
        kind: LineKind,
        amount: int,
        currency: str,
        *,
        name: str = "",
        reference: str = "",
        message: str = "",
        email: str = "",
    ) -> BankLine:
        number = len(self._lines) + 1
        line = BankLine(number, day, kind, amount, currency, name, reference, message, email)
        self._lines.append(line)
        return line

    def get(self, number: int) -> BankLine | None:
        return self._lines[number - 1] if 0 < number <= len(self._lines) else None

    def __iter__(self) -> Iterator[BankLine]:
        return iter(sorted(self._lines, key=lambda line: (line.day, line.number)))

    def between(self, first: date, last: date) -> list[BankLine]:
        """Return the lines from the first to the last day, both included, oldest first."""
        return [line for line in self if first <= line.day <= last]

    def balance_before(self, day: date, currency: str) -> int:
        """Return the balance at the end of the day before `day`, in minor units."""
        earlier = (line for line in self._lines if line.currency == currency and line.day < day)
        return OPENING_BALANCE + sum(line.amount for line in earlier)
