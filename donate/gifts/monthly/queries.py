"""Read-only queries about monthly gifts."""

import uuid
from collections.abc import Collection
from datetime import date, datetime

from sqlmodel import Session, col, select

from donate.gifts.models import Gift
from donate.gifts.monthly.models import PledgeRow
from donate.gifts.monthly.pledge_copy import PledgeStage
from donate.gifts.monthly.pledge_state import Pledge, pledge_of
from donate.gifts.monthly.schedule import Schedule, schedule_of
from donate.gifts.queries import plain_facts_of


def pauses_to_end(
    session: Session, day: date, *, leave_out: Collection[uuid.UUID], most: int
) -> list[uuid.UUID]:
    """Return the ids of up to `most` paused pledges that resume by this day, earliest first.

    Pledges in `leave_out` are not returned.
    """
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


def read_pledge(session: Session, gift: Gift) -> Pledge:
    """Return the pledge whose first gift is `gift`, computed from its facts."""
    return pledge_of(plain_facts_of(session, gift.id), gift.amount)


def read_schedule(session: Session, gift: Gift, now: datetime) -> Schedule:
    """Return when the pledge whose first gift is `gift` is collected after `now`."""
    facts = plain_facts_of(session, gift.id)
    return schedule_of(pledge_of(facts, gift.amount), facts, gift.time_zone, now)
