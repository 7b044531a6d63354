"""Adds up refused requests: writes a log line for each minute, and database rows for each hour.

Staff see the rows on the activity page. A row has the number of requests in an hour for one reason,
network and account. The number of rows for an hour is limited, and rows are deleted after 90 days,
so a flood does not fill the database.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import CheckConstraint, text
from sqlmodel import Field, Session, SQLModel, col, delete, func, select

from donate.clock import Clock
from donate.storage.column_types import UtcDateTime
from donate.storage.database import Database
from donate.web.refusals import Refusal, RefusalCounts

log = logging.getLogger(__name__)

EVERY: Final = timedelta(minutes=1)
MOST_ROWS_AN_HOUR: Final = 200
KEPT: Final = timedelta(days=90)
_NAMED_IN_LOG: Final = 5


class RefusalSum(SQLModel, table=True):
    """How many requests were refused in an hour, for one reason, network and account."""

    __tablename__ = "refusal_sum"
    __table_args__ = (CheckConstraint("requests > 0", name="refusal_sum_counts"),)

    hour: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    why: str = Field(primary_key=True, max_length=64)
    network: str = Field(primary_key=True, max_length=64)
    account: str = Field(primary_key=True, max_length=254)
    requests: int
    last_at: datetime = Field(sa_type=UtcDateTime)


class RefusalWriter:
    """The background job that writes the counts of this process once a minute."""

    def __init__(self, database: Database, clock: Clock, counts: RefusalCounts) -> None:
        self._database = database
        self._clock = clock
        self._counts = counts
        self._wrote_at: datetime | None = None

    def write_due(self) -> int:
        """Write the counts of the past minute, and return how many different ones there were."""
        now = self._clock.now()
        if self._wrote_at and self._wrote_at <= now < self._wrote_at + EVERY:
            return 0
        self._wrote_at = now
        taken = self._counts.take()
        if not taken:
            return 0
        _write_log(taken)
        with self._database.writing() as session:
            add_sums(session, taken, now=now)
        return len(taken)


def _write_log(taken: Counter[Refusal]) -> None:
    """Write a log line for each reason, with the networks that had the most refusals."""
    for why in sorted({refusal.why for refusal in taken}):
        networks: Counter[str] = Counter()
        for refusal, requests in taken.items():
            if refusal.why == why:
                networks[refusal.network or "others"] += requests
        most = ", ".join(f"{name} {n}" for name, n in networks.most_common(_NAMED_IN_LOG))
        line = "refused %s requests in a minute (%s), networks: %s"
        log.warning(line, networks.total(), why, most)


def add_sums(session: Session, taken: Counter[Refusal], *, now: datetime) -> None:
    """Add counted refusals to the sums of this hour, and delete old sums."""
    if session.get_bind().dialect.name == "postgresql":
        # Take a lock. Without it, two processes could both insert the same row.
        session.execute(text("SELECT pg_advisory_xact_lock(7237849)"))
    hour = now.replace(minute=0, second=0, microsecond=0)
    session.execute(delete(RefusalSum).where(col(RefusalSum.hour) <= now - KEPT))
    rows = session.exec(select(func.count()).where(RefusalSum.hour == hour)).one()
    for refusal, requests in sorted(taken.items(), key=lambda pair: -pair[1]):
        row = _row(session, hour, refusal)
        if row is None and rows >= MOST_ROWS_AN_HOUR:
            row = _row(session, hour, Refusal(refusal.why)) or _new_row(hour, Refusal(refusal.why))
        elif row is None:
            row, rows = _new_row(hour, refusal), rows + 1
        row.requests += requests
        row.last_at = now
        session.add(row)
        session.flush()


def _row(session: Session, hour: datetime, refusal: Refusal) -> RefusalSum | None:
    key = (hour, refusal.why, refusal.network, refusal.account)
    return session.get(RefusalSum, key, populate_existing=True)


def _new_row(hour: datetime, refusal: Refusal) -> RefusalSum:
    return RefusalSum(
        hour=hour,
        why=refusal.why,
        network=refusal.network,
        account=refusal.account,
        requests=0,
        last_at=hour,
    )


def newest_sums(session: Session, *, limit: int) -> Sequence[RefusalSum]:
    """Return sums of refused requests, the newest hour first, and in it the largest sums."""
    order = (col(RefusalSum.hour).desc(), col(RefusalSum.requests).desc())
    return session.exec(select(RefusalSum).order_by(*order).limit(limit)).all()
