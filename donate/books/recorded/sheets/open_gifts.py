"""Finds the gifts whose money is not where it should be at the end of a day. It only reads.

One statement adds up both sides of a receivable, for each source. If the sum is not zero, the item
is open. Payments are added up for each gift, because a monthly payment has different ids here and
at Stripe.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlmodel import Session, col

from donate.bank.reconciliation.models import LinePart, PartKind
from donate.bank.statements.models import RecordedLine
from donate.books.journal.roles import AccountRole
from donate.books.recorded.sheets.gift_sums import RECEIPTS, entered_after
from donate.books.recorded.sheets.sheet_scope import SheetScope
from donate.books.recorded.stripe_queries import is_for
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.gifts.movements.models import GiftMovement
from donate.regions.modes import BY_HAND
from donate.stripe_gateway.balance.models import BalanceTransaction

_MOVED, _STATED = GiftMovement, BalanceTransaction
# At the bank, a refund is money of a transfer that was sent back.
_TRANSFERS: Final = (
    *(FactKind.TRANSFER_RECEIVED, FactKind.TRANSFER_UNDONE),
    *(FactKind.REFUND_SUCCEEDED, FactKind.REFUND_FAILED),
)
_PAYMENT, _REFUND, _DISPUTE = "payment", "refund", "dispute"
_RETURNS: Final = (
    *(FactKind.REFUND_SUCCEEDED, FactKind.REFUND_FAILED),
    *(FactKind.DISPUTE_OPENED, FactKind.DISPUTE_WON, FactKind.DISPUTE_LOST),
)
_REFUND_TYPES: Final = ("refund", "payment_refund", "refund_failure")
_DISPUTE_CATEGORIES: Final = ("dispute", "dispute_reversal")


@dataclass(frozen=True, slots=True)
class OpenMoney:
    """The open items: gifts, and Stripe transactions that belong to no gift.

    `is_cut` is true if a limit was reached, so that there are more open items.
    """

    gifts: frozenset[uuid.UUID]
    transactions: frozenset[int]
    is_cut: bool


class _Found:
    """Collects open items. Each query has a limit."""

    def __init__(self, session: Session, most: int) -> None:
        self.session = session
        self.most = most
        self.is_cut = False

    def first_column(self, statement: Any) -> list[Any]:
        rows = [row[0] for row in self.session.execute(statement.limit(self.most + 1))]
        self.is_cut |= len(rows) > self.most
        return rows[: self.most]


def open_money(session: Session, scope: SheetScope, *, most: int) -> OpenMoney:
    """Return the open items at the end of a day. Each query returns up to `most` of them."""
    found = _Found(session, most)
    gifts, transactions = _behind(session, scope, found.first_column(_open_returns(scope)))
    for statement in (
        _open_transfers(scope),
        select(col(Gift.id)).where(*entered_after(scope.currency, scope.day)),
        # COALESCE and the literal let databases use the index of gifts with flags.
        select(col(Gift.id)).where(
            func.coalesce(col(Gift.currency), "") == scope.currency,
            col(Gift.flags) != literal_column("''"),
        ),
        _paid_in_parts(scope),
        _open_payments(scope),
    ):
        gifts.update(found.first_column(statement))
    untied = select(col(_STATED.id)).where(
        col(_STATED.gift_id).is_(None), *_receivable(scope, stripe_class() == _PAYMENT)
    )
    transactions.update(found.first_column(untied))
    return OpenMoney(frozenset(gifts), frozenset(transactions), found.is_cut)


def stripe_class() -> ColumnElement[str]:
    """Return an SQL expression: whether a transaction is about a refund, a dispute or a payment."""
    category = col(_STATED.reporting_category)
    is_refund = or_(
        category.in_(("refund", "refund_failure")),
        and_(category == "", col(_STATED.type).in_(_REFUND_TYPES)),
    )
    return case(
        (is_refund, literal(_REFUND)),
        (category.in_(_DISPUTE_CATEGORIES), literal(_DISPUTE)),
        else_=literal(_PAYMENT),
    )


def _receivable(scope: SheetScope, condition: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    """Return the SQL conditions for transactions of gifts that also fulfil `condition`.

    These are the transactions that the books put on the account "receivable from Stripe".
    """
    return [is_for(AccountRole.STRIPE_RECEIVABLE), condition, *scope.gift_transactions]


def _given() -> ColumnElement[int]:
    """Return an SQL expression for the amount in the currency of the gift."""
    is_converted = col(_STATED.original_currency) != ""
    return case((is_converted, col(_STATED.original_minor)), else_=col(_STATED.amount_minor))


def _source(column: Any) -> ColumnElement[str]:
    """Return an SQL expression for Stripe's id of a source.

    It removes the number of a dispute's round (`dp_1:2`), which Stripe does not use.
    """
    return case(
        (column.like("%:_"), func.substr(column, 1, func.length(column) - 2)),
        (column.like("%:__"), func.substr(column, 1, func.length(column) - 3)),
        else_=column,
    )


def _not_zero(*sides: Any) -> Any:
    """Return a statement that finds the keys whose amounts do not add up to zero.

    Each of `sides` is a statement that selects the columns of the key, and then the amount.
    """
    both = union_all(*sides).subquery()
    *key, amount = both.c
    return select(*key).group_by(*key).having(func.sum(amount) != 0)


def _open_payments(scope: SheetScope) -> Any:
    return _not_zero(
        select(col(_MOVED.gift_id), col(_MOVED.amount_minor).label("amount")).where(
            col(_MOVED.cause) == FactKind.PAYMENT_SUCCEEDED, *scope.movements
        ),
        select(col(_STATED.gift_id), (-_given()).label("amount")).where(
            col(_STATED.gift_id).is_not(None), *_receivable(scope, stripe_class() == _PAYMENT)
        ),
    )


def _open_returns(scope: SheetScope) -> Any:
    return _not_zero(
        select(
            _source(col(_MOVED.source_id)).label("source"),
            col(_MOVED.amount_minor).label("amount"),
        )
        .join(Gift, and_(col(Gift.id) == col(_MOVED.gift_id), col(Gift.mode).not_in(BY_HAND)))
        .where(col(_MOVED.cause).in_(_RETURNS), *scope.movements),
        select(col(_STATED.source_id).label("source"), (-_given()).label("amount")).where(
            *_receivable(scope, stripe_class() != _PAYMENT)
        ),
    )


def _behind(
    session: Session, scope: SheetScope, keys: Sequence[str]
) -> tuple[set[uuid.UUID], set[int]]:
    """Return the gifts of some refunds and disputes, and the transactions that belong to no gift.

    `keys` are Stripe's ids of the refunds and disputes.
    """
    if not keys:
        return set(), set()
    moved = select(col(_MOVED.gift_id)).where(
        col(_MOVED.cause).in_(_RETURNS), _source(col(_MOVED.source_id)).in_(keys), *scope.movements
    )
    stated = select(col(_STATED.gift_id), col(_STATED.id)).where(
        col(_STATED.source_id).in_(keys), *scope.gift_transactions
    )
    rows = session.execute(stated).all()
    gifts = {gift_id for gift_id, _ in rows if gift_id}
    gifts |= {row[0] for row in session.execute(moved)}
    return gifts, {number for gift_id, number in rows if not gift_id}


def _paid_in_parts(scope: SheetScope) -> Any:
    """Return a statement that finds gifts with money from before and from after the day's end."""
    later = select(col(_MOVED.gift_id)).where(
        col(_MOVED.day) > scope.day, col(_MOVED.kind).in_(RECEIPTS)
    )
    return select(col(Gift.id)).where(
        col(Gift.id).in_(later),
        col(Gift.currency) == scope.currency,
        col(Gift.received_on) <= scope.day,
    )


def gifts_paid_twice(session: Session, scope: SheetScope, *, most: int) -> frozenset[uuid.UUID]:
    """Return gifts that received another amount than the chosen one, and then had money returned.

    If what is left is the chosen amount, such a gift has no flag, so no index finds it.
    """
    statement = select(col(Gift.id)).where(
        col(Gift.currency) == scope.currency,
        col(Gift.opened_on) <= scope.day,
        col(Gift.returned_minor) > 0,
        col(Gift.received_minor) != col(Gift.amount_minor),
    )
    return frozenset(row[0] for row in session.execute(statement.limit(most)))


def _open_transfers(scope: SheetScope) -> Any:
    by_hand = col(Gift.mode).in_(sorted(BY_HAND))
    return _not_zero(
        select(col(_MOVED.gift_id), col(_MOVED.source_id), col(_MOVED.amount_minor).label("amount"))
        .join(Gift, and_(col(Gift.id) == col(_MOVED.gift_id), by_hand))
        .where(col(_MOVED.cause).in_(_TRANSFERS), *scope.movements),
        select(
            col(LinePart.gift_id),
            col(LinePart.source_id),
            (-col(LinePart.amount_minor)).label("amount"),
        )
        .join(RecordedLine, col(RecordedLine.id) == col(LinePart.line_id))
        .join(Gift, and_(col(Gift.id) == col(LinePart.gift_id), by_hand))
        .where(col(LinePart.kind) == PartKind.GIFT, *scope.parts),
    )
