"""Who waits for a lock that PostgreSQL has given to somebody else."""

import time
from concurrent.futures import Future
from typing import Any

from sqlalchemy import text

from donate.storage.database import Database
from tests.real_parts import PATIENCE_S

_THAT_WAIT = text(
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def until_it_waits(database: Database, work: "Future[Any]") -> None:
    """Return once `work` waits for a lock, or is done because it needed none."""
    until = time.monotonic() + PATIENCE_S
    while not work.done():
        with database.reading() as session:
            if session.execute(_THAT_WAIT).first():
                return
        assert time.monotonic() < until, "it neither waits nor ends"
        time.sleep(0.005)
