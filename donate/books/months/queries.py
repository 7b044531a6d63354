"""Read-only queries about closed months and about requests to close a month."""

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
    days = [f"-{month}-"]
    statement = select(KeptEntry).where(
        KeptEntry.month > month.number,
        col(KeptEntry.number).like("C%"),
        *(col(KeptEntry.number).contains(day) for day in days),
    )
    return session.exec(statement.order_by(col(KeptEntry.id))).all()
