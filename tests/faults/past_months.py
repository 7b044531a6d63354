"""Past months of a charity: gifts by transfer that were announced, and the bank's files about them.

The files of a month overlap. One ends, and the other begins, between two equal lines of a day.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from donate.books.months.book_month import BookMonth, month_of_day
from donate.clock import local_date
from donate.gifts.models import Gift
from donate.storage.database import Database
from tests.finance.finance_site import put_gift

ZONE: Final = "America/Toronto"
CASH: Final = "MOBILE DEPOSIT"
FEE: Final = "MONTHLY PLAN FEE"
_OVERLAP: Final = 8


@dataclass(frozen=True)
class BankRow:
    """A row of the bank's file. The balance is the one after it; amounts are in cents."""

    day: date
    text: str
    amount: int
    balance: int

    def as_csv(self) -> str:
        """Return the row as TD writes it: debit, credit and balance are the last columns."""
        debit, credit = max(0, -self.amount), max(0, self.amount)
        amounts = (f"{one / 100:.2f}" if one else "" for one in (debit, credit, self.balance))
        return f"{self.day:%m/%d/%Y},{self.text},{','.join(amounts)}\n"


@dataclass(frozen=True)
class PastMonth:
    """A month with all of its rows, and the files in which the bank states them."""

    month: BookMonth
    rows: list[BankRow]

    @property
    def files(self) -> list[bytes]:
        cut = next(n for n, row in enumerate(self.rows, 1) if row.text == CASH)
        parts = (self.rows[:cut], self.rows[max(0, cut - _OVERLAP) :])
        return ["".join(row.as_csv() for row in part).encode() for part in parts]


def announce_months(
    database: Database, count: int, *, transfers: int, deposits: int = 2
) -> list[PastMonth]:
    """Open the gifts of the last months before this one; return the months, the oldest first.

    Each month has so many lines that name one gift, one that names two, so many equal deposits of
    one day, and a fee on its last day.
    """
    month, balance = month_of_day(local_date(datetime.now(UTC), ZONE)), 100_000
    months = []
    for back in range(count, 0, -1):
        past = BookMonth(month.number - back)
        rows = []
        lines = [(past.first_day + timedelta(14), CASH, 2_000)] * deposits
        for day, text, amount in sorted([*lines, *_lines(database, past, transfers)]):
            balance += amount
            rows.append(BankRow(day, text, amount, balance))
        months.append(PastMonth(past, rows))
    return months


def _lines(database: Database, month: BookMonth, transfers: int) -> list[tuple[date, str, int]]:
    first = month.first_day
    opened = datetime.combine(first + timedelta(1), time(15), tzinfo=UTC)
    with database.writing() as session:
        gifts = [
            put_gift(session, f"{month} {n}", now=opened, amount_minor=1_000 + n)
            for n in range(transfers + 2)
        ]
    *single, one, two = gifts
    return [
        *(
            (first + timedelta(2 + n % 24), f"E-TRANSFER {gift.reference}", gift.amount_minor)
            for n, gift in enumerate(single)
        ),
        (first + timedelta(15), f"WIRE {one.reference} {two.reference}", _sum(one, two)),
        (month.last_day, FEE, -495),
    ]


def _sum(*gifts: Gift) -> int:
    return sum(gift.amount_minor for gift in gifts)
