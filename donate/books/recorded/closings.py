"""When months were closed, and whether a bank line was explained only after that."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, false, or_
from sqlmodel import col

from donate.bank.reconciliation.models import LinePart
from donate.bank.statements.models import RecordedLine


class Closing(NamedTuple):
    """A closing of the books at the time `closed_at`, for all days up to `last_day`."""

    last_day: date
    closed_at: datetime


def is_late(closings: Sequence[Closing]) -> ColumnElement[bool]:
    """Return the SQL condition that a part was decided after its line's month was closed.

    If several closings include the line's day, the first one counts.
    """
    conditions = []
    before: date | None = None
    for closing in sorted(closings):
        if closing.last_day == before:
            continue
        in_month = [col(RecordedLine.day) <= closing.last_day]
        if before:
            in_month.append(col(RecordedLine.day) > before)
        conditions.append(and_(*in_month, col(LinePart.decided_at) > closing.closed_at))
        before = closing.last_day
    return or_(*conditions) if conditions else false()
