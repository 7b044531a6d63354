"""The sums of gifts and of their movements up to the end of a day. It only reads.

Stated totals come from the day totals. Added-up totals come from the single rows. The status of a
gift is its current one, except that a gift that was paid only after the day counts as awaited.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Executable, func, or_, select
from sqlmodel import Session, col

from donate.books.journal.bookings import BookedMovement
from donate.books.recorded.sheets.disputed import DisputedMoney
from donate.books.recorded.sheets.sheet_scope import SheetScope
from donate.books.sheet.differences import DifferenceKind as Kind
from donate.clock import LAST_DAY
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.gifts.movements.models import GiftMovement, Subject
from donate.gifts.movements.rules import MovementKind
from donate.gifts.movements.totals import TotalFilter, add_up
from donate.gifts.status import StatusName

RECEIPTS: Final = (MovementKind.PAYMENT, MovementKind.TRANSFER, MovementKind.TRANSFER_UNDONE)
"""The kinds of movements whose sum is the money received."""
STANDING_KINDS: Final[Mapping[str, Kind]] = {
    StatusName.AWAITED: Kind.AWAITED,
    StatusName.PROCESSING: Kind.PROCESSING,
    StatusName.FAILED: Kind.FAILED,
    StatusName.LAPSED: Kind.LAPSED,
}
"""Maps the status of a gift without money to the kind of difference that it causes."""
_MOVED = GiftMovement


def chosen_by_status(session: Session, scope: SheetScope) -> Counter[str]:
    """Return the amounts chosen up to a day, by the gifts' current status, from the day totals."""
    filters = TotalFilter(Subject.GIFT, last_day=scope.day, currencies=(scope.currency,))
    found: Counter[str] = Counter()
    for total in add_up(session, filters, by=("kind",)):
        found[total.group[0]] += total.amount_minor
    return found


def sum_of_gifts(session: Session, scope: SheetScope) -> int:
    """Return the sum of the single gifts up to a day.

    It is the sum of all gifts, which an index provides, less the few gifts of later days.
    """
    whole = select(func.coalesce(func.sum(col(Gift.amount_minor)), 0)).where(
        col(Gift.currency) == scope.currency
    )
    later = whole.where(*opened_after(scope.day))
    return _number(session, whole) - _number(session, later)


def sum_of_movements(session: Session, scope: SheetScope) -> int:
    """Return the sum of the single movements up to a day."""
    amount = func.coalesce(func.sum(col(_MOVED.amount_minor)), 0)
    statement = select(amount).where(*scope.movements)
    return _number(session, statement)


def gift_differences(
    session: Session,
    scope: SheetScope,
    chosen: Mapping[str, int],
    movements: Mapping[BookedMovement, int],
    disputed: DisputedMoney,
) -> Counter[Kind]:
    """Return the differences between chosen and confirmed, by kind.

    Together they equal the sum of the movements less the chosen amounts.
    """
    currency, day = scope.currency, scope.day
    found: Counter[Kind] = Counter()
    for status, kind in STANDING_KINDS.items():
        found[kind] -= chosen.get(status, 0)
    paid_later = _paid_later(session, currency, day)
    found[Kind.AWAITED] -= paid_later
    for status, amount in _undone_later(session, currency, day):
        found[STANDING_KINDS.get(status, Kind.AWAITED)] += amount
    found[Kind.ENTERED_LATER] = _entered_later(session, currency, day)
    found[Kind.REFUNDED] = (
        movements[BookedMovement.REFUND] + movements[BookedMovement.REFUND_RETURNED]
    )
    in_dispute = movements[BookedMovement.DISPUTE] + movements[BookedMovement.DISPUTE_RETURNED]
    found[Kind.HELD_IN_DISPUTE] = -disputed.held_minor
    found[Kind.LOST_IN_DISPUTE] = in_dispute + disputed.held_minor
    found[Kind.AMOUNT_DIFFERS] = (
        sum(movements.values()) - sum(chosen.values()) - sum(found.values())
    )
    return found


def _paid_later(session: Session, currency: str, day: date) -> int:
    """Return the chosen amount of gifts up to a day that were first paid after this day."""
    statement = select(func.coalesce(func.sum(col(Gift.amount_minor)), 0)).where(
        col(Gift.currency) == currency,
        col(Gift.received_on) > day,
        col(Gift.opened_on) <= day,
    )
    return _number(session, statement)


def _undone_later(session: Session, currency: str, day: date) -> list[tuple[str, int]]:
    """Find the gifts that had money at the end of a day, but whose transfer was undone later.

    Return the current status and the chosen amount of each.
    """
    undone = select(col(_MOVED.gift_id)).where(
        col(_MOVED.cause) == FactKind.TRANSFER_UNDONE, col(_MOVED.day) > day
    )
    had = _received_until(day)
    statement = select(col(Gift.status), col(Gift.amount_minor)).where(
        col(Gift.id).in_(undone),
        col(Gift.currency) == currency,
        col(Gift.opened_on) <= day,
        or_(col(Gift.received_on).is_(None), col(Gift.received_on) > day),
        had != 0,
    )
    return [(str(status), int(amount)) for status, amount in session.execute(statement)]


def _entered_later(session: Session, currency: str, day: date) -> int:
    """Return the money received up to a day for gifts that were entered only after this day."""
    # Add up each gift by itself. Then SQLite begins with these few gifts.
    each = select(_received_until(day).label("amount")).where(*entered_after(currency, day))
    statement = select(func.coalesce(func.sum(each.subquery().c.amount), 0))
    return _number(session, statement)


def opened_after(day: date) -> list[ColumnElement[bool]]:
    """Return the conditions that a gift was opened after a day, in any time zone.

    The second condition is exact. The first is a bit wider, because no place is more than 14 hours
    ahead of UTC, and lets the database use an index.
    """
    next_day = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    return [col(Gift.opened_at) >= next_day - timedelta(hours=14), col(Gift.opened_on) > day]


def entered_after(currency: str, day: date) -> list[ColumnElement[bool]]:
    """Return the SQL conditions that a gift was entered after a day, but received by then."""
    return [
        col(Gift.currency) == currency,
        *opened_after(day),
        # COALESCE keeps SQLite from going through all gifts that were received until the day.
        func.coalesce(col(Gift.received_on), LAST_DAY) <= day,
    ]


def _received_until(day: date) -> ColumnElement[int]:
    return (
        select(func.coalesce(func.sum(col(_MOVED.amount_minor)), 0))
        .where(
            col(_MOVED.gift_id) == col(Gift.id),
            col(_MOVED.kind).in_(RECEIPTS),
            col(_MOVED.day) <= day,
        )
        .scalar_subquery()
    )


def _number(session: Session, statement: Executable) -> int:
    return int(session.execute(statement).scalar_one())
