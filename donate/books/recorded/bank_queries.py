"""Adds up parts of bank lines by their kind in the books. It only reads."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, func, literal, not_, or_, select
from sqlmodel import Session, col

from donate.bank.reconciliation.models import LinePart, NoGiftReason, PartKind
from donate.bank.statements.models import RecordedLine
from donate.books.journal.bookings import BankBooking, BankPartKind
from donate.books.recorded.bank_keys import bank_keys
from donate.books.recorded.closings import Closing, is_late
from donate.books.recorded.stripe_queries import end_of_day
from donate.clock import local_date, start_of_day
from donate.gifts.models import Gift
from donate.regions.modes import OFFLINE

_REASONS: Final[Mapping[NoGiftReason, BankPartKind]] = {
    NoGiftReason.BANK_FEE: BankPartKind.FEE,
    NoGiftReason.INTEREST: BankPartKind.INTEREST,
    NoGiftReason.OWN_TRANSFER: BankPartKind.OWN_TRANSFER,
    NoGiftReason.RETURNED_ITEM: BankPartKind.RETURNED_ITEM,
    NoGiftReason.MONEY_RETURNED: BankPartKind.TRANSFER,
    NoGiftReason.DEPOSIT: BankPartKind.DEPOSIT,
    NoGiftReason.EXPENSE: BankPartKind.OTHER_PAYMENT,
    NoGiftReason.OTHER_INCOME: BankPartKind.OTHER_RECEIPT,
}
_LINE = RecordedLine
_IN_FORCE: Final = col(LinePart.undone_at).is_(None)


def part_kind(
    kind: PartKind, reason: NoGiftReason | None, *, is_offline: bool, amount_minor: int
) -> BankPartKind:
    """Return the kind of a part in the books.

    `is_offline` says whether the part is for a gift by cheque or in cash.
    """
    if kind is PartKind.GIFT:
        return BankPartKind.DEPOSIT if is_offline else BankPartKind.TRANSFER
    if kind in (PartKind.PAYOUT, PartKind.TOP_UP):
        return BankPartKind.STRIPE
    other = BankPartKind.OTHER_RECEIPT if amount_minor > 0 else BankPartKind.OTHER_PAYMENT
    return _REASONS.get(reason, other) if reason else other


def bank_bookings(
    session: Session,
    time_zone: str,
    first_day: date | None,
    last_day: date | None,
    closings: Sequence[Closing] = (),
) -> Iterator[BankBooking]:
    """Yield totals of the parts of bank lines, by day and account, and of the money not explained.

    Parts that were decided after their month was closed are yielded one by one. They are included
    if the line or the decision is within these days.
    """
    banks = bank_keys(session)
    late = is_late(closings)
    days = list(_between(col(_LINE.day), first_day, last_day))
    yield from _decided(session, banks, col(_LINE.day), [*days, not_(late)])
    yield from _undecided(session, banks, col(_LINE.day), days)
    if closings:
        decided = list(_decided_within(first_day, last_day, time_zone))
        either = [or_(and_(*days), and_(*decided))] if days else []
        yield from _late(session, banks, time_zone, [late, *either])


def bank_totals(
    session: Session, time_zone: str, day: date, closings: Sequence[Closing] = ()
) -> Iterator[BankBooking]:
    """Yield the totals of all parts of bank lines up to a day, with this day as their date.

    Parts that were explained after their month was closed keep their own days.
    """
    banks = bank_keys(session)
    late, until = is_late(closings), [col(_LINE.day) <= day]
    that_day = literal(day)
    yield from _decided(session, banks, that_day, [*until, not_(late)])
    yield from _undecided(session, banks, that_day, until)
    if closings:
        yield from _late(session, banks, time_zone, [*until, late])


def _decided(
    session: Session, banks: Mapping[int, str], day: Any, conditions: Sequence[ColumnElement[bool]]
) -> Iterator[BankBooking]:
    each = (
        _parts(
            *(day.label("day"), col(_LINE.account_id), col(_LINE.currency)),
            *(col(LinePart.kind), col(LinePart.reason), _is_offline().label("is_offline")),
            (col(LinePart.amount_minor) > 0).label("comes_in"),
            col(LinePart.amount_minor),
        )
        .where(*conditions)
        .subquery()
    )
    for *same, amount, count in _added_up(session, each):
        booked_on, account, currency, kind, reason, offline, _comes_in = same
        yield BankBooking(
            id="/".join(map(str, same)),
            day=booked_on,
            bank=banks[account],
            currency=currency,
            kind=part_kind(kind, reason, is_offline=bool(offline), amount_minor=int(amount)),
            amount_minor=int(amount),
            count=count,
        )


def _undecided(
    session: Session, banks: Mapping[int, str], day: Any, conditions: Sequence[ColumnElement[bool]]
) -> Iterator[BankBooking]:
    left = col(_LINE.amount_minor) - col(_LINE.explained_minor)
    each = (
        select(
            *(day.label("day"), col(_LINE.account_id), col(_LINE.currency)),
            (left > 0).label("comes_in"),
            left.label("left"),
        )
        .where(col(_LINE.explained_minor) != col(_LINE.amount_minor), *conditions)
        .subquery()
    )
    for booked_on, account, currency, comes_in, amount, count in _added_up(session, each):
        yield BankBooking(
            id=f"{booked_on}/{account}/undecided/{comes_in}",
            day=booked_on,
            bank=banks[account],
            currency=currency,
            kind=BankPartKind.UNIDENTIFIED,
            amount_minor=int(amount),
            count=count,
        )


def _late(
    session: Session,
    banks: Mapping[int, str],
    time_zone: str,
    conditions: Sequence[ColumnElement[bool]],
) -> Iterator[BankBooking]:
    statement = _parts(LinePart, _LINE, _is_offline()).where(*conditions)
    for part, line, offline in session.execute(statement.order_by(col(LinePart.id))):
        amount = part.amount_minor
        yield BankBooking(
            id=f"part {part.id}",
            day=line.day,
            bank=banks[line.account_id],
            currency=line.currency,
            kind=part_kind(part.kind, part.reason, is_offline=bool(offline), amount_minor=amount),
            amount_minor=amount,
            explained_on=local_date(part.decided_at, time_zone),
            source_id=part.source_id,
        )


def _added_up(session: Session, each: Any) -> Any:
    """Return the sum of the last column and the number of rows, grouped by all other columns.

    It uses a subquery, because PostgreSQL does not recognise an expression with parameters in GROUP
    BY as the same one as in SELECT.
    """
    *same, amount = each.c
    statement = select(*same, func.sum(amount), func.count()).group_by(*same).order_by(*same)
    return session.execute(statement)


def _parts(*columns: Any) -> Any:
    """Return a statement that reads parts that are not undone, with their lines and gifts."""
    return (
        select(*columns)
        .select_from(_LINE)
        .join(LinePart, and_(col(LinePart.line_id) == col(_LINE.id), _IN_FORCE))
        .outerjoin(Gift, col(Gift.id) == col(LinePart.gift_id))
    )


def _is_offline() -> ColumnElement[int]:
    return case((col(Gift.mode).in_(OFFLINE), literal(1)), else_=literal(0))


def _between(
    column: Any, first_day: date | None, last_day: date | None
) -> Iterator[ColumnElement[bool]]:
    if first_day:
        yield column >= first_day
    if last_day:
        yield column <= last_day


def _decided_within(
    first_day: date | None, last_day: date | None, time_zone: str
) -> Iterator[ColumnElement[bool]]:
    if first_day:
        yield col(LinePart.decided_at) >= start_of_day(first_day, time_zone)
    if last_day:
        yield col(LinePart.decided_at) < end_of_day(last_day, time_zone)
