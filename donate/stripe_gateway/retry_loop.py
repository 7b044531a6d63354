"""The one loop that asks Stripe for what is due, and asks again until there is an answer.

Each kind of request is a table whose `ask_at` says when to ask next. A row is claimed in a short
transaction that already plans the next try, so a process that dies in between loses nothing; Stripe
is asked while no transaction is open.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlmodel import Session, col, select

from donate.errors import StripeRefused, StripeUnavailable
from donate.stripe_gateway.models import (
    OpenAgreement,
    OpenCheckout,
    OpenPledgeChange,
    OpenRefund,
    UnknownPayment,
)

log = logging.getLogger(__name__)

# How many are asked about in one round of the worker, so that its other jobs get their turn.
AT_A_TIME: Final = 10

Row = TypeVar("Row", OpenAgreement, OpenCheckout, OpenPledgeChange, OpenRefund, UnknownPayment)
Request = TypeVar("Request")


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait after each try; the last pause repeats."""

    pauses: tuple[timedelta, ...]

    def after(self, tries: int) -> timedelta:
        """Return the pause after so many tries, counted from 1."""
        return self.pauses[min(tries, len(self.pauses)) - 1]


def due_rows(session: Session, table: type[Row], now: datetime, at_most: int = 1) -> Sequence[Row]:
    """Lock and return the rows that are due, the longest due first.

    Rows that another process has locked are skipped.
    """
    due = (
        select(table)
        .where(col(table.ask_at) <= now)
        .order_by(col(table.ask_at))
        .limit(at_most)
        .with_for_update(skip_locked=True)
    )
    return session.exec(due).all()


def ask_each(
    claim: Callable[[], Request | None], ask: Callable[[Request], object], what: str
) -> int:
    """Claim and ask about one request after another; return how many Stripe answered.

    `claim` returns None when nothing is due. A refusal is an answer. When Stripe gives none, the
    rest stays due, and the worker pauses: 0 is returned.
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
