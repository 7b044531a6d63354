"""Prunes rows that are needed only for a while. Each function prunes a batch and never commits.

`after` is how long the rows are kept. Each function returns how many rows it pruned; 0 if there is
nothing left to prune.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, or_, select, update
from sqlmodel import Session, SQLModel

from donate.storage.bulk_writes import table_of
from donate.storage.chain.amending import amend_rows
from donate.storage.chain.models import AmendmentReason
from donate.stripe_gateway.models import EventState, StripeEvent

AT_A_TIME: Final = 500
_EVENT = table_of(StripeEvent)
_HAS_BODY = func.length(_EVENT.c.payload) > 0
_NOTHING_RECORDED: Final = (EventState.IGNORED, EventState.FOREIGN)


def prune_event_bodies(session: Session, now: datetime, *, after: timedelta) -> int:
    """Empty the bodies of events that were settled at least `after` ago.

    The facts keep what the event said. Events that staff still have to decide about, or have
    dismissed, keep their bodies. Events with nothing to record are deleted.
    """
    old = (
        select(_EVENT.c.id, _EVENT.c.state)
        .where(
            _EVENT.c.settled_at <= now - after,
            _HAS_BODY,
            _EVENT.c.state.in_((EventState.SETTLED, *_NOTHING_RECORDED)),
        )
        .order_by(_EVENT.c.settled_at)
        .limit(AT_A_TIME)
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(old).all()
    settled = [row.id for row in rows if row.state is EventState.SETTLED]
    others = [row.id for row in rows if row.state is not EventState.SETTLED]
    session.execute(update(_EVENT).where(_EVENT.c.id.in_(settled)).values(payload=b""))
    session.execute(delete(_EVENT).where(_EVENT.c.id.in_(others)))
    return len(rows)


def prune_refused_requests(session: Session, now: datetime, *, after: timedelta) -> int:
    """Remove the trail's entries about requests that were refused at least `after` ago.

    Raises NotChainedYet or ChainBroken.
    """
    act = SQLModel.metadata.tables["staff_act"]
    # The newest entry stays, or SQLite would give its id to another entry.
    newest = select(func.max(act.c.id)).scalar_subquery()
    old = select(act.c.id).where(
        act.c.act == "refused", act.c.happened_at <= now - after, act.c.id < newest
    )
    ids = list(session.execute(old.order_by(act.c.happened_at).limit(AT_A_TIME)).scalars())
    amend_rows(
        session,
        act.name,
        ids,
        lambda: session.execute(delete(act).where(act.c.id.in_(ids))),
        why=AmendmentReason.OUTDATED,
        about="refused requests",
        actor="service",
        now=now,
    )
    return len(ids)


def prune_donor_links(session: Session, now: datetime, *, after: timedelta) -> int:
    """Delete one-time links that ended at least `after` ago, and where they were sent."""
    link = SQLModel.metadata.tables["donor_link"]
    ended = or_(link.c.session_ends_at.is_(None), link.c.session_ends_at <= now - after)
    old = select(link.c.id).where(link.c.expires_at <= now - after, ended).limit(AT_A_TIME)
    ids = list(session.execute(old).scalars())
    session.execute(delete(link).where(link.c.id.in_(ids)))
    return len(ids)
