"""Read-only queries about monthly gifts."""

import uuid
from collections.abc import Collection
from datetime import date

from sqlmodel import Session, col, select

from donate.gifts.monthly.models import PledgeRow
from donate.gifts.monthly.pledge_copy import PledgeStage


def pauses_to_end(
    session: Session, day: date, *, leave_out: Collection[uuid.UUID], most: int
) -> list[uuid.UUID]:
    """Return the ids of up to `most` paused pledges that resume by this day, earliest first."""
    statement = (
        select(PledgeRow.id)
        .where(
            PledgeRow.stage == PledgeStage.PAUSED,
            col(PledgeRow.resumes_on) <= day,
            col(PledgeRow.id).not_in(leave_out),
        )
        .order_by(col(PledgeRow.resumes_on))
        .limit(most)
    )
    return list(session.exec(statement))
