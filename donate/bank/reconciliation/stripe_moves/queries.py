"""Read-only queries about the money that Stripe moves, and the bank lines that show it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import BindParameter, ColumnElement, bindparam, exists, not_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from donate.bank.matching.inputs import MoveKind, StripeMove
from donate.bank.reconciliation.models import LinePart
from donate.money import Money
from donate.stripe_gateway.balance.models import TOP_UP_TYPES, BalanceTransaction, StripePayout

_MOST_CHOICES: Final = 100


@dataclass(frozen=True, slots=True)
class ChoosableMove:
    """A payout or top-up that a person may tie to a line: its day, Stripe's id and its status.

    `id` is that of the payout, or of a top-up's balance transaction. The status is empty for a
    top-up.
    """

    kind: MoveKind
    id: int
    day: date
    stripe_id: str
    status: str = ""


def has_line(*, is_return: bool = False) -> ColumnElement[bool]:
    """Return the SQL condition that a bank line shows a `StripePayout`, or its return."""
    return exists().where(
        col(LinePart.payout_id) == col(StripePayout.id),
        col(LinePart.is_return).is_(is_return),
        col(LinePart.undone_at).is_(None),
    )


def top_up_has_line() -> ColumnElement[bool]:
    """Return the SQL condition that a bank line shows a top-up, a `BalanceTransaction`."""
    return exists().where(
        col(LinePart.top_up_id) == col(BalanceTransaction.id), col(LinePart.undone_at).is_(None)
    )


def is_top_up() -> ColumnElement[bool]:
    """Return the SQL condition that a `BalanceTransaction` is a top-up or a returned one.

    The types are literals in the SQL text, so that SQLite can use the index of top-ups.
    """
    types: BindParameter[Sequence[str]] = bindparam(
        "top_up_types", TOP_UP_TYPES, expanding=True, literal_execute=True
    )
    return col(BalanceTransaction.type).in_(types)


def expected_moves(session: Session, since: datetime) -> list[StripeMove]:
    """Return Stripe's moves from `since` on that no bank line shows.

    A payout that failed is expected at the bank as well, because it may have arrived before it was
    taken back. A payout that was cancelled is not, because it never left Stripe.
    """
    return [*_payouts(session, since), *_returns(session, since), *_top_ups(session, since)]


def _payouts(session: Session, since: datetime) -> Iterator[StripeMove]:
    payout = StripePayout
    statement = select(
        *(col(payout.id), col(payout.arrives_on), col(payout.amount_minor)),
        *(col(payout.currency), col(payout.trace_id)),
    ).where(col(payout.created_at) >= since, col(payout.status) != "canceled", not_(has_line()))
    for number, day, minor, currency, trace in session.execute(statement):
        yield StripeMove(number, day, Money(minor, currency), MoveKind.PAYOUT, trace)


def _returns(session: Session, since: datetime) -> Iterator[StripeMove]:
    """Yield the returns of failed payouts, on the days when Stripe got the money back.

    Without that balance transaction the day is unknown, so only a person can choose the return.
    """
    payout, back = StripePayout, aliased(BalanceTransaction)
    statement = (
        select(
            *(col(payout.id), col(back.created_at), col(payout.amount_minor)),
            *(col(payout.currency), col(payout.trace_id)),
        )
        .join(back, col(back.txn_id) == col(payout.failure_balance_transaction))
        .where(
            col(payout.created_at) >= since,
            col(payout.status) == "failed",
            not_(has_line(is_return=True)),
        )
    )
    for number, failed_at, minor, currency, trace in session.execute(statement):
        day = failed_at.astimezone(UTC).date()
        yield StripeMove(number, day, Money(-minor, currency), MoveKind.RETURN, trace)


def _top_ups(session: Session, since: datetime) -> Iterator[StripeMove]:
    row = BalanceTransaction
    statement = select(
        *(col(row.id), col(row.created_at), col(row.amount_minor), col(row.currency))
    ).where(is_top_up(), col(row.created_at) >= since, not_(top_up_has_line()))
    for number, created_at, minor, currency in session.execute(statement):
        day = created_at.astimezone(UTC).date()
        yield StripeMove(number, day, Money(-minor, currency), MoveKind.TOP_UP)


def choosable_moves(session: Session, amount: Money) -> list[ChoosableMove]:
    """Return the moves of exactly this amount that no line shows, whenever they were.

    The matcher considers only moves around the line's day. A person may choose any of these.
    """
    payout, row = StripePayout, BalanceTransaction
    of_currency = col(payout.currency) == amount.currency
    ways = (
        (MoveKind.PAYOUT, amount.amount_minor, [col(payout.status) != "canceled"]),
        (MoveKind.RETURN, -amount.amount_minor, [col(payout.status) == "failed"]),
    )
    found: list[ChoosableMove] = []
    for kind, minor, conditions in ways:
        statement: Any = (
            select(payout)
            .where(
                of_currency,
                col(payout.amount_minor) == minor,
                not_(has_line(is_return=kind is MoveKind.RETURN)),
                *conditions,
            )
            .order_by(col(payout.arrives_on).desc(), col(payout.id).desc())
        )
        found += [
            ChoosableMove(kind, one.id, one.arrives_on, one.payout_id, one.status)
            for one in session.execute(statement.limit(_MOST_CHOICES)).scalars()
        ]
    top_ups: Any = (
        select(row)
        .where(
            is_top_up(),
            col(row.currency) == amount.currency,
            col(row.amount_minor) == -amount.amount_minor,
            not_(top_up_has_line()),
        )
        .order_by(col(row.created_at).desc(), col(row.id).desc())
    )
    for one in session.execute(top_ups.limit(_MOST_CHOICES)).scalars():
        day = one.created_at.astimezone(UTC).date()
        found.append(ChoosableMove(MoveKind.TOP_UP, one.id, day, one.source_id or one.txn_id))
    return found
