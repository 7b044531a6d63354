"""Removes or redacts rows that the chain covers, and records that. The caller commits.

Only rows that are named in an amendment may differ from what was chained. The amendment is chained
itself, so `donate audit` accepts these differences, and finds any other.
"""

from collections.abc import Callable, Collection
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from donate.errors import DonateError
from donate.storage.bulk_writes import insert_new
from donate.storage.chain.amendments import Amendment, as_ranges, link_problems
from donate.storage.chain.links import NO_LINK, Link, digest_of
from donate.storage.chain.models import AmendmentReason, ChainAmendment, ChainLink, ChainPermit
from donate.storage.chain.row_hashes import CHAINED, ChainedTable, HashedRow, hashed_rows, newest_id
from donate.storage.chain.verification import stored_amendments


class NotChainedYet(DonateError):
    """Rows are too new to be removed or redacted: the chain does not cover them yet."""


class ChainBroken(DonateError):
    """Rows are not as they were chained. Amending them now would hide that from the audit."""


def amend_rows(
    session: Session,
    table_name: str,
    ids: Collection[int],
    change: Callable[[], object],
    *,
    why: AmendmentReason,
    about: str,
    actor: str,
    now: datetime,
) -> None:
    """Call `change`, which removes or redacts every row with one of these ids, and record it.

    `about` says for people what the rows were about, such as `donor 7`.

    Raises NotChainedYet or ChainBroken before anything is changed. Raises ValueError if `change`
    has changed other rows than these, or removed the newest row of the table: SQLite would use its
    id again. Then the caller's transaction is rolled back.
    """
    if not ids:
        return
    table = next(each for each in CHAINED if each.name == table_name)
    links = _locked_links(session, table, ids)
    before = [(link, *_checked(session, table, link)) for link in links]
    _permit(session, table, ids, before)
    newest = newest_id(session, table)
    change()
    session.flush()
    if newest_id(session, table) != newest:
        raise ValueError(f"{table_name}: the newest row may not be removed")
    touched: set[int] = set()
    for link, amendments, rows in before:
        after = hashed_rows(session, table, first=link.first_id, last=link.last_id)
        was = {row.id: row.hash for row in rows}
        becomes = {row.id: row.hash for row in after}
        removed = was.keys() - becomes.keys()
        redacted = [
            (row_id, was[row_id].hex(), digest.hex())
            for row_id, digest in sorted(becomes.items())
            if was.get(row_id) != digest
        ]
        touched |= removed | {row_id for row_id, *_ in redacted}
        session.add(
            ChainAmendment(
                position=link.position,
                number=len(amendments) + 1,
                removed=as_ranges(removed),
                redacted=redacted,
                rows_before=digest_of(rows).hex(),
                rows_after=digest_of(after).hex(),
                why=why,
                about=about,
                actor=actor,
                recorded_at=now,
            )
        )
    if touched != set(ids):
        raise ValueError(f"{table_name}: other rows were changed than {as_ranges(ids)}")
    session.flush()
    session.execute(delete(ChainPermit))


def _locked_links(session: Session, table: ChainedTable, ids: Collection[int]) -> list[Link]:
    """Lock the links that cover these rows, and return them. Raises NotChainedYet."""
    covering = (
        select(ChainLink)
        .where(
            ChainLink.table_name == table.name,
            col(ChainLink.last_id) >= min(ids),
            col(ChainLink.first_id) <= max(ids),
        )
        .order_by(col(ChainLink.position))
        .with_for_update()
    )
    names = Link.__dataclass_fields__
    links = [Link(*(getattr(row, name) for name in names)) for row in session.exec(covering)]
    if not links or links[-1].last_id < max(ids):
        raise NotChainedYet(f"{table.name}: rows up to {max(ids)} are not chained yet")
    return [link for link in links if any(link.first_id <= i <= link.last_id for i in ids)]


def _checked(
    session: Session, table: ChainedTable, link: Link
) -> tuple[list[Amendment], list[HashedRow]]:
    """Return a link's amendments and its rows. Raises ChainBroken if they are not as recorded."""
    amendments = stored_amendments(session, link.position)
    rows = hashed_rows(session, table, first=link.first_id, last=link.last_id)
    hash_before = select(ChainLink.hash).where(ChainLink.position == link.position - 1)
    previous = session.exec(hash_before).first() or NO_LINK
    for problem in link_problems(link, amendments, rows, {previous}, set()):
        raise ChainBroken(f"{problem}; run `donate audit`")
    return amendments, rows


def _permit(
    session: Session,
    table: ChainedTable,
    ids: Collection[int],
    links: list[tuple[Link, list[Amendment], list[HashedRow]]],
) -> None:
    rows = [
        {
            "table_name": table.name,
            "row_id": row_id,
            "position": link.position,
            "number": len(amendments) + 1,
        }
        for link, amendments, _ in links
        for row_id in sorted(ids)
        if link.first_id <= row_id <= link.last_id
    ]
    insert_new(session, ChainPermit, rows)
