"""Waits for what another thread or process does."""

import time
from collections.abc import Callable
from typing import Final

# A busy machine may be this slow. A test that measures time uses limits of its own.
PATIENCE_S: Final = 120.0


def until(condition: Callable[[], object]) -> None:
    """Wait until the condition holds, for two minutes at most."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)
