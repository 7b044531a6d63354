"""The journal of a month: its stored entries if it is closed, else what the rules give now."""

from collections.abc import Sequence
from typing import Final

from sqlmodel import Session, col, select

from donate.books.journal.corrections import corrections
from donate.books.journal.entry import JournalEntry
from donate.books.journal.journal import journal_of
from donate.books.journal.postings import postings_of
from donate.books.months.book_month import BookMonth, month_of_day
from donate.books.months.kept_entries import kept_entries
from donate.books.months.models import KeptEntry
from donate.books.months.queries import (
    closed_month,
    closed_months,
    closings_of,
    corrections_of,
    is_closed_elsewhere,
    is_correction_of,
    last_closed,
)
from donate.books.recorded.bank_queries import bank_bookings
from donate.books.recorded.reading import read_bookings
from donate.errors import N_, Conflict

BEFORE_THE_FIRST: Final = N_(
    "%(month)s lies before the first closed month. What was recorded of it is booked as "
    "corrections in these months; export their journals: %(months)s."
)
CLOSED_ELSEWHERE: Final = N_(
    "%(month)s was closed in other books, before the books start here. Nothing is exported for it."
)


def journal_of_month(session: Session, month: BookMonth, time_zone: str) -> list[JournalEntry]:
    """Return the entries of any month. Call it in one snapshot.

    Raises Conflict for a month that was closed elsewhere, because its entries are in other books
    already. Also raises Conflict for a month before the first closed one if it has corrections,
    because these are entries of later months.
    """
    if is_closed_elsewhere(session, month):
        raise Conflict(CLOSED_ELSEWHERE, {"month": str(month)})
    if closed_month(session, month):
        return list(kept_entries(session, month))
    last = last_closed(session)
    if last is None or month > last:
        return open_journal(session, month, list(kept_entries(session)), time_zone)
    booked_in = {month_of_day(entry.day) for entry in corrections_of(session, month)}
    due = open_journal(session, last.next, list(kept_entries(session)), time_zone)
    booked_in |= {last.next for entry in due if is_correction_of(month, entry.number)}
    if not booked_in:
        return []
    months = ", ".join(str(each) for each in sorted(booked_in))
    raise Conflict(BEFORE_THE_FIRST, {"month": str(month), "months": months})


def open_journal(
    session: Session, month: BookMonth, before: Sequence[JournalEntry], time_zone: str
) -> list[JournalEntry]:
    """Return the entries of a month that is open. `before` are all kept entries.

    Facts of closed months that were recorded later are booked as corrections on the first day of
    the first open month.
    """
    closings = closings_of(closed_months(session))
    own = journal_of(
        read_bookings(
            session,
            time_zone=time_zone,
            first_day=month.first_day,
            last_day=month.last_day,
            closings=closings,
        ),
        first_day=month.first_day,
        last_day=month.last_day,
    )
    last = last_closed(session)
    if last is None or month != last.next:
        return own
    late = corrections(before, closed_journal(session, last, time_zone), month.first_day)
    return sorted([*late, *own], key=lambda entry: (entry.day, entry.number))


def closed_journal(session: Session, last: BookMonth, time_zone: str) -> list[JournalEntry]:
    """Return what the rules give now for all days up to the end of a closed month."""
    closings = closings_of(closed_months(session))
    bookings = read_bookings(
        session, time_zone=time_zone, last_day=last.last_day, closings=closings
    )
    return journal_of(bookings, last_day=last.last_day)


def kept_later(session: Session, month: BookMonth, time_zone: str) -> list[KeptEntry]:
    """Return the stored entries of later months that are about this closed month, oldest first.

    They correct its entries, or book bank lines that were explained after it was closed.
    """
    explained = bank_bookings(
        session, time_zone, month.first_day, month.last_day, closings_of(closed_months(session))
    )
    numbers = {
        posting.entry.number
        for booking in explained
        if booking.day <= month.last_day
        for posting in postings_of(booking)
        if posting.entry.day > month.last_day
    }
    identified = select(KeptEntry).where(col(KeptEntry.number).in_(sorted(numbers)))
    found = [*corrections_of(session, month), *session.exec(identified)]
    return sorted(found, key=lambda entry: entry.id or 0)
