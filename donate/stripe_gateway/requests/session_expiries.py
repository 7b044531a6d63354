"""Asks Stripe to end checkout sessions in which many cards were declined."""

from typing import Final

from donate.clock import Backoff, Clock
from donate.errors import StripeRefused
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.events.synthetic import as_session_event
from donate.stripe_gateway.models import OpenExpiry
from donate.stripe_gateway.retry_loop import ask_each, due_rows
from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import Settler

ASK_AGAIN_AFTER: Final = Backoff("10s 1m 10m 1h 6h")
_MOST_TRIES: Final = 8


class SessionExpiries:
    """The background job that ends sessions with many declines. It gives up after eight tries."""

    def __init__(
        self, database: Database, client: StripeClient, inbox: Inbox, settler: Settler, clock: Clock
    ) -> None:
        self._database = database
        self._client = client
        self._inbox = inbox
        self._settler = settler
        self._clock = clock

    def ask_due(self) -> int:
        """Ask Stripe to end a few sessions; return the number of answers."""
        return ask_each(self._claim_due, self._ask, "to end a checkout session")

    def _claim_due(self) -> str | None:
        now = self._clock.now()
        with self._database.writing() as session:
            for expiry in due_rows(session, OpenExpiry, now):
                expiry.tries += 1
                is_last = expiry.tries >= _MOST_TRIES
                expiry.ask_at = None if is_last else now + ASK_AGAIN_AFTER.after(expiry.tries)
                session.add(expiry)
                return expiry.session_id
        return None

    def _ask(self, session_id: str) -> None:
        try:
            checkout = self._client.expire_session(session_id)
        except StripeRefused:
            # The session was paid or has expired meanwhile. Its own event says which.
            self._forget(session_id)
            raise
        self._forget(session_id)
        now = self._clock.now()
        event = as_session_event(checkout, now)
        if event:
            self._inbox.store_answers(now, event)
            self._settler.settle_due()

    def _forget(self, session_id: str) -> None:
        with self._database.writing() as session:
            session.get_one(OpenExpiry, session_id, with_for_update=True).ask_at = None
