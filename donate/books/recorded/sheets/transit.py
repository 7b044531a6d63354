"""The payouts and top-ups in transit at the end of a day. It only reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, case, exists, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from donate.bank.reconciliation.models import LinePart
from donate.bank.reconciliation.stripe_moves.queries import is_top_up
from donate.bank.statements.models import RecordedLine
from donate.books.journal.roles import AccountRole
from donate.books.recorded.sheets.positions import Position
from donate.books.recorded.sheets.sheet_scope import SheetScope
from donate.books.recorded.stripe_queries import TOP_UPS, is_for
from donate.stripe_gateway.balance.models import BalanceTransaction, StripePayout

_STATED = BalanceTransaction


@dataclass(frozen=True, slots=True)
class MoveOnItsWay:
    """A payout or top-up that only Stripe or only the bank shows. The amount is in minor units.

    The amount is positive if money should still come to the bank account. It is negative if money
    should still leave the account: for a top-up, or for a failed payout that the bank takes back.
    """

    stripe_id: str
    amount_minor: int
    is_top_up: bool = False


@dataclass(frozen=True, slots=True)
class Transit:
    """The money in transit at the end of a day, in minor units.

    `on_their_way` may lack the oldest payouts and top-ups, but `on_their_way_count` and
    `on_their_way_minor` include all. `unread` are payouts that cannot be compared, because the
    payout or its transaction is not stored yet. `has_payouts` says whether any payout is stored.
    """

    stated_minor: int
    on_their_way: Sequence[MoveOnItsWay]
    on_their_way_count: int
    on_their_way_minor: int
    unread: Sequence[str]
    has_payouts: bool


def transit(session: Session, scope: SheetScope, position: Position, *, most: int) -> Transit:
    """Return the money in transit, with up to `most` payouts and `most` top-ups, newest first."""
    payouts, top_ups = _open_payouts(scope), _open_top_ups(scope)
    newest = payouts.order_by(col(StripePayout.created_at).desc(), col(StripePayout.id).desc())
    unread_minor, unread = _unread(session, scope, position, most)
    of_top_ups = position.top_ups_minor + _top_ups_at_bank(session, scope)
    payouts_count, payouts_minor = _count_and_sum(session, payouts)
    top_ups_count, top_ups_minor = _count_and_sum(session, top_ups)
    return Transit(
        stated_minor=payouts_minor - of_top_ups + unread_minor,
        on_their_way=[
            MoveOnItsWay(stripe_id, int(amount), is_top_up=is_top_up)
            for is_top_up, statement in ((False, newest), (True, top_ups))
            for stripe_id, amount in session.execute(statement.limit(most))
        ],
        on_their_way_count=payouts_count + top_ups_count,
        on_their_way_minor=payouts_minor + top_ups_minor,
        unread=unread,
        has_payouts=session.execute(select(col(StripePayout.id)).limit(1)).first() is not None,
    )


def _count_and_sum(session: Session, moves: Any) -> tuple[int, int]:
    every = moves.subquery()
    whole = select(func.count(), func.coalesce(func.sum(every.c.open), 0)).select_from(every)
    count, minor = session.execute(whole).one()
    return count, int(minor)


def _open_payouts(scope: SheetScope) -> Any:
    """Return a statement that finds the payouts in transit, with the open amount of each.

    A payout is in transit once its own transaction is stored, until it arrives or fails. If it
    arrived and then failed, it is in transit until the bank takes it back.
    """
    own, back = aliased(_STATED), aliased(_STATED)
    until, at_bank = _until(scope), _at_bank(scope, LinePart.payout_id)
    amount = col(StripePayout.amount_minor)
    has_left = case((col(own.id).is_not(None), amount), else_=0)
    came_back = case((col(back.id).is_not(None), amount), else_=0)
    left = has_left - came_back - func.coalesce(at_bank.c.amount, 0)
    return (
        select(col(StripePayout.payout_id), left.label("open"))
        .outerjoin(own, and_(col(own.txn_id) == col(StripePayout.balance_transaction), until(own)))
        .outerjoin(
            back,
            and_(col(back.txn_id) == col(StripePayout.failure_balance_transaction), until(back)),
        )
        .outerjoin(at_bank, at_bank.c.moved_id == col(StripePayout.id))
        .where(
            or_(col(StripePayout.currency) == scope.currency, at_bank.c.moved_id.is_not(None)),
            left != 0,
        )
    )


def _open_top_ups(scope: SheetScope) -> Any:
    """Return a statement that finds the top-ups that only Stripe or only the bank has."""
    at_bank = _at_bank(scope, LinePart.top_up_id)
    at_stripe = case((_until(scope)(_STATED), col(_STATED.amount_minor)), else_=0)
    left = -at_stripe - func.coalesce(at_bank.c.amount, 0)
    source = col(_STATED.source_id)
    return (
        select(case((source == "", col(_STATED.txn_id)), else_=source), left.label("open"))
        .outerjoin(at_bank, at_bank.c.moved_id == col(_STATED.id))
        .where(
            is_top_up(),
            or_(col(_STATED.currency) == scope.currency, at_bank.c.moved_id.is_not(None)),
            left != 0,
        )
        .order_by(col(_STATED.created_at).desc(), col(_STATED.id).desc())
    )


def _until(scope: SheetScope) -> Any:
    """Return a function that takes the table of transactions, or an alias of it.

    It returns the SQL condition that a transaction is in the sheet's currency and not after its
    day.
    """

    def until(one: Any) -> Any:
        return and_(
            one.currency == scope.currency,
            one.created_at < scope.ends_at,
        )

    return until


def _at_bank(scope: SheetScope, moved: Any) -> Any:
    """Return a subquery for the sum of the bank lines of each payout or top-up.

    `moved` is the column that ties a part of a bank line to the payout or top-up.
    """
    return (
        select(col(moved).label("moved_id"), func.sum(col(LinePart.amount_minor)).label("amount"))
        .join(RecordedLine, col(RecordedLine.id) == col(LinePart.line_id))
        .where(col(moved).is_not(None), *scope.parts)
        .group_by(col(moved))
        .subquery()
    )


def _top_ups_at_bank(session: Session, scope: SheetScope) -> int:
    at_bank = _at_bank(scope, LinePart.top_up_id)
    return int(session.execute(select(func.coalesce(func.sum(at_bank.c.amount), 0))).scalar_one())


def _is_any_top_up() -> Any:
    return or_(col(_STATED.reporting_category).in_(TOP_UPS), col(_STATED.type).in_(TOP_UPS))


def _unread(
    session: Session, scope: SheetScope, position: Position, most: int
) -> tuple[int, list[str]]:
    """Return the payouts of which only the payout, or only its transaction, is stored.

    Also return the sum of such transactions, with the opposite sign, in minor units. Transactions
    are searched only if this sum is not zero.
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
                ~_is_any_top_up(),
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
    """Return the sum of the stored payouts' own transactions, in minor units."""
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
