"""The worker keeps running its jobs if one of them hangs or fails."""

import threading

from donate.errors import DatabaseBusy
from donate.worker import Worker

PATIENCE_S = 5.0


def test_a_job_that_hangs_holds_up_no_other() -> None:
    """While one job of the worker hangs, calling `nudge` still starts the other job at once."""
    release, rounds = threading.Event(), threading.Semaphore(0)

    def hang() -> int:
        release.wait(PATIENCE_S)
        return 0

    def count() -> int:
        rounds.release()
        return 0

    worker = Worker([hang, count])
    worker.start()
    for _ in range(5):
        assert rounds.acquire(timeout=PATIENCE_S / 10)
        worker.nudge()
    release.set()
    worker.stop()


def test_a_job_that_fails_is_done_again() -> None:
    """A job of the worker that raised an error runs again."""
    errors: list[Exception] = [DatabaseBusy("busy"), RuntimeError("unforeseen")]
    done = threading.Event()

    def job() -> int:
        if errors:
            raise errors.pop()
        done.set()
        return 0

    worker = Worker([job])
    worker.start()
    while not done.wait(0.01):
        worker.nudge()
    worker.stop()
    assert errors == []
