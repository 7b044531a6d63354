"""Finds the events that contain a donor's address, before the erasure locks any row.

It reads every body, which takes many seconds in a large inbox.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlmodel import SQLModel

from donate.personal_data.erasing.traces import Traces
from donate.storage.database import Database

# PostgreSQL has to answer each statement within ten seconds.
_IDS_AT_A_TIME: Final = 2_000


@dataclass(frozen=True, slots=True)
class FoundEvents:
    """The ids of the events that contain an address of the donor, and what was searched for."""

    traces: Traces
    ids: frozenset[int]


def find_events(database: Database, traces: Traces) -> FoundEvents:
    """Read all events in ranges of ids, each in a short transaction without locks."""
    if not traces.texts:
        return FoundEvents(traces, frozenset())
    event = SQLModel.metadata.tables["stripe_event"].c
    named = traces.address_found_in_bytes(
        event.payload, "sqlite" if database.is_sqlite else "postgresql"
    )
    with database.reading() as session:
        first, last = session.execute(select(func.min(event.id), func.max(event.id))).one()
    ids: set[int] = set()
    for start in range(first or 0, (last or 0) + 1, _IDS_AT_A_TIME):
        some = event.id.between(start, start + _IDS_AT_A_TIME - 1)
        with database.reading() as session:
            for row in session.execute(select(event.id, event.payload).where(some, named)):
                payload = bytes(row.payload)
                if traces.out_of_other_payload(payload) != payload:
                    ids.add(row.id)
    return FoundEvents(traces, frozenset(ids))
