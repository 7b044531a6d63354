"""Stores what Stripe states of payouts that failed and of top-ups, for tests about bank lines."""

from datetime import UTC, datetime
from typing import Any

from sqlmodel import select, update

from donate.storage.database import Database
from donate.stripe_gateway.balance.models import BalanceTransaction, StripePayout
from donate.stripe_gateway.balance.parser import read_balance_transaction
from donate.stripe_gateway.balance.recorder import record_transactions
from tests.bank.reconciliation.bank_lines import payout
from tests.stripe_gateway.balance.payouts import ASKED, transaction


def balance_row(database: Database, amount: int, kind: str, day: int = 9, **more: Any) -> int:
    """Store a transaction of Stripe's balance on a day in March; return its row's number."""
    created = int(datetime(2026, 3, day, 17, 0, tzinfo=UTC).timestamp())
    one = transaction(amount, 0, kind=kind, created=created, **more)
    with database.writing() as session:
        record_transactions(session, [read_balance_transaction(one, ASKED)])
    with database.reading() as session:
        found = select(BalanceTransaction).where(BalanceTransaction.txn_id == one["id"])
        number = session.exec(found).one().id
    assert number is not None
    return number


def failed_payout(database: Database, amount: int, arrives: int = 5, fails: int = 9) -> int:
    """Store a payout that left Stripe, arrived, and failed on later days; return its number."""
    number = payout(database, amount, arrives, status="failed")
    with database.writing() as session:
        name = session.get_one(StripePayout, number).payout_id
        rows = {"balance_transaction": f"txn_{name}", "failure_balance_transaction": f"back_{name}"}
        session.execute(
            update(StripePayout).where(StripePayout.id == number).values(rows)  # type: ignore[arg-type]
        )
    balance_row(database, -amount, "payout", 3, id=f"txn_{name}", source=name)
    balance_row(database, amount, "payout_failure", fails, id=f"back_{name}", source=name)
    return number
