"""Settles events more slowly while many arrive, so that the webhook endpoint stays fast.

Stripe waits for the endpoint's answer, but the ledger may be some seconds behind.

Problem: settling a batch of events delays the answers to events that arrive in the meantime.
Shown by: part c of `make bench`. With 350 events a second, 99% of the answers should take at most
15 ms.
Delete it when: the answers take no longer than that if the worker calls `Settler.settle_due`
directly.
"""

import time
from collections.abc import Callable
from typing import Final

from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import BATCH, Settler

# While events stream in, each batch delays the answers to new events, so batches are small.
SMALL_BATCH: Final = 8
# Pause six times as long as a batch took, so that settling uses one seventh of the time.
REST_FACTOR: Final = 6
MIN_REST_S: Final = 0.02
MAX_REST_S: Final = 0.5
# If there is a backlog for longer than this, settling uses half of the time. Before that, the
# endpoint has priority, because Stripe has to resend each event that the endpoint cannot store in
# time.
LATE_AFTER_S: Final = 3.0
REST_FACTOR_WHEN_LATE: Final = 1


class PacedSettling:
    """A job of the worker. It settles a batch, and pauses after it while events stream in."""

    def __init__(
        self, settler: Settler, inbox: Inbox, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._settler = settler
        self._inbox = inbox
        self._sleep = sleep
        self._behind_since: float | None = None

    def settle_due(self) -> int:
        """Settle one batch of due events. Return how many events were claimed."""
        if self._inbox.is_quiet():
            self._behind_since = None
            return self._settler.settle_due(BATCH)
        start = time.monotonic()
        settled = self._settler.settle_due(SMALL_BATCH)
        end = time.monotonic()
        if settled < SMALL_BATCH:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = start
        is_late = self._behind_since is not None and end - self._behind_since > LATE_AFTER_S
        rest = MAX_REST_S if self._inbox.is_crowded() else (end - start) * REST_FACTOR
        self._sleep(
            (end - start) * REST_FACTOR_WHEN_LATE
            if is_late
            else min(max(rest, MIN_REST_S), MAX_REST_S)
        )
        return settled
