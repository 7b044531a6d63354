"""Stores payouts and balance transactions. Every write can be repeated without harm."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, or_, update
from sqlmodel import Session, col, select

from donate.gifts.facts import PAYMENT_NAMES
from donate.gifts.queries import gifts_by_source
from donate.storage.bulk_writes import insert_new, table_of
from donate.storage.column_types import UtcDateTime
from donate.stripe_gateway.balance.models import BalanceTransaction, PayoutToRead, StripePayout
from donate.stripe_gateway.balance.parser import Row

# Maximum number of ids in one statement. SQLite allows 32,766 parameters.
_AT_ONCE: Final = 500
_TO_READ = table_of(PayoutToRead)
# A payout that is already due keeps its due time, and so its place in the queue. If a worker is
# reading it (`tries` is above 0), it becomes due again, because the worker may have asked Stripe
# before this news arrived.
_MAKE_DUE = (
    update(_TO_READ)
    .where(
        _TO_READ.c.payout_id == bindparam("due_id"),
        or_(
            _TO_READ.c.ask_at.is_(None),
            _TO_READ.c.ask_at > bindparam("due_at"),
            _TO_READ.c.tries > 0,
        ),
    )
    .values(ask_at=bindparam("due_at", type_=UtcDateTime), tries=0)
)


def make_payouts_due(session: Session, payout_ids: Iterable[str], now: datetime) -> None:
    """Make these payouts due now, so that the worker reads them from Stripe.

    Rows are locked in the order of their ids, so that two callers cannot deadlock.
    """
    ids = sorted(set(payout_ids))
    rows = [{"payout_id": each, "ask_at": now, "tries": 0, "trouble": ""} for each in ids]
    insert_new(session, PayoutToRead, rows)
    for each in ids:
        session.connection().execute(_MAKE_DUE, {"due_id": each, "due_at": now})


def record_payout(session: Session, row: Row, *, is_complete: bool = False) -> StripePayout:
    """Store a payout as Stripe stated it, unless a newer state is already stored.

    Two workers may read the same payout, and the one that asked first may be the last to write.
    `is_complete` stays true once it is true, because Stripe's list of a payout's transactions is
    then final.
    """
    insert_new(session, StripePayout, [row | {"is_complete": False}])
    statement = select(StripePayout).where(StripePayout.payout_id == row["payout_id"])
    payout = session.exec(statement.with_for_update()).one()
    if payout.read_at <= row["read_at"]:
        for name, value in row.items():
            setattr(payout, name, value)
    payout.is_complete = payout.is_complete or is_complete
    session.add(payout)
    session.flush()
    return payout


def record_transactions(
    session: Session, rows: Sequence[Row], payout: StripePayout | None = None
) -> int:
    """Store balance transactions with their gifts, and with the payout that lists them if given.

    A transaction never changes at Stripe. If it is already stored, only its payout is added, and
    the amount before a conversion, which earlier versions did not store. Return how many
    transactions are new.
    """
    # Sorted, so that two workers insert the same rows in the same order and cannot deadlock.
    ordered = sorted(rows, key=lambda row: (row["created_at"], row["txn_id"]))
    gifts: dict[str, uuid.UUID] = {}
    for payments in _in_parts({row["payment"] for row in ordered if row["payment"]}):
        gifts |= gifts_by_source(session, PAYMENT_NAMES, payments)
    payout_row = payout.id if payout else None
    added = insert_new(
        session,
        BalanceTransaction,
        [row | {"payout_row": payout_row, "gift_id": gifts.get(row["payment"])} for row in ordered],
    )
    if added < len(ordered):
        _add_originals(session, ordered)
    if payout_row is not None and added < len(ordered):
        for ids in _in_parts({row["txn_id"] for row in ordered}):
            belongs = col(BalanceTransaction.txn_id).in_(ids)
            elsewhere = col(BalanceTransaction.payout_row).is_distinct_from(payout_row)
            statement = update(BalanceTransaction).where(belongs, elsewhere)
            session.execute(statement.values(payout_row=payout_row))
    return added


def _add_originals(session: Session, rows: Iterable[Row]) -> None:
    """Store the amounts before conversions, where a stored transaction has none.

    This changes the books, so `read_at` is updated too.
    """
    for row in rows:
        if row["original_currency"]:
            names = ("original_minor", "original_currency", "exchange_rate", "read_at")
            session.execute(
                update(BalanceTransaction)
                .where(
                    col(BalanceTransaction.txn_id) == row["txn_id"],
                    col(BalanceTransaction.original_currency) == "",
                )
                .values({name: row[name] for name in names})
            )


def tie_transactions(session: Session, since: datetime) -> int:
    """Assign transactions to gifts whose payments were recorded after them; return how many.

    `since` limits the search to newer transactions: if a payment has been unknown for a long time,
    it belongs to no gift here.
    """
    statement = (
        select(BalanceTransaction.payment)
        .where(
            col(BalanceTransaction.gift_id).is_(None),
            col(BalanceTransaction.payment) != "",
            col(BalanceTransaction.created_at) >= since,
        )
        .distinct()
    )
    tied = 0
    for payments in _in_parts(set(session.exec(statement))):
        for payment, gift_id in gifts_by_source(session, PAYMENT_NAMES, payments).items():
            session.execute(
                update(BalanceTransaction)
                .where(
                    col(BalanceTransaction.payment) == payment,
                    col(BalanceTransaction.gift_id).is_(None),
                    col(BalanceTransaction.payment) != "",
                )
                .values(gift_id=gift_id)
            )
            tied += 1
    return tied


def _in_parts(ids: Iterable[str]) -> Iterator[list[str]]:
    ordered = sorted(ids)
    for first in range(0, len(ordered), _AT_ONCE):
        yield ordered[first : first + _AT_ONCE]
