"""The journal of a month: what was kept if it is closed, otherwise what the rules give now."""

from collections.abc import Sequence

from sqlmodel import Session

from donate.books.journal.corrections import corrections
from donate.books.journal.entry import JournalEntry
from donate.books.journal.rules import journal_of
from donate.books.months.book_month import BookMonth
from donate.books.months.kept_entries import kept_entries
from donate.books.months.queries import closed_month, closed_months, closings_of, last_closed
from donate.books.recorded.reading import read_bookings


def journal_of_month(session: Session, month: BookMonth, time_zone: str) -> list[JournalEntry]:
    """Return the entries of any month. Call it in one snapshot."""
    if closed_month(session, month):
        return list(kept_entries(session, month))
    return open_journal(session, month, list(kept_entries(session)), time_zone)


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
