"""Read-only queries for the links on the page of the books."""

import uuid
from collections.abc import Collection, Iterator
from typing import NamedTuple

from sqlmodel import Session, col, select

from donate.gifts.models import Gift
from donate.stripe_gateway.balance.models import BalanceTransaction, StripePayout

_AT_ONCE = 500


class TransactionPlace(NamedTuple):
    """The object, payout and gift to which a Stripe transaction belongs.

    A field is empty or None if it is not known.
    """

    source_id: str
    payout_id: str | None
    gift_id: uuid.UUID | None


def gifts_by_reference(session: Session, references: Collection[str]) -> dict[str, uuid.UUID]:
    """Return the ids of the gifts with these references, by reference."""
    found: dict[str, uuid.UUID] = {}
    for part in _in_parts(references):
        statement = select(Gift.reference, Gift.id).where(col(Gift.reference).in_(part))
        found |= dict(session.exec(statement).all())
    return found


def transaction_places(session: Session, txn_ids: Collection[str]) -> dict[str, TransactionPlace]:
    """Return what each of these Stripe transactions belongs to, by the transaction's id."""
    found = {}
    for part in _in_parts(txn_ids):
        statement = (
            select(
                BalanceTransaction.txn_id,
                BalanceTransaction.source_id,
                StripePayout.payout_id,
                BalanceTransaction.gift_id,
            )
            .join(
                StripePayout,
                col(StripePayout.id) == col(BalanceTransaction.payout_row),
                isouter=True,
            )
            .where(col(BalanceTransaction.txn_id).in_(part))
        )
        for txn_id, *place in session.exec(statement):
            found[txn_id] = TransactionPlace(*place)
    return found


def _in_parts(ids: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(ids)
    for first in range(0, len(ordered), _AT_ONCE):
        yield ordered[first : first + _AT_ONCE]
