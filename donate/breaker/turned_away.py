"""Counts the outcomes of attempts in memory, until `watching.py` writes them to the log of attacks.

That happens every second, so that a flood of attempts does not write a row for each. A process that
is killed loses one second of the log, but no counts for limits: these go to the database at once.
"""

import threading
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from donate.breaker.models import Lane
from donate.web.logs_and_metrics import GIFT_ATTEMPTS

MOST_NOTED: Final = 5_000
"""The most different counts to keep between two writes; further networks count as OTHERS."""
OTHERS: Final = "others"


class AttemptOutcome(StrEnum):
    """The outcome of an attempt to open a gift. ASKED means that it was challenged."""

    OPENED = "opened"
    ASKED = "asked"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Noted:
    """What is counted: attempts of one network, with one giving code and one outcome."""

    lane: Lane
    code: str
    network: str
    outcome: AttemptOutcome


class TurnedAway:
    """Counts attempts by network, giving code and outcome."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[Noted] = Counter()

    def note(self, lane: Lane, code: str, network: str, outcome: AttemptOutcome) -> None:
        """Count one attempt."""
        GIFT_ATTEMPTS.labels(lane, outcome).inc()
        noted = Noted(lane, code, network, outcome)
        with self._lock:
            if noted not in self._counts and len(self._counts) >= MOST_NOTED:
                noted = Noted(lane, code, OTHERS, outcome)
            self._counts[noted] += 1

    def take(self) -> Counter[Noted]:
        """Return the counts since the last call, and start again from zero."""
        with self._lock:
            taken, self._counts = self._counts, Counter()
        return taken

    def give_back(self, counts: Counter[Noted]) -> None:
        """Add these counts again, because they could not be written to the database."""
        with self._lock:
            self._counts.update(counts)
