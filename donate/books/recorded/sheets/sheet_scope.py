"""What one daily sheet is about: a currency, a day, and how days are counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, not_
from sqlmodel import col

from donate.bank.reconciliation.models import LinePart
from donate.bank.statements.models import RecordedLine
from donate.books.recorded.closings import Closing, is_late
from donate.books.recorded.stripe_queries import end_of_day, within
from donate.gifts.movements.models import GiftMovement
from donate.stripe_gateway.balance.models import BalanceTransaction


@dataclass(frozen=True, slots=True)
class SheetScope:
    """The currency and the day of a sheet. Its conditions are those of rows that are on it."""

    currency: str
    day: date
    time_zone: str
    closings: Sequence[Closing] = ()

    @property
    def ends_at(self) -> datetime:
        """The time at which the day ends."""
        return end_of_day(self.day, self.time_zone)

    @property
    def movements(self) -> list[ColumnElement[bool]]:
        """The conditions of movements until the day."""
        return [col(GiftMovement.currency) == self.currency, col(GiftMovement.day) <= self.day]

    @property
    def transactions(self) -> list[ColumnElement[bool]]:
        """The conditions of Stripe's transactions until the end of the day."""
        currency = col(BalanceTransaction.currency) == self.currency
        return [currency, *within(None, self.day, self.time_zone)]

    @property
    def lines(self) -> list[ColumnElement[bool]]:
        """The conditions of bank lines until the day."""
        return [col(RecordedLine.currency) == self.currency, col(RecordedLine.day) <= self.day]

    @property
    def parts(self) -> list[Any]:
        """The conditions of parts that explain these lines, and did by the end of the day.

        A part that was decided after its month was closed explains its line from that day on.
        """
        decided_later = col(LinePart.decided_at) >= self.ends_at
        return [
            *self.lines,
            col(LinePart.undone_at).is_(None),
            not_(and_(is_late(self.closings), decided_later)),
        ]
