"""The payouts in transit at the end of a day, according to Stripe. It only reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from donate.bank.reconciliation.models import LinePart
from donate.bank.statements.models import RecordedLine
from donate.books.journal.roles import AccountRole
from donate.books.recorded.sheets.positions import Position
from donate.books.recorded.sheets.sheet_scope import SheetScope
from donate.books.recorded.stripe_queries import TOP_UPS, is_for
from donate.stripe_gateway.balance.models import BalanceTransaction, StripePayout

_STATED = BalanceTransaction


@dataclass(frozen=True, slots=True)
class PayoutOnItsWay:
    """A payout that has left Stripe, and the amount that has not arrived yet, in minor units."""

    payout_id: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Transit:
    """The money in transit at the end of a day, in minor units.

    `unread` are payouts that cannot be compared, because the payout or its transaction is not
    stored yet. `has_payouts` says whether any payout is stored.
    """

    stated_minor: int
    on_their_way: Sequence[PayoutOnItsWay]
    unread: Sequence[str]
    has_payouts: bool


def transit(session: Session, scope: SheetScope, position: Position, *, most: int) -> Transit:
    """Return what is on its way, with up to `most` payouts of each kind, the newest first."""
    own, back = aliased(_STATED), aliased(_STATED)
    until = _until(scope)
    arrived = _arrived(scope)
    amount = col(StripePayout.amount_minor)
    # A payout is in transit once its own transaction is stored, until the payout fails or arrives.
    left = amount - func.coalesce(arrived.c.amount, 0)
    returned = and_(col(back.txn_id) == col(StripePayout.failure_balance_transaction), until(back))
    statement = (
        select(col(StripePayout.payout_id), left.label("open"))
        .join(own, and_(col(own.txn_id) == col(StripePayout.balance_transaction), until(own)))
        .outerjoin(arrived, arrived.c.payout_id == col(StripePayout.id))
        .where(
            col(StripePayout.currency) == scope.currency,
            left != 0,
            ~exists().where(returned),
        )
    )
    every = statement.subquery()
    whole = select(func.coalesce(func.sum(every.c.open), 0))
    newest = statement.order_by(col(StripePayout.created_at).desc(), col(StripePayout.id).desc())
    unread_minor, unread = _unread(session, scope, position, most)
    stated = int(session.execute(whole).scalar_one()) + _arrived_after_failing(session, scope)
    return Transit(
        stated_minor=stated - position.top_ups_minor + unread_minor,
        on_their_way=[
            PayoutOnItsWay(payout_id, int(amount))
            for payout_id, amount in session.execute(newest.limit(most))
        ],
        unread=unread,
        has_payouts=session.execute(select(col(StripePayout.id)).limit(1)).first() is not None,
    )


def _until(scope: SheetScope) -> Any:
    """Return a function that returns the SQL condition for a transaction to be on the sheet."""

    def until(one: Any) -> Any:
        return and_(
            one.currency == scope.currency,
            one.created_at < scope.ends_at,
        )

    return until


def _arrived(scope: SheetScope) -> Any:
    """Return a subquery for the money of each payout that is on bank lines."""
    return (
        select(col(LinePart.payout_id), func.sum(col(LinePart.amount_minor)).label("amount"))
        .join(RecordedLine, col(RecordedLine.id) == col(LinePart.line_id))
        .where(col(LinePart.payout_id).is_not(None), *scope.parts)
        .group_by(col(LinePart.payout_id))
        .subquery()
    )


def _arrived_after_failing(session: Session, scope: SheetScope) -> int:
    """Return the money that arrived for payouts that failed or had not left yet, as a negative sum.

    Neither is possible, so somebody has tied the wrong line. This money is missing in transit.
    """
    own, back = aliased(_STATED), aliased(_STATED)
    until = _until(scope)
    left = exists().where(col(own.txn_id) == col(StripePayout.balance_transaction), until(own))
    failed = exists().where(
        col(back.txn_id) == col(StripePayout.failure_balance_transaction), until(back)
    )
    arrived = _arrived(scope)
    statement = (
        select(func.coalesce(func.sum(arrived.c.amount), 0))
        .select_from(arrived)
        .join(StripePayout, col(StripePayout.id) == arrived.c.payout_id)
        .where(or_(~left, failed, col(StripePayout.currency) != scope.currency))
    )
    return -int(session.execute(statement).scalar_one())


def _is_top_up() -> Any:
    return or_(col(_STATED.reporting_category).in_(TOP_UPS), col(_STATED.type).in_(TOP_UPS))


def _unread(
    session: Session, scope: SheetScope, position: Position, most: int
) -> tuple[int, list[str]]:
    """Return the payouts that are half known, and what their stored transactions come to.

    All transactions are looked through only if some of them belong to no payout.
    """
    own = exists().where(col(_STATED.txn_id) == col(StripePayout.balance_transaction))
    payouts = (
        select(col(StripePayout.payout_id))
        .where(
            col(StripePayout.currency) == scope.currency,
            col(StripePayout.created_at) < scope.ends_at,
            ~own,
        )
        .order_by(col(StripePayout.id).desc())
    )
    ids = [row[0] for row in session.execute(payouts.limit(most))]
    alone_minor = position.payouts_minor - _known(session, scope)
    if alone_minor:
        named = exists().where(
            _is_of_payout(_STATED), col(StripePayout.payout_id) == col(_STATED.source_id)
        )
        statement = (
            select(col(_STATED.source_id))
            .where(
                is_for(AccountRole.PAYOUTS_IN_TRANSIT),
                ~_is_top_up(),
                ~named,
                *scope.transactions,
            )
            .order_by(col(_STATED.id).desc())
        )
        ids += [row[0] for row in session.execute(statement.limit(most))]
    return -alone_minor, list(dict.fromkeys(ids))


def _is_of_payout(one: Any) -> Any:
    return or_(
        col(StripePayout.balance_transaction) == col(one.txn_id),
        col(StripePayout.failure_balance_transaction) == col(one.txn_id),
    )


def _known(session: Session, scope: SheetScope) -> int:
    """Return what the transactions of known payouts come to."""
    until = _until(scope)
    total = 0
    for column in (StripePayout.balance_transaction, StripePayout.failure_balance_transaction):
        one = aliased(_STATED)
        statement = (
            select(func.coalesce(func.sum(col(one.amount_minor)), 0))
            .select_from(StripePayout)
            .join(one, and_(col(one.txn_id) == col(column), until(one)))
        )
        total += int(session.execute(statement).scalar_one())
    return total
