"""The sums of gifts and of their money until the end of a day. Only reads.

What is stated comes from the totals of days. What is added up comes from the single rows. Standings
are those of today, but a gift that was paid only after the day is awaited.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Final

from sqlalchemy import ColumnElement, Executable, and_, func, or_, select
from sqlmodel import Session, col

from donate.books.journal.bookings import BookedMovement
from donate.books.recorded.sheets.disputed import DisputedMoney
from donate.books.recorded.sheets.sheet_scope import SheetScope
from donate.books.sheet.differences import DifferenceKind as Kind
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.gifts.movements.models import GiftMovement, Subject
from donate.gifts.movements.rules import MovementKind
from donate.gifts.movements.totals import TotalFilter, add_up
from donate.gifts.status import StatusName

RECEIPTS: Final = (MovementKind.PAYMENT, MovementKind.TRANSFER, MovementKind.TRANSFER_UNDONE)
"""The kinds of movements that add up to what was received."""
STANDING_KINDS: Final[Mapping[str, Kind]] = {
    StatusName.AWAITED: Kind.AWAITED,
    StatusName.PROCESSING: Kind.PROCESSING,
    StatusName.FAILED: Kind.FAILED,
    StatusName.LAPSED: Kind.LAPSED,
}
"""What a gift without money is, by its status."""
_MOVED = GiftMovement


def chosen_by_status(session: Session, scope: SheetScope) -> Counter[str]:
    """Return what was chosen until a day by the gifts' status of today, from the day totals."""
    filters = TotalFilter(Subject.GIFT, last_day=scope.day, currencies=(scope.currency,))
    found: Counter[str] = Counter()
    for total in add_up(session, filters, by=("kind",)):
        found[total.group[0]] += total.amount_minor
    return found


def sum_of_gifts(session: Session, scope: SheetScope) -> int:
    """Return what the single gifts until a day add up to.

    Gifts of later days are subtracted, because nearly all gifts are of earlier days, and an index
    has the sum of all.
    """
    whole = select(func.coalesce(func.sum(col(Gift.amount_minor)), 0)).where(
        col(Gift.currency) == scope.currency
    )
    later = whole.where(col(Gift.opened_on) > scope.day)
    return _number(session, whole) - _number(session, later)


def sum_of_movements(session: Session, scope: SheetScope) -> int:
    """Return what the single movements until a day add up to."""
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
    """Return the differences between chosen and confirmed by their kinds.

    They add up to what the movements come to, less what was chosen.
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
    """Return what was chosen until a day by gifts that were paid first after it."""
    statement = select(func.coalesce(func.sum(col(Gift.amount_minor)), 0)).where(
        col(Gift.currency) == currency,
        col(Gift.received_on) > day,
        col(Gift.opened_on) <= day,
    )
    return _number(session, statement)


def _undone_later(session: Session, currency: str, day: date) -> list[tuple[str, int]]:
    """Return the gifts that had money at the end of a day, but whose transfer was undone since.

    Each has its status of today, and the amount that was chosen.
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
    """Return the money until a day of gifts that were entered only after it."""
    statement = (
        select(func.coalesce(func.sum(col(_MOVED.amount_minor)), 0))
        .select_from(Gift)
        .join(_MOVED, and_(col(_MOVED.gift_id) == col(Gift.id), col(_MOVED.day) <= day))
        .where(*entered_after(currency, day), col(_MOVED.kind).in_(RECEIPTS))
    )
    return _number(session, statement)


def entered_after(currency: str, day: date) -> list[ColumnElement[bool]]:
    """Return the conditions that a gift was entered after a day, and received by then."""
    return [
        col(Gift.currency) == currency,
        col(Gift.opened_on) > day,
        col(Gift.received_on) <= day,
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
