"""Limits how often a page of a monthly gift calls Stripe, because all pages share these calls."""

import threading
import uuid
from datetime import datetime, timedelta
from typing import Final

from donate.clock import Clock
from donate.stripe_gateway.turns import SPARE, Turns

# How many times the page of one pledge may change something at Stripe within a minute, in each
# process. A donor who corrects a mistake needs three or four. A script must not get many more.
MAX_ACTS: Final = 6
_MINUTE: Final = timedelta(minutes=1)


class PledgeLimits:
    """The limits on donors' pages of monthly gifts. Staff have none."""

    def __init__(self, turns: Turns, clock: Clock) -> None:
        self._turns = turns
        self._clock = clock
        self._acts: dict[uuid.UUID, list[datetime]] = {}
        self._lock = threading.Lock()

    def may_act(self, pledge_id: uuid.UUID) -> bool:
        """Count a change of a pledge; return False if there were `MAX_ACTS` in the last minute."""
        begin = self._clock.now() - _MINUTE
        with self._lock:
            self._acts = {each: at for each, at in self._acts.items() if at[-1] > begin}
            lately = [at for at in self._acts.get(pledge_id, []) if at > begin]
            if len(lately) >= MAX_ACTS:
                return False
            self._acts[pledge_id] = [*lately, self._clock.now()]
            return True

    def may_look(self) -> bool:
        """Return whether a page may ask Stripe for something that it can do without."""
        return self._turns.any_free(spare=SPARE)
