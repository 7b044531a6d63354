"""Claims rows that are due.

A claim is a lease: until it ends, no other worker takes the row.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeVar

from sqlmodel.sql.expression import SelectOfScalar

from donate.storage.database import Database

# How long a claim lasts. Sending an e-mail or a webhook takes less time.
LEASE: Final = timedelta(minutes=2)

RowT = TypeVar("RowT")


def claim_due(
    database: Database, due: SelectOfScalar[RowT], begin_lease: Callable[[RowT], None]
) -> RowT | None:
    """Claim the first row that the query `due` finds; return None if there is none.

    `begin_lease` marks the row as claimed. Nothing is written if no row is due, because this runs
    every second.
    """
    with database.reading() as session:
        if session.exec(due).first() is None:
            return None
    with database.writing() as session:
        row = session.exec(due.with_for_update(skip_locked=True)).first()
        if row is not None:
            begin_lease(row)
        return row
