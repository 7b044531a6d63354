"""Runs the background jobs in a loop. Each round of a job does a bounded amount of due work.

Jobs find their work in the database, so the next round finds what a crash left undone. A nudge only
starts a round early. Each job has its own thread, so one that waits for Stripe does not block the
others.
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
"""Does a bounded amount of due work and returns how much it did."""


class Worker:
    """Runs its jobs in a loop until it is stopped."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._threads: list[_JobThread] = []

    def start(self) -> None:
        """Start a thread for each job."""
        self._threads = [_JobThread(job) for job in self._jobs]
        for thread in self._threads:
            thread.start()

    def nudge(self, *jobs: Job) -> None:
        """Start the next round of these jobs, or of all jobs, without waiting."""
        for thread in self._threads:
            if not jobs or thread.job in jobs:
                thread.nudge()

    def stop(self) -> None:
        """Finish the current rounds, then stop."""
        for thread in self._threads:
            thread.request_stop()
        for thread in self._threads:
            thread.join()


class _JobThread(threading.Thread):
    """Runs one job in a loop, and pauses for a heartbeat after a round that found nothing."""

    def __init__(self, job: Job) -> None:
        super().__init__(name=job.__qualname__, daemon=True)
        self.job = job
        self._nudged = threading.Event()
        self._stopping = threading.Event()

    def nudge(self) -> None:
        self._nudged.set()

    def request_stop(self) -> None:
        self._stopping.set()
        self._nudged.set()

    def run(self) -> None:
        while not self._stopping.is_set():
            self._nudged.clear()
            if not self._run_round():
                self._nudged.wait(HEARTBEAT_S)

    def _run_round(self) -> int:
        """Run the job once; return how much it did. The next round retries a failure."""
        done = 0
        try:
            done = self.job()
        except Unavailable as error:
            log.warning("%s cannot run now: %s", self.name, type(error).__name__)
        except Exception:
            log.exception("%s failed", self.name)
        WORKER_ROUND.labels(self.name).set_to_current_time()
        return done
