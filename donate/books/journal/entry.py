"""Journal entries and their lines. Making an entry that does not balance raises an error."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from donate.bank.shapes.statement import Sentence
from donate.books.journal.roles import AccountKey
from donate.money import is_currency


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line of an entry: a debit if `amount_minor` is positive, a credit if it is negative.

    The amount is in minor units of the account's currency, and is never zero. `fund` is empty if
    the line belongs to no fund. `times` is the number of movements that the amount adds up.
    """

    account: AccountKey
    amount_minor: int
    memo: Sentence
    fund: str = ""
    times: int = 1

    def __post_init__(self) -> None:
        """Check the amount and the currency. Raises TypeError or ValueError."""
        if type(self.amount_minor) is not int:
            raise TypeError(f"minor units must be an int, not {self.amount_minor!r}")
        if self.amount_minor == 0:
            raise ValueError(f"a line of zero on {self.account}")
        if not is_currency(self.account.currency):
            raise ValueError(f"unknown currency {self.account.currency!r}")

    @property
    def debit_minor(self) -> int:
        """The amount if it is a debit, otherwise 0."""
        return max(self.amount_minor, 0)

    @property
    def credit_minor(self) -> int:
        """The amount, without its sign, if it is a credit, otherwise 0."""
        return max(-self.amount_minor, 0)


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A balanced entry in one currency.

    `number` stays the same each time the journal is made.
    """

    number: str
    day: date
    description: Sentence
    lines: tuple[JournalLine, ...]

    def __post_init__(self) -> None:
        """Check that the entry balances. Raises ValueError."""
        if not self.number:
            raise ValueError("an entry without a number")
        if len({line.account.currency for line in self.lines}) != 1:
            raise ValueError(f"{self.number} needs lines in one currency")
        left = sum(line.amount_minor for line in self.lines)
        if left:
            raise ValueError(f"{self.number} does not balance: its lines add up to {left}")

    @property
    def currency(self) -> str:
        """The currency of all lines."""
        return self.lines[0].account.currency


def balances_of(entries: Iterable[JournalEntry]) -> Counter[AccountKey]:
    """Return the balance of each account in minor units; debits are positive."""
    balances: Counter[AccountKey] = Counter()
    for entry in entries:
        for line in entry.lines:
            balances[line.account] += line.amount_minor
    return balances
