"""Polls Stripe for checkout sessions that have no final event, in case a webhook is late or lost.

Stripe is asked when the donor returns to the gift's page, if one of the few turns of donors' pages
is free. The worker also asks a few times, until the session has expired. Stripe's answers go into
the inbox as synthetic events.
"""

import logging
import threading
import uuid
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import update
from sqlmodel import Session, col, select

from donate.clock import Clock
from donate.errors import DonateError
from donate.storage.bulk_writes import count_changed
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.events.synthetic import as_session_event
from donate.stripe_gateway.models import OpenCheckout
from donate.stripe_gateway.requests.checkout import ASK_AFTER
from donate.stripe_gateway.retry_loop import ask_each, due_rows
from donate.stripe_gateway.turns import SPARE, Turns
from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import Settler

log = logging.getLogger(__name__)

# The page of a gift refreshes every few seconds, but does not poll each time. The pause between two
# polls is a tenth of the session's age, but at least MIN_PAUSE and at most MAX_PAUSE.
MIN_PAUSE: Final = timedelta(seconds=4)
MAX_PAUSE: Final = timedelta(minutes=1)
# How long after its opening the worker polls a session. A donor may take ten days to confirm their
# bank account, and then the debit takes another five business days.
_GIVE_UP_AFTER: Final = timedelta(days=21)
_MAX_DONOR_CALLS: Final = 8


class CheckoutPoller:
    """Polls Stripe about single checkout sessions."""

    def __init__(
        self,
        database: Database,
        client: StripeClient,
        inbox: Inbox,
        settler: Settler,
        clock: Clock,
        *,
        turns: Turns,
    ) -> None:
        self._database = database
        self._turns = turns
        self._client = client
        self._inbox = inbox
        self._settler = settler
        self._clock = clock
        self._donor_calls = threading.BoundedSemaphore(_MAX_DONOR_CALLS)

    def poll_gift(self, gift_id: uuid.UUID) -> datetime | None:
        """Poll the session of a gift whose donor is looking at its page, and settle the answer.

        Return the time to which the page is up to date: now if Stripe has answered or need not be
        asked; the time of the last poll if it is too early for another, or no turn is free; None if
        there was no poll yet, too many pages poll at once, or Stripe does not answer. Never raises.
        """
        if not self._donor_calls.acquire(blocking=False):
            return None
        try:
            with self._database.reading() as session:
                checkout = _newest_checkout(session, gift_id)
            if checkout is None:
                return self._clock.now()
            return self._ask_for_page(checkout) or checkout.asked_at
        except DonateError as error:
            log.warning("could not ask about a gift: %s", type(error).__name__)
            return None
        finally:
            self._donor_calls.release()

    def _ask_for_page(self, checkout: OpenCheckout) -> datetime | None:
        """Poll a session; return the time, or None if it is too early or no turn is free."""
        now = self._clock.now()
        if checkout.asked_at and checkout.asked_at > now - _pause(checkout):
            return None
        # The first poll of a session may take the last free turns.
        spare = SPARE if checkout.asked_at else 0
        with self._database.writing() as session:
            if not _claim(session, checkout, now):
                return None
            if not self._turns.take(session, spare=spare):
                session.rollback()
                return None
        self._ask(checkout.session_id)
        self._settler.settle_due()
        return now

    def ask_due(self) -> int:
        """Poll a few due sessions; return the number of answers."""
        return ask_each(self._claim_due, self._ask, "a question about a checkout session")

    def _claim_due(self) -> str | None:
        now = self._clock.now()
        with self._database.writing() as session:
            for checkout in due_rows(session, OpenCheckout, now):
                if _claim(session, checkout, now):
                    return checkout.session_id
        return None

    def _ask(self, session_id: str) -> None:
        checkout = self._client.retrieve_session(session_id)
        now = self._clock.now()
        event = as_session_event(checkout, now, self._client.is_allowed_url)
        if event:
            self._inbox.store_answers(now, event)


def _newest_checkout(session: Session, gift_id: uuid.UUID) -> OpenCheckout | None:
    """Return the newest session of a gift about which Stripe still has to be asked."""
    newest = (
        select(OpenCheckout)
        .where(OpenCheckout.gift_id == gift_id, col(OpenCheckout.ask_at).is_not(None))
        .order_by(col(OpenCheckout.opened_at).desc())
        .limit(1)
    )
    return session.exec(newest).one_or_none()


def _pause(checkout: OpenCheckout) -> timedelta:
    """Return the minimum time between the last poll of a session and the next."""
    age = (checkout.asked_at or checkout.opened_at) - checkout.opened_at
    return min(max(MIN_PAUSE, age / 10), MAX_PAUSE)


def _claim(session: Session, checkout: OpenCheckout, now: datetime) -> bool:
    """Schedule the session's next poll; return False if another call has just polled it."""
    statement = (
        update(OpenCheckout)
        .where(
            col(OpenCheckout.session_id) == checkout.session_id,
            col(OpenCheckout.asked_at).is_(None)
            | (col(OpenCheckout.asked_at) <= now - _pause(checkout)),
        )
        .values(asked_at=now, ask_at=_next_ask_at(checkout, now))
    )
    return count_changed(session, statement) > 0


def _next_ask_at(checkout: OpenCheckout, now: datetime) -> datetime | None:
    times = [checkout.opened_at + after for after in ASK_AFTER]
    times.append(checkout.expires_at + timedelta(minutes=5))
    next_time = next((time for time in times if time > now), now + timedelta(hours=12))
    return next_time if next_time < checkout.opened_at + _GIVE_UP_AFTER else None
