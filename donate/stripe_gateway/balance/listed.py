"""Stores what catch-up finds in Stripe's lists of payouts and balance transactions."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from donate.clock import Clock
from donate.storage.database import Database
from donate.stripe_gateway.balance.parser import (
    Row,
    is_listed,
    read_balance_transaction,
    read_payout,
)
from donate.stripe_gateway.balance.recorder import (
    make_payouts_due,
    record_payout,
    record_transactions,
    tie_transactions,
)
from donate.stripe_gateway.events.fields import UnusableEvent

# How far back to look for transactions whose gift was not recorded yet when they were stored.
_TIED_WITHIN: Final = timedelta(days=60)

Troubles = dict[str, str]
"""Maps the id of each object that cannot be stored to a sentence that says why."""


def record_listed_payouts(
    database: Database, payouts: Sequence[dict[str, Any]], asked_at: datetime
) -> Troubles:
    """Store a page of payouts. Make the worker read those whose transactions are missing."""
    troubles: Troubles = {}
    rows: list[Row] = []
    for payout in payouts:
        try:
            rows.append(read_payout(payout, asked_at))
        except UnusableEvent as unusable:
            troubles[payout["id"]] = _sentence(payout, unusable)
    with database.writing() as session:
        # Sorted, so that two processes lock the same payouts in the same order.
        stored = [(row, record_payout(session, row)) for row in sorted(rows, key=_payout_id)]
        due = [row["payout_id"] for row, one in stored if is_listed(row) and not one.is_complete]
        make_payouts_due(session, due, asked_at)
    return troubles


def record_listed_transactions(
    database: Database, transactions: Sequence[dict[str, Any]], asked_at: datetime
) -> Troubles:
    """Store a page of balance transactions."""
    troubles: Troubles = {}
    rows: list[Row] = []
    for transaction in transactions:
        try:
            rows.append(read_balance_transaction(transaction, asked_at))
        except UnusableEvent as unusable:
            troubles[transaction["id"]] = _sentence(transaction, unusable)
    with database.writing() as session:
        record_transactions(session, rows)
    return troubles


def tie_recent_transactions(database: Database, clock: Clock) -> None:
    """Assign transactions of the last 60 days to gifts that were recorded after them."""
    with database.writing() as session:
        tie_transactions(session, clock.now() - _TIED_WITHIN)


def _payout_id(row: Row) -> str:
    return str(row["payout_id"])


def _sentence(stripe_object: dict[str, Any], unusable: UnusableEvent) -> str:
    return f"Stripe's {stripe_object['id']} cannot be stored: {unusable}."
