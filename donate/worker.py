"""The heartbeat: finds what is due and does a bounded amount of it, again and again.

Nothing is pushed to it but a nudge; what a crash left undone is found at the next round. Each job
goes round in a thread of its own, so that one that waits for Stripe never holds up the others.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final

from donate.errors import Unavailable
from donate.web.observability import WORKER_ROUND

log = logging.getLogger(__name__)

HEARTBEAT_S: Final = 1.0

Job = Callable[[], int]
"""Does a bounded amount of what is due, and returns how much that was."""


class Worker:
    """Does its jobs over and over until it is stopped."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._rounds: list[_Rounds] = []

    def start(self) -> None:
        """Begin going round."""
        self._rounds = [_Rounds(job) for job in self._jobs]
        for rounds in self._rounds:
            rounds.start()

    def nudge(self, *jobs: Job) -> None:
        """Do these jobs at once, or all of them: something has just become due."""
        for rounds in self._rounds:
            if not jobs or rounds.job in jobs:
                rounds.nudge()

    def stop(self) -> None:
        """Finish the rounds under way, then stop."""
        for rounds in self._rounds:
            rounds.ask_to_stop()
        for rounds in self._rounds:
            rounds.join()


class _Rounds(threading.Thread):
    """One job, over and over; it rests for a heartbeat when a round found nothing."""

    def __init__(self, job: Job) -> None:
        super().__init__(name=job.__qualname__, daemon=True)
        self.job = job
        self._nudged = threading.Event()
        self._stopping = threading.Event()

    def nudge(self) -> None:
        self._nudged.set()

    def ask_to_stop(self) -> None:
        self._stopping.set()
        self._nudged.set()

    def run(self) -> None:
        while not self._stopping.is_set():
            self._nudged.clear()
            if not self._go_round():
                self._nudged.wait(HEARTBEAT_S)

    def _go_round(self) -> int:
        """Do the job once; returns how much was done. What fails is tried at the next round."""
        done = 0
        try:
            done = self.job()
        except Unavailable as error:
            log.warning("%s cannot run just now: %s", self.name, type(error).__name__)
        except Exception:
            log.exception("%s failed", self.name)
        WORKER_ROUND.labels(self.name).set_to_current_time()
        return done
