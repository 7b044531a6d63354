"""Read-only queries for the links on the page of the books."""

import uuid
from collections.abc import Collection, Iterator
from typing import NamedTuple

from sqlmodel import Session, col, select

from donate.gifts.models import Gift
from donate.money import Money
from donate.stripe_gateway.balance.models import BalanceTransaction, StripePayout

_AT_ONCE = 500


class Conversion(NamedTuple):
    """What Stripe converted, what it became, and Stripe's rate; the rate may be empty."""

    given: Money
    became: Money
    rate: str


class TransactionPlace(NamedTuple):
    """The object, payout and gift to which a Stripe transaction belongs, and its conversion.

    A field is empty or None if it is not known, or if nothing was converted.
    """

    source_id: str
    payout_id: str | None
    gift_id: uuid.UUID | None
    conversion: Conversion | None


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
            select(BalanceTransaction, StripePayout.payout_id)
            .join(
                StripePayout,
                col(StripePayout.id) == col(BalanceTransaction.payout_row),
                isouter=True,
            )
            .where(col(BalanceTransaction.txn_id).in_(part))
        )
        for row, payout_id in session.exec(statement):
            place = TransactionPlace(row.source_id, payout_id, row.gift_id, _conversion(row))
            found[row.txn_id] = place
    return found


def _conversion(row: BalanceTransaction) -> Conversion | None:
    if not row.original_currency:
        return None
    given = Money(row.original_minor, row.original_currency)
    return Conversion(given, Money(row.amount_minor, row.currency), row.exchange_rate)


def _in_parts(ids: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(ids)
    for first in range(0, len(ordered), _AT_ONCE):
        yield ordered[first : first + _AT_ONCE]
