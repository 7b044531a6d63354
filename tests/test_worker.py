"""The worker runs its jobs again and again, at once if it is nudged, and survives failures."""

import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from donate.errors import DatabaseBusy, StripeUnavailable
from donate.worker import HEARTBEAT_S, Job, Worker

SOON_S = 0.1


class Counted:
    """A job that records when it ran, and returns or raises one of `results` each time."""

    def __init__(self, results: Sequence[int | Exception] = ()) -> None:
        self._results = list(results)
        self._ran = threading.Semaphore(0)
        self.times: list[float] = []

    def do(self) -> int:
        self.times.append(time.monotonic())
        result = self._results.pop(0) if self._results else 0
        self._ran.release()
        if isinstance(result, Exception):
            raise result
        return result

    def ran(self, timeout_s: float = 5) -> bool:
        return self._ran.acquire(timeout=timeout_s)


class Running:
    """Starts workers, and stops them after the test."""

    def __init__(self) -> None:
        self._workers: list[Worker] = []

    def start(self, *jobs: Job) -> Worker:
        worker = Worker(jobs)
        self._workers.append(worker)
        worker.start()
        return worker

    def stop(self) -> None:
        for worker in self._workers:
            worker.stop()


@pytest.fixture
def running() -> Iterator[Running]:
    running = Running()
    yield running
    running.stop()


@pytest.mark.parametrize(
    "failure", [RuntimeError("a bug"), DatabaseBusy("locked"), StripeUnavailable("no answer")]
)
def test_a_failure_stops_nothing(running: Running, failure: Exception) -> None:
    """A job that fails runs again at the next nudge, and other jobs are not affected."""
    failing, other = Counted([failure, failure]), Counted()
    worker = running.start(failing.do, other.do)
    for _ in range(3):
        assert failing.ran()
        assert other.ran()
        time.sleep(0.02)  # Both jobs are idle again.
        worker.nudge()


def test_a_failure_is_logged(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    """A job's bug is logged with its traceback, and a busy database in one line."""
    failing = Counted([RuntimeError("a bug"), DatabaseBusy("locked"), 0])
    worker = running.start(failing.do)
    for _ in range(3):
        assert failing.ran()
        time.sleep(0.02)
        worker.nudge()
    worker.stop()
    logged = [(record.levelname, record.exc_info is not None) for record in caplog.records]
    assert logged == [("ERROR", True), ("WARNING", False)]
    assert all("Counted.do" in record.getMessage() for record in caplog.records)


@pytest.mark.alone
def test_a_nudge_wakes_at_once(running: Running) -> None:
    """A nudge makes every idle job run again immediately."""
    jobs = [Counted(), Counted()]
    worker = running.start(*(job.do for job in jobs))
    assert all(job.ran() for job in jobs)
    time.sleep(0.05)
    nudged_at = time.monotonic()
    worker.nudge()
    assert all(job.ran() for job in jobs)
    assert all(job.times[1] - nudged_at < SOON_S for job in jobs)


@pytest.mark.alone
def test_without_a_nudge_the_heartbeat_starts_a_round(running: Running) -> None:
    """A job that found no work runs again after the heartbeat's interval, even without a nudge."""
    job = Counted()
    running.start(job.do)
    assert job.ran()
    assert job.ran()
    assert HEARTBEAT_S - 0.05 < job.times[1] - job.times[0] < HEARTBEAT_S + 0.5


@pytest.mark.alone
def test_while_there_is_work_rounds_follow_immediately(running: Running) -> None:
    """A job that found work runs again immediately."""
    job = Counted([5, 5, 5, 0])
    running.start(job.do)
    assert all(job.ran() for _ in range(4))
    assert job.times[3] - job.times[0] < SOON_S


@pytest.mark.alone
def test_a_nudge_in_the_middle_of_a_round_is_kept(running: Running) -> None:
    """If the worker is nudged while a job runs, the job runs once more right after."""
    inside, go_on, second = threading.Event(), threading.Event(), threading.Event()

    def job() -> int:
        if inside.is_set():
            second.set()
        inside.set()
        go_on.wait(5)
        return 0

    worker = running.start(job)
    assert inside.wait(5)
    worker.nudge()
    go_on.set()
    assert second.wait(SOON_S)


def test_a_slow_job_holds_up_no_other(running: Running) -> None:
    """While one job is slow, the other jobs run as usual."""
    go_on, other = threading.Event(), Counted([1, 1, 1])

    def slow() -> int:
        go_on.wait(5)
        return 0

    running.start(slow, other.do)
    assert all(other.ran() for _ in range(3))
    go_on.set()


@pytest.mark.alone
def test_a_worker_stops_promptly(running: Running) -> None:
    """A worker that is idle stops immediately, and does not run again."""
    jobs = [Counted(), Counted()]
    worker = running.start(*(job.do for job in jobs))
    assert all(job.ran() for job in jobs)
    time.sleep(0.05)
    start = time.monotonic()
    worker.stop()
    assert time.monotonic() - start < SOON_S
    worker.nudge()
    assert not any(job.ran(0.05) for job in jobs)


def test_a_worker_finishes_its_round(running: Running) -> None:
    """A worker that is stopped while a job runs waits until the job has finished."""
    inside, done = threading.Event(), threading.Event()

    def job() -> int:
        inside.set()
        time.sleep(0.1)
        done.set()
        return 1

    worker = running.start(job)
    assert inside.wait(5)
    worker.stop()
    assert done.is_set()


def test_a_worker_can_be_stopped_in_any_state() -> None:
    """A worker can be stopped before its start, without jobs, and twice."""
    Worker([]).stop()
    Worker([Counted().do]).stop()
    worker = Worker([])
    worker.nudge()
    worker.start()
    worker.stop()
    worker.stop()
