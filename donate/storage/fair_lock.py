"""A lock that no thread waits for in vain, however often the others want it."""

import threading
from collections import deque


class FairLock:
    """A lock that serves waiting threads in the order in which they requested it.

    Problem: a thread that writes all the time, such as the worker, would keep other threads from
    ever writing.
    Shown by: `tests/test_database.py` (who waits longest writes next), and part c of `make bench`.
    Delete it when: Python has a fair lock, or both pass with a plain `threading.Lock`.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    def acquire(self, timeout_s: float) -> bool:
        """Take the lock. Return False if it was not free within `timeout_s` seconds."""
        with self._mutex:
            if not self._taken:
                self._taken = True
                return True
            slot = threading.Lock()
            slot.acquire()
            self._waiting.append(slot)
        if slot.acquire(timeout=timeout_s):
            return True
        with self._mutex:
            if slot not in self._waiting:
                return True  # another thread passed us the lock just after the timeout
            self._waiting.remove(slot)
            return False

    def release(self) -> None:
        """Pass the lock to the thread that has waited longest."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
