"""Counts how often something happened in each minute. The counts are in the database.

So all processes share them, and they survive a restart. A limit applies to the sum of the current
minute and the ten before it. This sliding window covers any ten minutes, so that no period of ten
minutes exceeds the limit.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from donate.breaker.models import AttemptCount
from donate.storage.bulk_writes import table_of

WINDOW_MINUTES: Final = 10
KEPT_MINUTES: Final = 15
FOR_AN_HOUR: Final = timedelta(minutes=50)
"""What is counted so far ahead of the present stays in the window for an hour."""

_TABLE = table_of(AttemptCount)
_SUMS = (
    select(_TABLE.c.name, func.sum(_TABLE.c.count))
    .where(
        _TABLE.c.name.in_(bindparam("names", expanding=True)),
        _TABLE.c.minute >= bindparam("since"),
    )
    .group_by(_TABLE.c.name)
)


def minute_of(now: datetime) -> int:
    """Return the number of whole minutes since 1970."""
    return int(now.timestamp()) // 60


def add_counts(session: Session, counts: Mapping[str, int], now: datetime) -> None:
    """Add to the counts of this minute. Locks these counts for other processes until the commit."""
    rows = [
        # All transactions lock in the same order, so they cannot deadlock.
        {"name": name, "minute": minute_of(now), "count": counts[name]}
        for name in sorted(counts)
        if counts[name]
    ]
    if not rows:
        return
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    insert = dialect.insert(_TABLE).values(rows)
    added = insert.on_conflict_do_update(
        index_elements=["name", "minute"],
        set_={"count": _TABLE.c.count + insert.excluded["count"]},
    )
    session.connection().execute(added)


def window_sums(session: Session, names: Collection[str], now: datetime) -> Counter[str]:
    """Return the sum of each count over the sliding window; 0 for a name that was never counted."""
    since = minute_of(now) - WINDOW_MINUTES
    rows = session.connection().execute(_SUMS, {"names": list(names), "since": since})
    return Counter({name: int(count) for name, count in rows})


def sums_beginning_with(session: Session, prefix: str, now: datetime) -> Counter[str]:
    """Return the sum over the window of each count whose name begins with `prefix`.

    The names are returned without the prefix.
    """
    since = minute_of(now) - WINDOW_MINUTES
    rows = session.execute(
        select(col(AttemptCount.name), func.sum(col(AttemptCount.count)))
        .where(
            col(AttemptCount.name).startswith(prefix, autoescape=True),
            col(AttemptCount.minute) >= since,
        )
        .group_by(col(AttemptCount.name))
    )
    return Counter({name.removeprefix(prefix): int(count) for name, count in rows})


def prune_counts(session: Session, now: datetime) -> None:
    """Delete the counts of minutes that are older than the sliding window."""
    too_old = col(AttemptCount.minute) < minute_of(now) - KEPT_MINUTES
    session.execute(delete(AttemptCount).where(too_old))
