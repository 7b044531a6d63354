"""Waits until another thread is blocked by a lock in PostgreSQL."""

import time
from concurrent.futures import Future
from typing import Any

from sqlalchemy import text

from donate.storage.database import Database
from tests.waiting import PATIENCE_S

_WAITING = text(
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def until_it_waits(database: Database, work: "Future[Any]") -> None:
    """Return when the thread that runs `work` waits for a lock, or has finished without a wait."""
    deadline = time.monotonic() + PATIENCE_S
    while not work.done():
        with database.reading() as session:
            if session.execute(_WAITING).first():
                return
        assert time.monotonic() < deadline, "the work neither waits nor ends"
        time.sleep(0.005)
