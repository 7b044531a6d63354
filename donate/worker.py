"""Runs the background jobs, each in a thread of its own, so that a slow one delays no other.

Each job runs again and again. Each run finds due work in the database and does a bounded amount of
it. If the process crashes, the next run finds the unfinished work. A nudge only makes the next run
start earlier.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final

from donate.errors import Unavailable
from donate.web.logs_and_metrics import WORKER_ROUND

log = logging.getLogger(__name__)

HEARTBEAT_S: Final = 1.0

Job = Callable[[], int]
"""A function that does a bounded amount of due work and returns how much work it did."""


class Worker:
    """Runs each job in a thread until the worker is stopped."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._threads: list[_JobThread] = []

    def start(self) -> None:
        """Start a thread for each job."""
        self._threads = [_JobThread(job) for job in self._jobs]
        for thread in self._threads:
            thread.start()

    def nudge(self, *jobs: Job) -> None:
        """Tell these jobs, or all jobs, to start their next run now. Returns without waiting."""
        for thread in self._threads:
            if not jobs or thread.job in jobs:
                thread.nudge()

    def stop(self) -> None:
        """Let each thread finish its current run, and wait until all threads have ended."""
        for thread in self._threads:
            thread.request_stop()
        for thread in self._threads:
            thread.join()


class _JobThread(threading.Thread):
    """Runs one job again and again, and pauses after a run that found no work."""

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
        """Run the job once; return how much work it did. After an error, the next run retries."""
        done = 0
        try:
            done = self.job()
        except Unavailable as error:
            log.warning("%s cannot run now: %s", self.name, type(error).__name__)
        except Exception:
            log.exception("%s failed", self.name)
        WORKER_ROUND.labels(self.name).set_to_current_time()
        return done
