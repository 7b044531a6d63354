"""Reads Stripe's lists page by page, and retries patiently."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from donate.errors import StripeKeyRefused, StripeRefused, StripeUnavailable
from donate.stripe_gateway.catchup.plan import Listing, ListRange
from donate.stripe_gateway.client import Page, StripeClient
from donate.stripe_gateway.events.types import EVENT_TYPES
from donate.stripe_gateway.turns import Turns

log = logging.getLogger(__name__)

PAGE_SIZE: Final = 100
# The smallest page size. Each retry asks for a smaller page, because Stripe may be too slow to
# answer with a large one.
_SMALLEST_PAGE: Final = 10
# The pauses before each retry of a page. After the last retry, the run gives up, and the next run
# resumes at this page.
RETRY_PAUSES_S: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)

Wait = Callable[[threading.Event, float], bool]
"""A function that waits some seconds or until the event is set; it returns whether it is set."""


def reading_client(
    secret_key: str, api_base: str, *, account: str = "", turns: Turns | None = None
) -> StripeClient:
    """Return a Stripe client for reading lists, with its own call limit and a longer timeout."""
    return StripeClient(
        *(secret_key, api_base, ()),
        account=account,
        per_attempt_s=7.5,
        max_waiting=2,
        turns=turns,
    )


class StripeLists:
    """Reads pages of Stripe's lists."""

    def __init__(self, client: StripeClient, wait: Wait = threading.Event.wait) -> None:
        self._client = client
        self._wait = wait

    def page(self, list_range: ListRange, cursor: str, stopping: threading.Event) -> Page:
        """Return the page that begins after the object `cursor`; without a cursor, the first page.

        If Stripe does not answer, retry for about a minute, or until `stopping` is set. Raises
        StripeUnavailable or a related error.
        """
        name, params = _list_and_params(list_range, cursor, PAGE_SIZE)
        try:
            return self.page_of(name, params, stopping, what=list_range.listing)
        except (StripeRefused, StripeKeyRefused):
            raise
        except StripeUnavailable as error:
            kept = "everything fetched so far is kept, and the next catch-up resumes here"
            raise StripeUnavailable(f"{error}; {kept}") from error

    def page_of(
        self, name: str, params: Mapping[str, Any], stopping: threading.Event, *, what: str
    ) -> Page:
        """Return a page of the list `name`, read with these parameters.

        `what` is the list's name in messages. Retries and raises as `page` does.
        """
        size, pauses_s = PAGE_SIZE, iter(RETRY_PAUSES_S)
        while True:
            try:
                return self._client.list_page(name, {**params, "limit": size})
            except (StripeRefused, StripeKeyRefused):
                raise
            except StripeUnavailable as error:
                pause_s = next(pauses_s, None)
                if pause_s is None or self._wait(stopping, pause_s):
                    raise StripeUnavailable(
                        f"Stripe gave no usable answer about {what} ({error})"
                    ) from error
                log.warning("retrying %s: %s", what, error)
                size = max(_SMALLEST_PAGE, size // 2)

    def close(self) -> None:
        """Cancel waiting calls, and close the connections."""
        self._client.close()


def _list_and_params(list_range: ListRange, cursor: str, size: int) -> tuple[str, dict[str, Any]]:
    created = {"gte": int(list_range.created_from.timestamp())}
    if list_range.created_before:
        created["lt"] = int(list_range.created_before.timestamp())
    params: dict[str, Any] = {"created": created, "limit": size}
    if cursor:
        params["starting_after"] = cursor
    match list_range.listing:
        case Listing.EVENTS:
            return "events", params | {"types": list(EVENT_TYPES)}
        case Listing.PAID_SESSIONS:
            # The charge says how the payment ended. Its balance transaction says when the money
            # arrived.
            expand = "data.payment_intent.latest_charge.balance_transaction"
            return "sessions", params | {"status": "complete", "expand": [expand]}
        case Listing.EXPIRED_SESSIONS:
            return "sessions", params | {"status": "expired"}
        case Listing.INVOICES:
            return "invoices", params | {"status": "paid", "expand": ["data.payments"]}
        case Listing.SUBSCRIPTIONS:
            return "subscriptions", params | {"status": "all"}
        case Listing.REFUNDS:
            return "refunds", params
        case Listing.DISPUTES:
            return "disputes", params
        case Listing.PAYOUTS:
            return "payouts", params
        case Listing.BALANCE:
            # The source of a transaction names the payment, and the payment leads to the gift.
            return "balance_transactions", params | {"expand": ["data.source"]}
