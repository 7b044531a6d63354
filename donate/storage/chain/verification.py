"""Checks the chain, the rows that it covers, and the seals. Reads only, one link at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlmodel import Session, col, select

from donate.storage.chain.amendments import Amendment, link_problems
from donate.storage.chain.links import NO_LINK, Link
from donate.storage.chain.models import ChainAmendment, ChainLink, ChainPermit, ChainSeal
from donate.storage.chain.row_hashes import (
    CHAINED,
    MAX_ID,
    MIN_ID,
    ChainedTable,
    HashedRow,
    canonical_time,
    hashed_rows,
)
from donate.storage.chain.seals import Seal

# The time between recording a row and committing it is always much shorter than this.
LATE: Final = timedelta(days=1)
_LINKS_AT_A_TIME: Final = 100
_ROWS_AT_A_TIME: Final = 1_000

ReadRows = Callable[[ChainedTable, int, int, int], Sequence[HashedRow]]
"""A function of a table, the first id, the last id and a limit; it returns the rows."""
ReadAmendments = Callable[[int], Sequence[Amendment]]
"""A function of a link's position; it returns the link's amendments, sorted by number."""


@dataclass
class ChainCheck:
    """Counts what a check of the chain has read. `pending` counts rows that have no link yet.

    `amendments` counts the records of rows that the service itself removed or redacted.
    """

    links: int = 0
    rows: int = 0
    pending: int = 0
    amendments: int = 0
    _hashes: dict[int, tuple[bytes, int]] = field(default_factory=dict)

    def problems(
        self,
        links: Iterable[Link],
        read_rows: ReadRows,
        read_amendments: ReadAmendments,
        seals: Iterable[Seal] = (),
    ) -> Iterator[str]:
        """Yield a line for each link, row or seal that is wrong, and count what was checked."""
        seals = list(seals)
        sealed = {seal.position for seal in seals}
        tables = {table.name: table for table in CHAINED}
        last_of: dict[str, Link] = {}
        previous: set[bytes] = {NO_LINK}
        position = covered = 0
        for link in links:
            position += 1
            self.links += 1
            if link.position != position:
                yield f"chain: link {position} is missing, or out of order"
                position = link.position
            table = tables.get(link.table_name)
            if table is None:
                yield f"chain: link {position} is of an unknown table, {link.table_name!r}"
                previous = {link.hash}
                continue
            before = last_of.get(table.name)
            if link.first_id != (before.last_id + 1 if before else MIN_ID):
                yield f"chain: link {position} does not begin where the one before it ends"
            rows = read_rows(table, link.first_id, link.last_id, MAX_ID)
            amendments = read_amendments(link.position)
            self.amendments += len(amendments)
            # The previous link may be damaged. So accept a link that follows either the previous
            # link's stored hash or the hash that is recomputed from the previous link's rows.
            expected: set[bytes] = set()
            yield from link_problems(link, amendments, rows, previous, expected)
            yield from _late_rows(table, before, rows)
            previous = expected | {link.hash}
            self.rows += len(rows)
            covered += link.row_count if amendments else len(rows)
            last_of[table.name] = link
            if position in sealed:
                self._hashes[position] = (link.hash, covered)
        for table in CHAINED:
            yield from self._unchained(table, last_of.get(table.name), read_rows)
        for seal in seals:
            yield from self._broken_seal(seal)

    def _unchained(
        self, table: ChainedTable, last: Link | None, read_rows: ReadRows
    ) -> Iterator[str]:
        first = last.last_id + 1 if last else MIN_ID
        while rows := read_rows(table, first, MAX_ID, _ROWS_AT_A_TIME):
            self.pending += len(rows)
            yield from _late_rows(table, last, rows)
            first = rows[-1].id + 1

    def _broken_seal(self, seal: Seal) -> Iterator[str]:
        name = f"chain: the seal of {seal.day} (link {seal.position})"
        if seal.position not in self._hashes:
            yield f"{name} does not fit: the chain has no such link, so its end was cut off"
        elif self._hashes[seal.position][0] != seal.hash:
            yield f"{name} does not fit: the chain was made anew"
        elif self._hashes[seal.position][1] != seal.row_count:
            yield f"{name} does not fit: it counts {seal.row_count} rows"


def _late_rows(
    table: ChainedTable, before: Link | None, rows: Sequence[HashedRow]
) -> Iterator[str]:
    """Yield a finding for each row that was added later than its recorded time says.

    An earlier link would have covered it if it had been there at that time.
    """
    if before is None or before.is_full:
        return
    limit = str(canonical_time(before.as_of - LATE))
    for row in rows:
        if row.recorded < limit:
            yield (
                f"{table.name}: row {row.id} has the time {row.recorded}, but it was not there "
                f"on {before.as_of:%Y-%m-%d}"
            )


def check_chain(session: Session, check: ChainCheck, seals: Iterable[Seal] = ()) -> Iterator[str]:
    """Check the chain in the database, its stored seals, and seals kept outside of the database."""
    stored = (
        Seal(row.sealed_at.date(), row.position, row.row_count, row.hash)
        for row in session.exec(select(ChainSeal).order_by(col(ChainSeal.id)))
    )
    seals = [*stored, *seals]

    def read_rows(table: ChainedTable, first: int, last: int, limit: int) -> list[HashedRow]:
        return hashed_rows(session, table, first=first, last=last, limit=limit)

    amended = set(session.exec(select(ChainAmendment.position).distinct()))

    def read_amendments(position: int) -> Sequence[Amendment]:
        return stored_amendments(session, position) if position in amended else ()

    yield from check.problems(_stored_links(session), read_rows, read_amendments, seals)
    for permit in session.exec(select(ChainPermit)):
        yield f"{permit.table_name}: somebody left a permit to change row {permit.row_id}"


def stored_amendments(session: Session, position: int) -> list[Amendment]:
    """Return the amendments of the link at this position, sorted by number."""
    columns = [col(getattr(ChainAmendment, name)) for name in Amendment.__dataclass_fields__]
    of_link = select(*columns).where(ChainAmendment.position == position)
    rows = session.execute(of_link.order_by(col(ChainAmendment.number)))
    return [Amendment(*row) for row in rows]


def _stored_links(session: Session) -> Iterator[Link]:
    names = Link.__dataclass_fields__
    columns = [col(getattr(ChainLink, name)) for name in names]
    last = MIN_ID
    while True:
        page = select(*columns).where(col(ChainLink.position) > last)
        rows = session.execute(page.order_by(col(ChainLink.position)).limit(_LINKS_AT_A_TIME)).all()
        for row in rows:
            yield Link(*row)
        if not rows:
            return
        last = rows[-1].position
