"""Reads payouts from Stripe when a read is due, each with all of its balance transactions.

An event only says that a payout has changed. Events come late and out of order, so the state is
always read from Stripe itself.
"""

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Update, update
from sqlmodel import col

from donate.clock import Backoff, Clock
from donate.errors import StripeRefused, StripeUnavailable
from donate.storage.database import Database
from donate.stripe_gateway.balance.models import PayoutToRead
from donate.stripe_gateway.balance.parser import (
    Row,
    is_listed,
    read_balance_transaction,
    read_payout,
)
from donate.stripe_gateway.balance.recorder import record_payout, record_transactions
from donate.stripe_gateway.catchup.lists import PAGE_SIZE, StripeLists
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.events.fields import UnusableEvent
from donate.stripe_gateway.retry_loop import ask_each, due_rows

# The pauses before a payout is read again, if it could not be read; the last pause repeats.
READ_AGAIN_AFTER: Final = Backoff("1m 5m 30m 2h 12h")
_UNKNOWN_TO_STRIPE: Final = "resource_missing"


@dataclass(frozen=True, slots=True)
class _Claim:
    payout_id: str
    ask_at: datetime
    """When the payout is read next, unless it is read successfully or an event arrives earlier."""


class PayoutReader:
    """Reads the payouts for which a read is due, one after the other."""

    def __init__(
        self, database: Database, client: StripeClient, lists: StripeLists, clock: Clock
    ) -> None:
        self._database = database
        self._client = client
        self._lists = lists
        self._clock = clock
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Stop before the next page of a list, and read no further payout in this process."""
        self._stopping.set()

    def read_due(self) -> int:
        """Read a few payouts for which a read is due; return the number of answers."""
        return ask_each(self._claim_due, self._read, "a question about a payout")

    def _claim_due(self) -> _Claim | None:
        now = self._clock.now()
        if self._stopping.is_set():
            return None
        with self._database.writing() as session:
            for row in due_rows(session, PayoutToRead, now):
                row.tries += 1
                row.ask_at = now + READ_AGAIN_AFTER.after(row.tries)
                return _Claim(row.payout_id, row.ask_at)
        return None

    def _read(self, claim: _Claim) -> None:
        asked_at = self._clock.now()
        try:
            payout = read_payout(self._retrieve(claim.payout_id), asked_at)
            rows = self._transactions_of(payout, asked_at) if is_listed(payout) else []
        except UnusableEvent as unusable:
            self._note(claim, f"Stripe’s answer cannot be used: {unusable}")
            return
        except StripeRefused as refused:
            self._note(claim, f"Stripe refused: {refused}", is_final=_is_unknown(refused))
            raise
        except StripeUnavailable as error:
            self._note(claim, f"Stripe gave no usable answer: {error}")
            raise
        # Write everything in one transaction, so that nobody sees a payout with only a part of its
        # transactions.
        with self._database.writing() as session:
            stored = record_payout(session, payout, is_complete=is_listed(payout))
            record_transactions(session, rows, stored)
            session.execute(_finish(claim))

    def _retrieve(self, payout_id: str) -> dict[str, Any]:
        return self._client.ask(lambda sdk: sdk.v1.payouts.retrieve(payout_id), "payout")

    def _transactions_of(self, payout: Row, asked_at: datetime) -> list[Row]:
        """Return all transactions that Stripe lists for a payout. Raises UnusableEvent."""
        params: dict[str, Any] = {
            "payout": payout["payout_id"],
            # The source of a transaction names the payment, and the payment leads to the gift.
            "expand": ["data.source"],
            "limit": PAGE_SIZE,
        }
        rows: list[Row] = []
        while True:
            page = self._lists.page_of(
                "balance_transactions", params, self._stopping, what="the payout’s transactions"
            )
            rows += (read_balance_transaction(each, asked_at) for each in page.objects)
            if not page.has_more:
                return rows
            params["starting_after"] = page.objects[-1]["id"]

    def _note(self, claim: _Claim, trouble: str, *, is_final: bool = False) -> None:
        noted = update(PayoutToRead).where(col(PayoutToRead.payout_id) == claim.payout_id)
        with self._database.writing() as session:
            session.execute(noted.values(trouble=trouble[:500]))
            if is_final:
                session.execute(_still_claimed(claim).values(ask_at=None))


def _is_unknown(refused: StripeRefused) -> bool:
    return refused.code == _UNKNOWN_TO_STRIPE


def _finish(claim: _Claim) -> Any:
    """Return the statement that ends a claim, unless an event has scheduled another read."""
    return _still_claimed(claim).values(ask_at=None, tries=0, trouble="")


def _still_claimed(claim: _Claim) -> Update:
    return update(PayoutToRead).where(
        col(PayoutToRead.payout_id) == claim.payout_id,
        col(PayoutToRead.ask_at) == claim.ask_at,
        # An event sets this to 0, and may by chance set the same time.
        col(PayoutToRead.tries) > 0,
    )
