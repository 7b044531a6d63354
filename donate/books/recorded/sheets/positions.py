"""Adds up everything up to the end of a day, using the rules of the journal. It only reads."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlmodel import Session

from donate.books.journal.balance_rules import balance_name, balance_rule
from donate.books.journal.bookings import BookedMovement, Booking, MovementBooking, StripeBooking
from donate.books.journal.postings import PAYMENTS_BALANCE, postings_of
from donate.books.journal.roles import AccountRole
from donate.books.recorded.bank_queries import bank_totals
from donate.books.recorded.closings import Closing
from donate.books.recorded.stripe_queries import TOP_UPS, stripe_totals
from donate.gifts.movements.models import Subject
from donate.gifts.movements.totals import TotalFilter, add_up
from donate.regions.modes import Mode


@dataclass
class Position:
    """What one currency comes to at the end of a day, in minor units.

    `roles` are the balances of the journal's accounts, `suspense` the part of each unknown name of
    Stripe's. `movements` are the sums of each kind of movement. `stripe_count` is how many
    transactions of Stripe each account has. `payouts_minor` is what payouts changed Stripe's
    balance by, and `top_ups_minor` the same of top-ups. `stripe_minor` is the running total of what
    Stripe states that its transactions changed the balance for payments by.
    """

    roles: Counter[AccountRole] = field(default_factory=Counter)
    suspense: Counter[str] = field(default_factory=Counter)
    movements: Counter[BookedMovement] = field(default_factory=Counter)
    stripe_count: Counter[AccountRole] = field(default_factory=Counter)
    stripe_minor: int = 0
    payouts_minor: int = 0
    top_ups_minor: int = 0


def positions(
    session: Session, day: date, *, time_zone: str, closings: Sequence[Closing] = ()
) -> dict[str, Position]:
    """Return the balances in each currency at the end of a day."""
    found: defaultdict[str, Position] = defaultdict(Position)
    at_stripe = list(stripe_totals(session, time_zone, day))
    for total, net_minor in at_stripe:
        if total.balance_type == PAYMENTS_BALANCE:
            found[total.currency].stripe_minor += net_minor
    bookings: Iterable[Booking] = (
        *_movements(session, day),
        *(total for total, _ in at_stripe),
        *bank_totals(session, time_zone, day, closings),
    )
    for booking in bookings:
        position = found[booking.currency]
        for posting in postings_of(booking):
            if posting.entry.day <= day:
                position.roles[posting.debit.role] += posting.amount_minor
                position.roles[posting.credit.role] -= posting.amount_minor
        if isinstance(booking, MovementBooking):
            position.movements[booking.kind] += booking.amount_minor
        if isinstance(booking, StripeBooking):
            role = balance_rule(booking.type, booking.category).role
            position.stripe_count[role] += booking.count
            if role is AccountRole.PAYOUTS_IN_TRANSIT:
                if TOP_UPS.isdisjoint((booking.type, booking.category)):
                    position.payouts_minor += booking.amount_minor
                else:
                    position.top_ups_minor += booking.amount_minor
            if role is AccountRole.SUSPENSE:
                name = balance_name(booking.type, booking.category)
                position.suspense[name] -= booking.amount_minor
    return dict(found)


def _movements(session: Session, day: date) -> Iterator[MovementBooking]:
    for total in add_up(session, TotalFilter(Subject.MOVEMENT, last_day=day), by=("kind", "mode")):
        kind, mode = total.group
        yield MovementBooking(
            day=day,
            currency=total.currency,
            mode=Mode(mode),
            fund="",
            kind=BookedMovement(kind),
            amount_minor=total.amount_minor,
            count=total.count,
        )
