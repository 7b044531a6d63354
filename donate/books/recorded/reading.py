"""Reads the bookings for some days: gifts, Stripe and the bank. It only reads.

Most bookings are totals that the database has added up. So the journal of a month needs only
hundreds of rows, however many gifts there are.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from sqlmodel import Session

from donate.books.journal.bookings import BookedMovement, Booking, MovementBooking
from donate.books.recorded.bank_queries import bank_bookings
from donate.books.recorded.closings import Closing
from donate.books.recorded.stripe_queries import stripe_bookings
from donate.gifts.movements.models import Subject
from donate.gifts.movements.totals import TotalFilter, add_up
from donate.regions.modes import Mode


def read_bookings(
    session: Session,
    *,
    time_zone: str,
    first_day: date | None = None,
    last_day: date | None = None,
    closings: Sequence[Closing] = (),
) -> list[Booking]:
    """Return all bookings from `first_day` to `last_day`, both included. None means no limit.

    The day of a movement is in its region's time zone, the day of a Stripe transaction in
    `time_zone`, and the day of a bank line is the bank's. Call it in one database snapshot
    (`Database.reading_snapshot`), so that all three agree.
    """
    return [
        *_movements(session, first_day, last_day),
        *stripe_bookings(session, time_zone, first_day, last_day),
        *bank_bookings(session, time_zone, first_day, last_day, closings),
    ]


def _movements(
    session: Session, first_day: date | None, last_day: date | None
) -> Iterator[MovementBooking]:
    filters = TotalFilter(Subject.MOVEMENT, first_day=first_day, last_day=last_day)
    for total in add_up(session, filters, by=("day", "kind", "mode", "fund")):
        day, kind, mode, fund = total.group
        yield MovementBooking(
            day=date.fromisoformat(day),
            currency=total.currency,
            mode=Mode(mode),
            fund=fund,
            kind=BookedMovement(kind),
            amount_minor=total.amount_minor,
            count=total.count,
        )
