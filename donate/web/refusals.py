"""Counts refused requests, so that a flood of them leaves a few lines and rows, not thousands.

Each refusal is counted in the metrics at once. Once a minute, a background job takes the sums of
this process, for the log and for the page that staff read.
"""

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Final

from donate.web.logs_and_metrics import REFUSED_REQUESTS

# Above this many different refusals in a minute, further ones are counted only by their reason,
# without network and account.
MOST_SUMS: Final = 500


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request was refused, from which network, and for which account.

    `network` and `account` are empty if unknown. `account` is the e-mail address of an existing
    staff account; other typed text is not stored, because it may be anything, even a password.
    """

    why: str
    network: str = ""
    account: str = ""


class RefusalCounts:
    """Counts the refusals of this process until a background job takes the counts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[Refusal] = Counter()

    def note(self, refusal: Refusal) -> None:
        """Count one refusal."""
        REFUSED_REQUESTS.labels(refusal.why).inc()
        with self._lock:
            if refusal not in self._counts and len(self._counts) >= MOST_SUMS:
                refusal = Refusal(refusal.why)
            self._counts[refusal] += 1

    def take(self) -> Counter[Refusal]:
        """Return the counts since the last call, and start again from zero."""
        with self._lock:
            taken, self._counts = self._counts, Counter()
        return taken


REFUSALS: Final = RefusalCounts()
