"""Adds up everything up to the end of a day, using the rules of the journal. It only reads."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlmodel import Session

from donate.books.journal.balance_rules import balance_name, balance_rule
from donate.books.journal.bookings import BookedMovement, Booking, MovementBooking, StripeBooking
from donate.books.journal.postings import PAYMENTS_BALANCE, is_converted, postings_of
from donate.books.journal.roles import AccountRole
from donate.books.recorded.bank_queries import bank_totals
from donate.books.recorded.closings import Closing
from donate.books.recorded.stripe_queries import TOP_UPS, stripe_totals
from donate.gifts.movements.models import Subject
from donate.gifts.movements.totals import TotalFilter, add_up
from donate.regions.modes import Mode


@dataclass
class Position:
    """The sums of everything recorded in one currency up to the end of a day, in minor units.

    `roles` has the balance of each of the journal's accounts. `suspense` divides the suspense
    account by Stripe's names of transactions without a rule. `movements` has the sum of each kind
    of movement. `stripe_count` is the number of Stripe transactions on each account. `stripe_minor`
    is Stripe's balance for payments: the sum of the net amounts that Stripe states. `payouts_minor`
    and `top_ups_minor` are what payouts and top-ups changed in that balance.
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
        for posting in postings_of(booking):
            if posting.entry.day <= day:
                roles = found[posting.debit.currency].roles
                roles[posting.debit.role] += posting.amount_minor
                roles[posting.credit.role] -= posting.amount_minor
        position = found[booking.currency]
        if isinstance(booking, MovementBooking):
            position.movements[booking.kind] += booking.amount_minor
        if isinstance(booking, StripeBooking):
            _add_stripe(position, booking)
            if is_converted(booking):
                for currency in (booking.currency, booking.original_currency):
                    found[currency].stripe_count[AccountRole.CURRENCY_EXCHANGE] += booking.count
    return dict(found)


def _add_stripe(position: Position, booking: StripeBooking) -> None:
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
