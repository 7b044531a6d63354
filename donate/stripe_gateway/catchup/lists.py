"""Reads Stripe's lists page by page, gently: not too fast, and patient when Stripe is not well."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from donate.clock import Clock
from donate.errors import StripeKeyRefused, StripeRefused, StripeUnavailable
from donate.stripe_gateway.catchup.plan import Listing, ListRange
from donate.stripe_gateway.client import Page, StripeClient
from donate.stripe_gateway.events.types import EVENT_TYPES

log = logging.getLogger(__name__)

PAGE_SIZE: Final = 100
# A big page with much in it may be what takes too long.
_SMALLEST_PAGE: Final = 10
# Twenty reads a second; test mode allows 25, a live account about 100.
PAUSE: Final = timedelta(milliseconds=50)
# After these pauses we give up. What was done is kept, and the next run goes on from there.
PATIENCE_S: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)

Wait = Callable[[threading.Event, float], bool]
"""Waits so many seconds, or until the event is set; returns whether it is."""


def reading_client(secret_key: str, api_base: str, *, account: str = "") -> StripeClient:
    """Return a client for lists: a line of its own, and more patience than a donor has."""
    return StripeClient(secret_key, api_base, (), account=account, per_attempt_s=7.5, max_waiting=2)


class StripeLists:
    """Stripe's lists."""

    def __init__(
        self, client: StripeClient, clock: Clock, wait: Wait = threading.Event.wait
    ) -> None:
        self._client = client
        self._clock = clock
        self._wait = wait
        self._asked_at: datetime | None = None

    def page(self, stretch: ListRange, cursor: str, stopping: threading.Event) -> Page:
        """Return the page of a stretch that follows the object `cursor`, or its first page.

        Tries again for about a minute, or until `stopping`. Raises StripeUnavailable and its kin.
        """
        size, pauses_s = PAGE_SIZE, iter(PATIENCE_S)
        while True:
            self._keep_pace(stopping)
            try:
                return self._client.list_page(*_question(stretch, cursor, size))
            except (StripeRefused, StripeKeyRefused):
                raise
            except StripeUnavailable as error:
                pause_s = next(pauses_s, None)
                if pause_s is None or self._wait(stopping, pause_s):
                    raise StripeUnavailable(
                        f"Stripe gave no usable answer about {stretch.listing} ({error}); what was "
                        "fetched so far is kept, and the next catch-up goes on from there"
                    ) from error
                log.warning("asking Stripe again for %s: %s", stretch.listing, error)
                size = max(_SMALLEST_PAGE, size // 2)

    def close(self) -> None:
        """Stop waiting for Stripe, and hang up."""
        self._client.close()

    def _keep_pace(self, stopping: threading.Event) -> None:
        now = self._clock.now()
        if self._asked_at and now < self._asked_at + PAUSE:
            self._wait(stopping, (self._asked_at + PAUSE - now).total_seconds())
        self._asked_at = self._clock.now()


def _question(stretch: ListRange, cursor: str, size: int) -> tuple[str, dict[str, Any]]:
    created = {"gte": int(stretch.created_from.timestamp())}
    if stretch.created_before:
        created["lt"] = int(stretch.created_before.timestamp())
    asked: dict[str, Any] = {"created": created, "limit": size}
    if cursor:
        asked["starting_after"] = cursor
    match stretch.listing:
        case Listing.EVENTS:
            return "events", asked | {"types": list(EVENT_TYPES)}
        case Listing.PAID_SESSIONS:
            # How the payment ended, and when the money came, stand on these.
            whole = "data.payment_intent.latest_charge.balance_transaction"
            return "sessions", asked | {"status": "complete", "expand": [whole]}
        case Listing.EXPIRED_SESSIONS:
            return "sessions", asked | {"status": "expired"}
        case Listing.INVOICES:
            return "invoices", asked | {"status": "paid", "expand": ["data.payments"]}
        case Listing.SUBSCRIPTIONS:
            return "subscriptions", asked | {"status": "all"}
        case Listing.REFUNDS:
            return "refunds", asked
        case Listing.DISPUTES:
            return "disputes", asked
