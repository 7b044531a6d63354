"""Asks Stripe about checkout sessions whose end nobody told us, through the same inbox and code.

A webhook that is slow or never comes is made up for twice: when the donor returns and looks, and
by the worker, which asks a few times until the session has expired.
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
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.events.synthetic import as_session_event
from donate.stripe_gateway.models import OpenCheckout
from donate.stripe_gateway.requests.checkout import ASK_AFTER
from donate.stripe_gateway.retry_loop import ask_each, due_rows
from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import Settler

log = logging.getLogger(__name__)

# A donor's page looks every few seconds; Stripe is asked no more often than this.
LEAST_PAUSE: Final = timedelta(seconds=4)
# After this we stop asking by ourselves: a donor may take ten days to confirm their bank account,
# and the debit takes five business days more.
_GIVE_UP_AFTER: Final = timedelta(days=21)
_LOOKING_AT_ONCE: Final = 8


class CheckoutPoller:
    """Asks about single sessions."""

    def __init__(
        self,
        database: Database,
        client: StripeClient,
        inbox: Inbox,
        settler: Settler,
        clock: Clock,
    ) -> None:
        self._database = database
        self._client = client
        self._inbox = inbox
        self._settler = settler
        self._clock = clock
        self._looking = threading.BoundedSemaphore(_LOOKING_AT_ONCE)

    def look_again(self, gift_id: uuid.UUID) -> None:
        """Ask about a gift whose donor is looking, and settle what we hear. Never raises.

        When many look at once, the rest see what is known: Stripe allows so many calls a second.
        """
        if not self._looking.acquire(blocking=False):
            return
        try:
            self._ask_about_gift(gift_id)
        except DonateError as error:
            log.warning("could not look again: %s", type(error).__name__)
        finally:
            self._looking.release()

    def _ask_about_gift(self, gift_id: uuid.UUID) -> None:
        now = self._clock.now()
        with self._database.writing() as session:
            newest = (
                select(OpenCheckout)
                .where(OpenCheckout.gift_id == gift_id, col(OpenCheckout.ask_at).is_not(None))
                .order_by(col(OpenCheckout.opened_at).desc())
                .limit(1)
            )
            checkout = session.exec(newest).one_or_none()
            if checkout is None or not _take(session, checkout, now):
                return
        self._ask(checkout.session_id)
        self._settler.settle_due()

    def ask_due(self) -> int:
        """Ask about a few sessions that are due; return how many Stripe answered."""
        return ask_each(self._take_due, self._ask, "a question about a checkout session")

    def _take_due(self) -> str | None:
        now = self._clock.now()
        with self._database.writing() as session:
            for checkout in due_rows(session, OpenCheckout, now):
                if _take(session, checkout, now):
                    return checkout.session_id
        return None

    def _ask(self, session_id: str) -> None:
        found = self._client.retrieve_session(session_id)
        now = self._clock.now()
        event = as_session_event(found, now, self._client.is_known)
        if event:
            self._inbox.store_answers(now, event)


def _take(session: Session, checkout: OpenCheckout, now: datetime) -> bool:
    """Note that we ask now and when to ask next; False when somebody else just did."""
    taken = session.execute(
        update(OpenCheckout)
        .where(
            col(OpenCheckout.session_id) == checkout.session_id,
            col(OpenCheckout.asked_at).is_(None)
            | (col(OpenCheckout.asked_at) <= now - LEAST_PAUSE),
        )
        .values(asked_at=now, ask_at=_ask_next(checkout, now))
    )
    return bool(taken.rowcount)  # type: ignore[attr-defined]


def _ask_next(checkout: OpenCheckout, now: datetime) -> datetime | None:
    planned = [checkout.opened_at + after for after in ASK_AFTER]
    planned.append(checkout.expires_at + timedelta(minutes=5))
    later = next((moment for moment in planned if moment > now), now + timedelta(hours=12))
    return later if later < checkout.opened_at + _GIVE_UP_AFTER else None
