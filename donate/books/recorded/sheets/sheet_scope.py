"""The scope of a daily sheet: its currency, its day, and the time zone of the day."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, not_, or_
from sqlmodel import col

from donate.bank.reconciliation.models import LinePart
from donate.bank.statements.models import RecordedLine
from donate.books.recorded.closings import Closing, is_late
from donate.books.recorded.stripe_queries import end_of_day, within
from donate.gifts.movements.models import GiftMovement
from donate.stripe_gateway.balance.models import BalanceTransaction

# SQLite takes 32,766 parameters in a statement.
_AT_ONCE: Final = 10_000


def in_parts(ids: Collection[Any]) -> Iterator[list[Any]]:
    """Yield the ids in parts, each small enough for one statement."""
    ordered = sorted(ids)
    for first in range(0, len(ordered), _AT_ONCE):
        yield ordered[first : first + _AT_ONCE]


@dataclass(frozen=True, slots=True)
class SheetScope:
    """The currency and the day of a daily sheet, with SQL conditions for its rows."""

    currency: str
    day: date
    time_zone: str
    closings: Sequence[Closing] = ()

    @property
    def ends_at(self) -> datetime:
        """The first moment after the day, in the charity's time zone."""
        return end_of_day(self.day, self.time_zone)

    @property
    def movements(self) -> list[ColumnElement[bool]]:
        """The SQL conditions for movements up to the day."""
        return [col(GiftMovement.currency) == self.currency, col(GiftMovement.day) <= self.day]

    @property
    def transactions(self) -> list[ColumnElement[bool]]:
        """The SQL conditions for Stripe transactions up to the end of the day."""
        currency = col(BalanceTransaction.currency) == self.currency
        return [currency, *within(None, self.day, self.time_zone)]

    @property
    def gift_transactions(self) -> list[ColumnElement[bool]]:
        """The SQL conditions for Stripe transactions of gifts in the currency, up to the day's end.

        Stripe may have converted their money into another currency.
        """
        given = col(BalanceTransaction.original_currency)
        same = and_(col(BalanceTransaction.currency) == self.currency, given == "")
        return [or_(same, given == self.currency), *within(None, self.day, self.time_zone)]

    @property
    def shown_transactions(self) -> list[ColumnElement[bool]]:
        """The SQL conditions for transactions in the currency, before or after a conversion."""
        either = or_(
            col(BalanceTransaction.currency) == self.currency,
            col(BalanceTransaction.original_currency) == self.currency,
        )
        return [either, *within(None, self.day, self.time_zone)]

    @property
    def lines(self) -> list[ColumnElement[bool]]:
        """The SQL conditions for bank lines up to the day."""
        return [col(RecordedLine.currency) == self.currency, col(RecordedLine.day) <= self.day]

    @property
    def parts(self) -> list[Any]:
        """The SQL conditions for parts that explained these lines at the end of the day.

        A part that was decided after its month was closed explains its line only from that later
        day.
        """
        decided_later = col(LinePart.decided_at) >= self.ends_at
        return [
            *self.lines,
            col(LinePart.undone_at).is_(None),
            not_(and_(is_late(self.closings), decided_later)),
        ]
