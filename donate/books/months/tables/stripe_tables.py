"""Tables of Stripe's figures for a month: balance transactions, fees by day, and payouts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, or_
from sqlmodel import Session, col, select

from donate.bank.reconciliation.models import LinePart
from donate.bank.statements.models import RecordedLine
from donate.books.months.book_month import BookMonth
from donate.books.pack.csv_table import CsvTable, TableCell
from donate.clock import local_date, start_of_day
from donate.gifts.models import Gift
from donate.money import Money
from donate.stripe_gateway.balance.categories import BalanceKind, balance_kind
from donate.stripe_gateway.balance.models import BalanceTransaction, StripePayout

_TRANSACTION_COLUMNS: Final = (
    *("day", "transaction_id", "kind", "gross", "fee", "tax", "net", "currency", "balance"),
    *("gift_reference", "source_id", "payout_id", "description"),
    *("original_amount", "original_currency", "exchange_rate"),
)
_FEE_COLUMNS: Final = ("day", "kind", "number", "gross", "fee", "tax", "net", "currency")
_PAYOUT_COLUMNS: Final = (
    *("arrives_on", "payout_id", "amount", "currency", "status", "created_on", "automatic"),
    *("bank_day", "taken_back_day", "transactions", "sum_of_transactions", "is_complete"),
    "trace_id",
)
_FEE_KINDS: Final = frozenset(
    {BalanceKind.FEE, BalanceKind.CONVERSION_FEE, BalanceKind.TAX, BalanceKind.FEE_CREDIT}
)


@dataclass(frozen=True, slots=True)
class StatedTransaction:
    """A transaction in Stripe's balance, with the gift and the payout to which it belongs."""

    row: BalanceTransaction
    day: date
    gift_reference: str
    payout_id: str

    @property
    def kind(self) -> BalanceKind:
        """The kind under which the books list this transaction."""
        return balance_kind(self.row.type, self.row.reporting_category)

    def money(self, amount_minor: int) -> Money:
        """Return an amount in the currency of the transaction."""
        return Money(amount_minor, self.row.currency)


@dataclass(frozen=True, slots=True)
class StatedPayout:
    """A payout with its transactions, and the days of its bank lines: arrival and return."""

    row: StripePayout
    created_on: date
    bank_day: date | None
    taken_back_day: date | None
    transactions: Sequence[StatedTransaction]

    @property
    def parts(self) -> list[StatedTransaction]:
        """The transactions in the payout, without the transactions of the payout itself."""
        return [one for one in self.transactions if one.row.source_id != self.row.payout_id]


def transactions_in(session: Session, month: BookMonth, time_zone: str) -> list[StatedTransaction]:
    """Return the balance transactions that were created in a month, oldest first."""
    created = col(BalanceTransaction.created_at)
    since = start_of_day(month.first_day, time_zone)
    until = start_of_day(month.next.first_day, time_zone)
    return _transactions(session, time_zone, created >= since, created < until)


def payouts_in(session: Session, month: BookMonth, time_zone: str) -> list[StatedPayout]:
    """Return the payouts that were created or that arrived in a month, earliest arrival first."""
    created = col(StripePayout.created_at)
    since = start_of_day(month.first_day, time_zone)
    until = start_of_day(month.next.first_day, time_zone)
    statement = select(
        StripePayout, _day_at_bank(is_return=False), _day_at_bank(is_return=True)
    ).where(
        or_(
            col(StripePayout.arrives_on).between(month.first_day, month.last_day),
            (created >= since) & (created < until),
        )
    )
    found = []
    for payout, bank_day, taken_back in session.exec(statement):
        inside = _transactions(session, time_zone, col(BalanceTransaction.payout_row) == payout.id)
        created_on = local_date(payout.created_at, time_zone)
        found.append(StatedPayout(payout, created_on, bank_day, taken_back, inside))
    return sorted(found, key=lambda one: (one.row.arrives_on, one.row.payout_id))


def _day_at_bank(*, is_return: bool) -> Any:
    """Return a subquery for the day of the bank line that shows a payout, or its return."""
    return (
        select(col(RecordedLine.day))
        .join(LinePart, col(LinePart.line_id) == col(RecordedLine.id))
        .where(
            col(LinePart.payout_id) == col(StripePayout.id),
            col(LinePart.is_return).is_(is_return),
            col(LinePart.undone_at).is_(None),
        )
        .scalar_subquery()
    )


def _transactions(
    session: Session, time_zone: str, *conditions: ColumnElement[bool]
) -> list[StatedTransaction]:
    statement = (
        select(BalanceTransaction, col(Gift.reference), col(StripePayout.payout_id))
        .outerjoin(Gift, col(Gift.id) == col(BalanceTransaction.gift_id))
        .outerjoin(StripePayout, col(StripePayout.id) == col(BalanceTransaction.payout_row))
        .where(*conditions)
    )
    found = [
        StatedTransaction(row, local_date(row.created_at, time_zone), gift or "", payout or "")
        for row, gift, payout in session.exec(statement)
    ]
    return sorted(found, key=lambda one: (one.row.created_at, one.row.txn_id))


def stripe_tables(
    transactions: Sequence[StatedTransaction], payouts: Sequence[StatedPayout]
) -> list[CsvTable]:
    """Return tables: transactions, fees by day, payouts, and each payout's transactions."""
    of_payouts = [_row(one) for payout in payouts for one in payout.parts]
    return [
        CsvTable("stripe-transactions", _TRANSACTION_COLUMNS, [_row(one) for one in transactions]),
        CsvTable("fees", _FEE_COLUMNS, _fees(transactions)),
        CsvTable("payouts", _PAYOUT_COLUMNS, [_payout_row(one) for one in payouts]),
        CsvTable("payout-transactions", _TRANSACTION_COLUMNS, of_payouts),
    ]


def _row(one: StatedTransaction) -> Sequence[TableCell]:
    row = one.row
    return (
        one.day,
        row.txn_id,
        one.kind.value,
        one.money(row.amount_minor),
        one.money(row.fee_minor - row.tax_minor),
        one.money(row.tax_minor),
        one.money(row.net_minor),
        row.currency,
        row.balance_type,
        one.gift_reference,
        row.source_id,
        one.payout_id,
        row.description,
        Money(row.original_minor, row.original_currency) if row.original_currency else None,
        row.original_currency,
        row.exchange_rate,
    )


def _fees(transactions: Iterable[StatedTransaction]) -> list[Sequence[TableCell]]:
    """Return the sums for each day, kind and currency of transactions that had or were a fee."""
    sums: dict[tuple[date, str, str], Counter[str]] = {}
    for one in transactions:
        if not one.row.fee_minor and one.kind not in _FEE_KINDS:
            continue
        found = sums.setdefault((one.day, one.kind.value, one.row.currency), Counter())
        found["number"] += 1
        found["gross"] += one.row.amount_minor
        found["fee"] += one.row.fee_minor - one.row.tax_minor
        found["tax"] += one.row.tax_minor
        found["net"] += one.row.net_minor
    return [
        (day, kind, found["number"], *(Money(found[name], currency) for name in _AMOUNTS), currency)
        for (day, kind, currency), found in sorted(sums.items())
    ]


_AMOUNTS: Final = ("gross", "fee", "tax", "net")


def _payout_row(one: StatedPayout) -> Sequence[TableCell]:
    row, parts = one.row, one.parts
    return (
        row.arrives_on,
        row.payout_id,
        Money(row.amount_minor, row.currency),
        row.currency,
        row.status,
        one.created_on,
        "yes" if row.automatic else "no",
        one.bank_day,
        one.taken_back_day,
        len(parts),
        Money(sum(each.row.net_minor for each in parts), row.currency),
        "yes" if row.is_complete else "no",
        row.trace_id,
    )
