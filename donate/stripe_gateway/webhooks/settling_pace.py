"""Slows down settling while events stream in, so that the webhook endpoint stays fast.

Stripe waits for the endpoint's answer. The ledger may follow some seconds later.

What it buys: a fast answer to 99 of 100 events; each batch delays the answers that follow it.
Shown by: part c of `make bench` (99th percentile at 350 events a second, at most 15 ms).
Delete it when: that stays below its target if the worker calls `Settler.settle_due` instead.
"""

import time
from collections.abc import Callable
from typing import Final

from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import BATCH, Settler

# While events stream in, each batch delays the answers to new ones, so keep batches small.
SMALL_BATCH: Final = 8
# Rest six times as long as a batch took, so that settling uses a seventh of the time.
REST_FACTOR: Final = 6
MIN_REST_S: Final = 0.02
MAX_REST_S: Final = 0.5
# How long a backlog lasts before settling uses half of the time. Until then the endpoint goes
# first: Stripe has to resend each event that the endpoint cannot store in time.
LATE_AFTER_S: Final = 3.0
REST_FACTOR_WHEN_LATE: Final = 1


class PacedSettling:
    """A job of the worker: settles a batch, and rests after it while events stream in."""

    def __init__(
        self, settler: Settler, inbox: Inbox, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._settler = settler
        self._inbox = inbox
        self._sleep = sleep
        self._behind_since: float | None = None

    def settle_due(self) -> int:
        """Settle one batch of due events; return how many were claimed."""
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
