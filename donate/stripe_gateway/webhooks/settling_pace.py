"""Settles what is due at a pace that leaves the doorway its speed.

Stripe waits for our answer, and nobody waits for the ledger as long as it follows within seconds.
"""

import time
from collections.abc import Callable
from typing import Final

from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import BATCH, Settler

# While events stream in, each batch holds up the answers to those that come meanwhile.
SMALL_BATCH: Final = 8
# Six rests to one part of work: settling takes a seventh of the time from the doorway.
RESTS: Final = 6
LEAST_REST_S: Final = 0.02
MOST_REST_S: Final = 0.5
# After so long a stream that leaves a backlog, settling takes half of the time: the doorway has to
# keep up first, since what it cannot take is asked for again.
PATIENCE_S: Final = 3.0
RESTS_WHEN_LATE: Final = 1


class PacedSettling:
    """One job of the worker: `settle_due`, and a rest after it while events stream in."""

    def __init__(
        self, settler: Settler, inbox: Inbox, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._settler = settler
        self._inbox = inbox
        self._sleep = sleep
        self._behind_since: float | None = None

    def settle_due(self) -> int:
        """Settle one batch of events that are due; returns how many were looked at."""
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
        late = self._behind_since is not None and end - self._behind_since > PATIENCE_S
        rest = MOST_REST_S if self._inbox.is_crowded() else (end - start) * RESTS
        self._sleep(
            (end - start) * RESTS_WHEN_LATE if late else min(max(rest, LEAST_REST_S), MOST_REST_S)
        )
        return settled
