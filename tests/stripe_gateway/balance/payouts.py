"""Payouts and balance transactions as Stripe's API shows them, and readers of what is stored."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlmodel import col, select

from donate.storage.database import Database
from donate.stripe_gateway.balance.models import BalanceTransaction, PayoutToRead, StripePayout
from donate.stripe_gateway.balance.parser import read_balance_transaction, read_payout
from donate.stripe_gateway.balance.recorder import record_payout, record_transactions

ASKED = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
CREATED = int(datetime(2026, 3, 2, 4, 30, tzinfo=UTC).timestamp())
ARRIVES = int(datetime(2026, 3, 4, tzinfo=UTC).timestamp())
_numbers = itertools.count(1)


def payout(amount: int = 4_825, **more: Any) -> dict[str, Any]:
    """Return an automatic payout that Stripe has paid and reconciled."""
    number = next(_numbers)
    return {
        "id": f"po_{number}",
        "object": "payout",
        "amount": amount,
        "arrival_date": ARRIVES,
        "automatic": True,
        "balance_transaction": f"txn_of_po_{number}",
        "created": CREATED,
        "currency": "cad",
        "failure_balance_transaction": None,
        "failure_code": None,
        "livemode": False,
        "method": "standard",
        "original_payout": None,
        "reconciliation_status": "completed",
        "reversed_by": None,
        "status": "paid",
        "trace_id": {"status": "supported", "value": "TRACE-1"},
    } | more


def transaction(
    amount: int = 5_000,
    fee: int = 175,
    *,
    kind: str = "charge",
    category: str = "",
    tax: int = 0,
    **more: Any,
) -> dict[str, Any]:
    """Return a balance transaction; `source` may be an object, as Stripe expands it."""
    number = next(_numbers)
    details = [_fee("stripe_fee", fee - tax)] if fee else []
    details += [_fee("tax", tax)] if tax else []
    return {
        "id": f"txn_{number}",
        "object": "balance_transaction",
        "amount": amount,
        "available_on": CREATED,
        "balance_type": "payments",
        "created": CREATED,
        "currency": "cad",
        "description": "Gift",
        "exchange_rate": None,
        "fee": fee,
        "fee_details": details,
        "net": amount - fee,
        "reporting_category": category or kind,
        "source": f"ch_{number}",
        "status": "available",
        "type": kind,
    } | more


def _fee(kind: str, amount: int) -> dict[str, Any]:
    return {"type": kind, "amount": amount, "currency": "cad", "description": None}


def of_payout(stripe_payout: dict[str, Any]) -> dict[str, Any]:
    """Return the transaction by which a payout leaves the balance; Stripe lists it too."""
    return transaction(
        -stripe_payout["amount"],
        0,
        kind="payout",
        id=stripe_payout["balance_transaction"],
        source=stripe_payout["id"],
        currency=stripe_payout["currency"],
    )


def charge(intent: str) -> dict[str, Any]:
    """Return the charge of a payment, to stand as an expanded source."""
    return {"id": f"ch_of_{intent}", "object": "charge", "payment_intent": intent}


def record(
    database: Database,
    stripe_payout: dict[str, Any],
    transactions: Sequence[dict[str, Any]] = (),
    *,
    asked_at: datetime = ASKED,
    is_complete: bool = True,
) -> StripePayout:
    """Store a payout with its transactions, as the worker does."""
    with database.writing() as session:
        row = read_payout(stripe_payout, asked_at)
        stored = record_payout(session, row, is_complete=is_complete)
        rows = [read_balance_transaction(each, asked_at) for each in transactions]
        record_transactions(session, rows, stored)
    return stored


def payout_now(database: Database, payout_id: str) -> StripePayout:
    with database.reading() as session:
        statement = select(StripePayout).where(StripePayout.payout_id == payout_id)
        return session.exec(statement).one()


def transactions_now(database: Database) -> list[BalanceTransaction]:
    with database.reading() as session:
        statement = select(BalanceTransaction).order_by(col(BalanceTransaction.id))
        return list(session.exec(statement))


def to_read(database: Database) -> dict[str, PayoutToRead]:
    """Return the rows of the payouts that an event or a list named, by the payout's id."""
    with database.reading() as session:
        return {row.payout_id: row for row in session.exec(select(PayoutToRead))}
