"""How slow or busy this machine is now, for tests with a limit of time.

Each core of a busy machine does less in a second of processor time, because others use the same
caches and execution units.
"""

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

# What the loop takes on the quiet machine for which the limits were set.
USUAL_S: Final = 0.025
ROUNDS: Final = 500_000
PAUSE_S: Final = 0.02


def slowness() -> float:
    """Return how many times slower this machine is now than the quiet one; at least 1."""
    return max(1.0, min(_loop_s() for _ in range(5)) / USUAL_S)


def processor_seconds(call: Callable[[], T]) -> tuple[float, T]:
    """Return the processor time that `call` would take on the quiet machine, and its result.

    A core may become slower or faster from one second to the next, when others start or stop to
    use it. So the machine is measured before the call and after it, and the slower one counts.
    """
    slower = slowness()
    start = time.process_time()
    result = call()
    used_s = time.process_time() - start
    return used_s / max(slower, slowness()), result


def fastest_seconds(call: Callable[[], object], times: int = 5) -> float:
    """Return the processor time of the fastest of several calls, as on the quiet machine."""
    return min(processor_seconds(call)[0] for _ in range(times))


def _loop_s() -> float:
    start = time.process_time()
    total = 0
    for number in range(ROUNDS):
        total += number
    return time.process_time() - start


class Stopwatch:
    """Measures seconds, without those by which a busy machine woke a sleeping thread too late."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._late_s = 0.0
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Stopwatch":
        self._start = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        taken_s = time.monotonic() - self._start
        self._stop.set()
        self._thread.join()
        self.seconds = taken_s - self._late_s

    def _watch(self) -> None:
        while not self._stop.is_set():
            start = time.monotonic()
            time.sleep(PAUSE_S)
            self._late_s += max(0.0, time.monotonic() - start - 2 * PAUSE_S)
