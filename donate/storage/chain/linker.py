"""A background job that adds links for new rows. Transactions that write rows never wait for it.

On PostgreSQL a row with a lower id may become visible after a row with a higher id. So the job
waits before it links new rows. It notes the table's highest id. Then it notes which transactions
hold the lock that INSERT takes on the table, and waits until they have committed or rolled back.

A transaction takes this lock before it takes ids. So after the wait, this service adds no more rows
with ids up to the noted one. If a row appears later at a missing id, something else wrote it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlmodel import Session, col, select

from donate.clock import Clock
from donate.storage.bulk_writes import insert_new
from donate.storage.chain.links import LINK_ROWS, NO_LINK, Link, make_link
from donate.storage.chain.models import ChainLink
from donate.storage.chain.row_hashes import CHAINED, MIN_ID, ChainedTable, hashed_rows, newest_id
from donate.storage.database import Database

# How often to look for new rows. The chain covers a row within this time after its commit, plus a
# second or two.
LOOK_EVERY: Final = timedelta(seconds=10)
_INSERTING: Final = text(
    "SELECT DISTINCT virtualtransaction FROM pg_locks "
    "WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND relation = ANY (CAST(:tables AS regclass[]))"
)


_NAMES: Final = f"{{{','.join(table.name for table in CHAINED)}}}"


@dataclass(frozen=True, slots=True)
class _Limits:
    """Each table's highest id at the time `as_of`, and transactions that may add lower ids."""

    as_of: datetime
    newest: dict[str, int]
    inserting: frozenset[str]


class ChainLinker:
    """The background job that extends the chain, one link in each run."""

    def __init__(
        self, database: Database, clock: Clock, *, look_every: timedelta = LOOK_EVERY
    ) -> None:
        self._database = database
        self._clock = clock
        self._look_every = look_every
        self._limits: _Limits | None = None
        self._looked_at: datetime | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether the job waits for transactions that are still inserting rows."""
        return bool(self._limits and self._limits.inserting)

    def link_due(self) -> int:
        """Add the next link, and return how many rows it covers; 0 if nothing is due now."""
        now = self._clock.now()
        if self._limits is None:
            # Read the limits once in a while. If the clock was set back, read them now.
            if self._looked_at and timedelta(0) <= now - self._looked_at < self._look_every:
                return 0
            self._limits, self._looked_at = self._look(now), now
        if self._limits.inserting and self._still_inserting():
            return 0
        link = self._next_link(self._limits)
        if link is None:
            self._limits = None
            return 0
        return self._add(link)

    def _look(self, now: datetime) -> _Limits:
        with self._database.reading() as session:
            # Read the ids before the locks; see the module's docstring.
            newest = {table.name: newest_id(session, table) for table in CHAINED}
            return _Limits(now, newest, self._inserting(session))

    def _inserting(self, session: Session) -> frozenset[str]:
        # On SQLite only one transaction writes at a time, so ids appear in order.
        if self._database.is_sqlite:
            return frozenset()
        return frozenset(session.execute(_INSERTING, {"tables": _NAMES}).scalars())

    def _still_inserting(self) -> bool:
        assert self._limits
        with self._database.reading() as session:
            left = self._limits.inserting & self._inserting(session)
        self._limits = _Limits(self._limits.as_of, self._limits.newest, left)
        return bool(left)

    def _next_link(self, limits: _Limits) -> Link | None:
        with self._database.reading() as session:
            position, previous = chain_end(session)
            for table in CHAINED:
                first, last = first_to_chain(session, table), limits.newest[table.name]
                rows = hashed_rows(session, table, first=first, last=last, limit=LINK_ROWS)
                if rows:
                    return make_link(
                        position + 1,
                        previous,
                        table.name,
                        rows,
                        first_id=first,
                        last_id=rows[-1].id if len(rows) == LINK_ROWS else last,
                        as_of=limits.as_of,
                    )
        return None

    def _add(self, link: Link) -> int:
        """Insert the link. If another process has added one at its position, insert nothing."""
        row = {name: getattr(link, name) for name in Link.__dataclass_fields__}
        with self._database.writing() as session:
            return link.row_count if insert_new(session, ChainLink, [row]) else 0


def chain_end(session: Session) -> tuple[int, bytes]:
    """Return the position and the hash of the last link; 0 and NO_LINK if there is none."""
    statement = select(ChainLink.position, ChainLink.hash)
    row = session.exec(statement.order_by(col(ChainLink.position).desc()).limit(1)).first()
    return (row[0], row[1]) if row else (0, NO_LINK)


def first_to_chain(session: Session, table: ChainedTable) -> int:
    """Return the lowest id of a table that the chain does not cover."""
    statement = select(ChainLink.last_id).where(ChainLink.table_name == table.name)
    newest_first = statement.order_by(col(ChainLink.position).desc())
    last = session.exec(newest_first.limit(1)).first()
    return MIN_ID if last is None else last + 1
