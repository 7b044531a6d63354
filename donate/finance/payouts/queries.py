"""Queries of the payouts' pages. They only read."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import ColumnElement, tuple_
from sqlmodel import Session, col, func, not_, select

from donate.bank.reconciliation.stripe_moves.queries import has_line
from donate.gifts.models import Gift
from donate.money import Money
from donate.stripe_gateway.balance.categories import BalanceKind, balance_kind
from donate.stripe_gateway.balance.models import BalanceTransaction, PayoutToRead, StripePayout

_PAIR: Final = (col(BalanceTransaction.type), col(BalanceTransaction.reporting_category))


_MOST_UNREAD: Final = 10


@dataclass(frozen=True, slots=True)
class PayoutFilter:
    """Which payouts to list. An empty field does not filter; both days are included."""

    currency: str = ""
    status: str = ""
    tied: str = ""
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class PayoutCursor:
    """The position of a payout in the list, which is sorted by arrival and number."""

    day: date
    id: int


@dataclass(frozen=True, slots=True)
class PayoutTotal:
    """How many payouts of one currency match a filter, and what went to and from the bank."""

    count: int
    to_bank: Money
    from_bank: Money


@dataclass(frozen=True, slots=True)
class PayoutCategorySum:
    """The transactions in a payout with one type and one category: their number and sums.

    The sums are in minor units. `fee` includes `tax`.
    """

    type: str
    category: str
    count: int
    amount: int
    fee: int
    tax: int
    net: int

    @property
    def kind(self) -> BalanceKind:
        """The kind under which the books list these transactions."""
        return balance_kind(self.type, self.category)


@dataclass(frozen=True, slots=True)
class ListedTransaction:
    """A balance transaction, and the gift that it belongs to, if it is known."""

    transaction: BalanceTransaction
    gift_id: uuid.UUID | None
    reference: str

    @property
    def kind(self) -> BalanceKind:
        """The kind under which the books list this transaction."""
        return balance_kind(self.transaction.type, self.transaction.reporting_category)

    @property
    def gross(self) -> Money:
        """The amount before Stripe's fee."""
        return Money(self.transaction.amount_minor, self.transaction.currency)

    @property
    def fee(self) -> Money:
        """Stripe's fee, with the tax on it."""
        return Money(self.transaction.fee_minor, self.transaction.currency)

    @property
    def net(self) -> Money:
        """The amount by which the transaction changes Stripe's balance."""
        return Money(self.transaction.net_minor, self.transaction.currency)


def list_payouts(
    session: Session, filters: PayoutFilter, *, limit: int, after: PayoutCursor | None = None
) -> Sequence[StripePayout]:
    """Return up to `limit` payouts, the latest arrival first, starting after the cursor."""
    day, number = col(StripePayout.arrives_on), col(StripePayout.id)
    statement = select(StripePayout).where(*_conditions(filters))
    if after:
        statement = statement.where(tuple_(day, number) < (after.day, after.id))
    return session.exec(statement.order_by(day.desc(), number.desc()).limit(limit)).all()


def payout_totals(session: Session, filters: PayoutFilter) -> list[PayoutTotal]:
    """Return a total for each currency of the payouts that match and that did not fail."""
    amount = col(StripePayout.amount_minor)
    reached = col(StripePayout.status).not_in(["failed", "canceled"])
    statement = (
        select(
            StripePayout.currency,
            func.count(),
            func.coalesce(func.sum(amount).filter(amount > 0), 0),
            func.coalesce(func.sum(amount).filter(amount < 0), 0),
        )
        .where(*_conditions(filters), reached)
        .group_by(StripePayout.currency)
        .order_by(StripePayout.currency)
    )
    return [
        PayoutTotal(count, Money(int(paid), currency), Money(-int(taken), currency))
        for currency, count, paid, taken in session.exec(statement)
    ]


def payout_currencies(session: Session) -> list[str]:
    """Return the currencies that have payouts."""
    statement = select(StripePayout.currency).distinct().order_by(StripePayout.currency)
    return list(session.exec(statement))


def unread_payouts(session: Session) -> list[str]:
    """Return the ids of a few payouts that could not be read from Stripe so far."""
    statement = select(PayoutToRead.payout_id).where(PayoutToRead.trouble != "")
    return list(session.exec(statement.order_by(PayoutToRead.payout_id).limit(_MOST_UNREAD)))


def payout_by_id(session: Session, payout_id: str) -> StripePayout | None:
    """Return the payout with this id of Stripe's, or None."""
    return session.exec(select(StripePayout).where(StripePayout.payout_id == payout_id)).first()


def payout_parts(session: Session, payout: StripePayout) -> list[PayoutCategorySum]:
    """Return the sums of the transactions in a payout, except those that move the payout itself."""
    return _parts(session, *_inside(payout))


def parts_since(
    session: Session, payout: StripePayout, previous: StripePayout | None
) -> list[PayoutCategorySum]:
    """Return the sums of the transactions after one payout and up to the next.

    It is for payouts that Stripe does not itemise. `previous` is None for the first payout.
    """
    transaction = BalanceTransaction
    conditions = [
        col(transaction.currency) == payout.currency,
        col(transaction.created_at) <= payout.created_at,
        col(transaction.source_id) != payout.payout_id,
    ]
    if previous:
        conditions.append(col(transaction.created_at) > previous.created_at)
    return _parts(session, *conditions)


def _parts(session: Session, *conditions: ColumnElement[bool]) -> list[PayoutCategorySum]:
    sums = [
        func.sum(column)
        for column in (
            col(BalanceTransaction.amount_minor),
            col(BalanceTransaction.fee_minor),
            col(BalanceTransaction.tax_minor),
            col(BalanceTransaction.net_minor),
        )
    ]
    statement = select(*_PAIR, func.count(), *sums).where(*conditions).group_by(*_PAIR)
    rows = session.execute(statement.order_by(*_PAIR))
    return [PayoutCategorySum(*row[:3], *map(int, row[3:])) for row in rows]


def previous_payout(session: Session, payout: StripePayout) -> StripePayout | None:
    """Return the payout of the same currency that was created before this one, or None."""
    created, number = col(StripePayout.created_at), col(StripePayout.id)
    statement = (
        select(StripePayout)
        .where(
            StripePayout.currency == payout.currency,
            tuple_(created, number) < (payout.created_at, payout.id),
        )
        .order_by(created.desc(), number.desc())
    )
    return session.exec(statement.limit(1)).first()


def balance_at(session: Session, payout: StripePayout) -> Money:
    """Return the sum of all transactions up to and including a payout, in the payout's currency."""
    statement = select(func.coalesce(func.sum(col(BalanceTransaction.net_minor)), 0)).where(
        BalanceTransaction.currency == payout.currency,
        col(BalanceTransaction.created_at) <= payout.created_at,
    )
    return Money(int(session.exec(statement).one()), payout.currency)


def own_transactions(session: Session, payout: StripePayout) -> Sequence[BalanceTransaction]:
    """Return the transactions that move a payout itself.

    One took its money out of the balance; if the payout failed, another put it back.
    """
    statement = select(BalanceTransaction).where(BalanceTransaction.source_id == payout.payout_id)
    return session.exec(statement.order_by(col(BalanceTransaction.id))).all()


def payout_transactions(
    session: Session,
    payout: StripePayout,
    pairs: Sequence[tuple[str, str]],
    *,
    limit: int,
    after: int = 0,
) -> list[ListedTransaction]:
    """Return up to `limit` transactions of a payout whose id is greater than `after`, in order.

    `pairs` lists the types and categories to return. If it is empty, all are returned.
    """
    statement = (
        select(BalanceTransaction, Gift.id, Gift.reference)
        .join(Gift, col(Gift.id) == col(BalanceTransaction.gift_id), isouter=True)
        .where(*_inside(payout), col(BalanceTransaction.id) > after)
        .order_by(col(BalanceTransaction.payout_row), col(BalanceTransaction.id))
        .limit(limit)
    )
    if pairs:
        statement = statement.where(tuple_(*_PAIR).in_(list(pairs)))
    return [
        ListedTransaction(transaction, gift_id, reference or "")
        for transaction, gift_id, reference in session.exec(statement)
    ]


def _inside(payout: StripePayout) -> list[ColumnElement[bool]]:
    return [
        col(BalanceTransaction.payout_row) == payout.id,
        col(BalanceTransaction.source_id) != payout.payout_id,
    ]


def _conditions(filters: PayoutFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filters.currency:
        found.append(col(StripePayout.currency) == filters.currency)
    if filters.status:
        found.append(col(StripePayout.status) == filters.status)
    if filters.tied:
        found.append(has_line() if filters.tied == "yes" else not_(has_line()))
    if filters.first_day:
        found.append(col(StripePayout.arrives_on) >= filters.first_day)
    if filters.last_day:
        found.append(col(StripePayout.arrives_on) <= filters.last_day)
    return found
