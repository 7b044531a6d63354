"""Reads the transactions of payouts for their export, and what they have to add up to."""

from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, func, literal, select
from sqlmodel import Session, col

from donate.finance.exports.queries import stream_rows
from donate.gifts.models import Gift
from donate.storage.bulk_writes import table_of
from donate.stripe_gateway.balance.categories import BalanceKind, balance_kind
from donate.stripe_gateway.balance.models import BalanceTransaction, StripePayout

_TRANSACTION: Final = table_of(BalanceTransaction).c
_PAYOUT: Final = table_of(StripePayout).c
_GIFT: Final = table_of(Gift).c


@dataclass(frozen=True, slots=True)
class ExportedTransaction:
    """A Stripe transaction for the export of payouts: its database row, and its kind."""

    row: Row[Any]

    def __getattr__(self, name: str) -> Any:
        """Return a column of the transaction or its payout."""
        return getattr(self.row, name)

    @property
    def kind(self) -> BalanceKind:
        """The kind under which the books list the transaction."""
        return balance_kind(self.row.type, self.row.reporting_category)


def payout_export_rows(
    session: Session, payout_id: str, time_zone: str
) -> Generator[ExportedTransaction, None, None]:
    """Yield the transactions that make up a payout, or all payouts if `payout_id` is empty.

    The transactions that move the payouts themselves are left out. Payouts are sorted by arrival,
    and the transactions of each as on its page.
    """
    statement = (
        select(
            *(_PAYOUT.payout_id, _PAYOUT.arrives_on, _PAYOUT.status.label("payout_status")),
            *(_TRANSACTION.created_at, _TRANSACTION.txn_id.label("transaction_id")),
            *(_TRANSACTION.type, _TRANSACTION.reporting_category),
            *(_TRANSACTION.amount_minor, _TRANSACTION.fee_minor, _TRANSACTION.tax_minor),
            *(_TRANSACTION.net_minor, _TRANSACTION.currency),
            *(_GIFT.reference.label("gift_reference"), _GIFT.id.label("gift_id")),
            *(_TRANSACTION.source_id, _TRANSACTION.description),
            literal(time_zone).label("time_zone"),
        )
        .select_from(BalanceTransaction)
        .join(StripePayout, _PAYOUT.id == _TRANSACTION.payout_row)
        .outerjoin(Gift, _GIFT.id == _TRANSACTION.gift_id)
        .where(_TRANSACTION.source_id != _PAYOUT.payout_id, *_only(payout_id))
        .order_by(_PAYOUT.arrives_on, _PAYOUT.id, _TRANSACTION.id)
    )
    with closing(stream_rows(session, statement)) as rows:
        for row in rows:
            yield ExportedTransaction(row)


def adds_up_to_payouts(
    session: Session, payout_id: str, sums: Mapping[tuple[str, str], int]
) -> bool | None:
    """Whether the net sums of the transactions equal the amounts of the payouts.

    None if there are no payouts, or if Stripe has not listed all transactions of one of them yet.
    """
    statement = (
        select(
            _PAYOUT.currency,
            func.sum(_PAYOUT.amount_minor),
            func.count().filter(~col(StripePayout.is_complete)),
        )
        .where(*_only(payout_id))
        .group_by(_PAYOUT.currency)
    )
    paid = session.execute(statement).all()
    if not paid or any(unlisted for _, _, unlisted in paid):
        return None
    return all(int(amount) == sums.get((currency, "net"), 0) for currency, amount, _ in paid)


def _only(payout_id: str) -> list[ColumnElement[bool]]:
    return [_PAYOUT.payout_id == payout_id] if payout_id else []
