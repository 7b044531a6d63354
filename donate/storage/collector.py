"""Pauses Python's garbage collector while very many objects are made that form no cycles.

What it buys: matching 10,000 lines against 50,000 gifts takes a quarter less processor time, as
the collector does not look through all of them again and again.
Shown by: `tests/finance/test_bank_speed.py`, which comes near its bound without it.
Delete it when: Python's collector looks only at new objects, or the test passes easily without it.
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_LOCK: Final = threading.Lock()
_pauses = 0
_was_enabled = True


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the collector in all threads while the block runs. Blocks may overlap."""
    global _pauses, _was_enabled  # noqa: PLW0603 -- the collector is global too
    with _LOCK:
        if not _pauses:
            _was_enabled = gc.isenabled()
            gc.disable()
        _pauses += 1
    try:
        yield
    finally:
        with _LOCK:
            _pauses -= 1
            if not _pauses and _was_enabled:
                gc.enable()
