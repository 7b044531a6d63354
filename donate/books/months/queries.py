"""Read-only queries about closed months and about requests to close a month."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from sqlmodel import Session, col, func, select

from donate.bank.statements.models import RecordedLine
from donate.books.months.book_month import BookMonth, month_of_day
from donate.books.months.models import ClosedMonth, ClosedMonthPack, CloseRequest, KeptEntry
from donate.books.recorded.closings import Closing
from donate.clock import local_date
from donate.gifts.movements.models import GiftMovement
from donate.stripe_gateway.balance.models import BalanceTransaction


def closed_months(session: Session) -> Sequence[ClosedMonth]:
    """Return all closed months, newest first."""
    return session.exec(select(ClosedMonth).order_by(col(ClosedMonth.month).desc())).all()


def closed_month(session: Session, month: BookMonth) -> ClosedMonth | None:
    """Return a closed month, or None if it is open."""
    return session.get(ClosedMonth, month.number)


def month_before_start(session: Session) -> ClosedMonth | None:
    """Return the last month closed in earlier books; None if staff have named no such month."""
    return session.exec(select(ClosedMonth).where(col(ClosedMonth.closed_elsewhere))).first()


def is_closed_elsewhere(session: Session, month: BookMonth) -> bool:
    """Return whether this month was closed before the books start here."""
    row = month_before_start(session)
    return row is not None and month.number <= row.month


def last_closed(session: Session) -> BookMonth | None:
    """Return the last month that is closed, or None."""
    number: int | None = session.exec(select(func.max(ClosedMonth.month))).one()
    return None if number is None else BookMonth(number)


def closings_of(closed: Iterable[ClosedMonth]) -> list[Closing]:
    """Return when each of these months was closed.

    It is needed to book bank lines that were explained only after the closing.
    """
    return [Closing(BookMonth(row.month).last_day, row.closed_at) for row in closed]


def first_month(session: Session, time_zone: str) -> BookMonth | None:
    """Return the month of the first booking; None if there is none yet."""
    stripe: datetime | None = session.exec(select(func.min(BalanceTransaction.created_at))).one()
    days: list[date | None] = [
        session.exec(select(func.min(GiftMovement.day))).one(),
        session.exec(select(func.min(RecordedLine.day))).one(),
        local_date(stripe, time_zone) if stripe else None,
    ]
    known = [day for day in days if day]
    return month_of_day(min(known)) if known else None


def next_to_close(session: Session, time_zone: str) -> BookMonth | None:
    """Return the month that has to be closed next; None if nothing has been booked yet."""
    last = last_closed(session)
    return last.next if last else first_month(session, time_zone)


def startable_months(session: Session, time_zone: str, now: datetime) -> list[BookMonth]:
    """Return the months with which the books may start, newest first.

    They may start once, before any month is closed: with a month after that of the first booking,
    up to the present one.
    """
    first = first_month(session, time_zone)
    if first is None or last_closed(session):
        return []
    last = month_of_day(local_date(now, time_zone))
    return [BookMonth(number) for number in range(last.number, first.number, -1)]


def latest_request(session: Session, month: BookMonth) -> CloseRequest | None:
    """Return the latest request to close a month, or None. Earlier requests no longer count."""
    statement = select(CloseRequest).where(CloseRequest.month == month.number)
    return session.exec(statement.order_by(col(CloseRequest.id).desc()).limit(1)).first()


def pack_content(session: Session, month: BookMonth) -> bytes | None:
    """Return the ZIP archive of a closed month; None if the month is open."""
    row = session.get(ClosedMonthPack, month.number)
    return row.content if row else None


def corrections_of(session: Session, month: BookMonth) -> Sequence[KeptEntry]:
    """Return the stored entries of later months that correct an entry of this month."""
    statement = select(KeptEntry).where(
        KeptEntry.month > month.number, col(KeptEntry.number).like(f"C%-{month}-%")
    )
    found = session.exec(statement.order_by(col(KeptEntry.id)))
    return [entry for entry in found if is_correction_of(month, entry.number)]


def is_correction_of(month: BookMonth, number: str) -> bool:
    """Return whether the entry with this number corrects an entry of this month."""
    return bool(re.match(rf"C[0-9]+-[A-Z]+-{month}-", number))
