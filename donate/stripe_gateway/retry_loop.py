"""The loop that sends due requests to Stripe, and retries each until Stripe answers.

Each kind of request has a table, in which `ask_at` is the time of the next try. A short transaction
claims a row: it already schedules the next try. So no other process takes the row now, and the
request is not lost if this process dies. No transaction is open during the call to Stripe.

The time to wait between two tries is defined with each kind of request: as `ASK_AGAIN_AFTER` in
`refund_requests`, `pledge_requests`, `session_expiries` and `unknown_payments`, as `ASK_AFTER` in
`checkout_polling`, as `READ_AGAIN_AFTER` in `balance.reader`, and as a fraction of the time waited
so far in `agreements`.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlmodel import Session, col, select

from donate.errors import StripeRefused, StripeUnavailable
from donate.storage.database import Database
from donate.stripe_gateway.balance.models import PayoutToRead
from donate.stripe_gateway.models import (
    OpenAgreement,
    OpenCheckout,
    OpenExpiry,
    OpenPledgeChange,
    OpenRefund,
    UnknownPayment,
)

log = logging.getLogger(__name__)

# Maximum number of requests in one run of a worker's job, so that the run stays short.
AT_A_TIME: Final = 10
# A new object may be missing from Stripe's lists for up to this long after its creation.
LIST_DELAY: Final = timedelta(minutes=10)

Row = TypeVar(
    "Row",
    OpenAgreement,
    OpenCheckout,
    OpenExpiry,
    OpenPledgeChange,
    OpenRefund,
    PayoutToRead,
    UnknownPayment,
)
KeyedRow = TypeVar("KeyedRow", OpenAgreement, OpenRefund)
Request = TypeVar("Request")


def due_rows(session: Session, table: type[Row], now: datetime, at_most: int = 1) -> Sequence[Row]:
    """Lock and return up to `at_most` due rows. The row that has been due longest comes first.

    Skip rows that another process has locked.
    """
    due = (
        select(table)
        .where(col(table.ask_at) <= now)
        .order_by(col(table.ask_at))
        .limit(at_most)
        .with_for_update(skip_locked=True)
    )
    return session.exec(due).all()


def use_new_key(
    database: Database, table: type[KeyedRow], key: str, keys_spent: int, now: datetime
) -> None:
    """Use another idempotency key for the next try. For this one, Stripe repeats the failure.

    Also postpone the next try. It first looks for the object in Stripe's list, in case the failed
    request created it after all, and a new object may appear there late.
    """
    with database.writing() as session:
        row = session.get_one(table, key, with_for_update=True)
        # If two processes saw the same failure, only one of them moves on to the next idempotency
        # key.
        if row.ask_at and row.keys_spent == keys_spent:
            row.keys_spent += 1
            row.ask_at = max(row.ask_at, now + LIST_DELAY)


def ask_each(
    claim: Callable[[], Request | None], ask: Callable[[Request], object], what: str
) -> int:
    """Claim and send one request after another; return the number of answers.

    `claim` returns None when nothing is due. A refusal counts as an answer. If Stripe gives no
    answer, the remaining requests stay due, and 0 is returned, so that the worker pauses.
    """
    for answered in range(AT_A_TIME):
        request = claim()
        if request is None:
            return answered
        try:
            ask(request)
        except StripeRefused as refused:
            log.warning("Stripe refused %s: %s", what, refused)
        except StripeUnavailable as error:
            log.warning("no answer yet to %s: %s", what, error)
            return 0
    return AT_A_TIME
