"""Hands events from the inbox to one settler at a time, and writes down what became of them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, select, update
from sqlmodel import Session, SQLModel

from donate.storage.bulk_writes import update_each
from donate.stripe_gateway.models import EventState, StripeEvent

# When an event that could not be settled is tried again; after the last, staff decide.
RETRY_AFTER: Final = (
    timedelta(seconds=2),
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=2),
)


@dataclass(slots=True)
class ClaimedEvent:
    """An event that one settler has claimed. `save_events` records what became of it."""

    id: int
    event_id: str
    source: str
    payload: bytes
    state: str
    reason: str
    tries: int
    due_at: datetime
    waits_for: str | None
    gift_id: uuid.UUID | None
    settled_at: datetime | None
    tied_to: uuid.UUID | None
    tied_by: str

    def mark(self, state: EventState, reason: str, now: datetime) -> None:
        """Say what became of it: nothing more is to be done about it, unless by staff."""
        self.state = state
        self.reason = reason[:500]
        self.settled_at = now
        self.waits_for = None


# Columns, not rows: every event would become an object of the ORM first, which costs the most.
_EVENT = SQLModel.metadata.tables["stripe_event"].c
_CLAIM = (
    select(*(_EVENT[field.name] for field in fields(ClaimedEvent)))
    .where(_EVENT.state == EventState.WAITING, _EVENT.due_at <= bindparam("now"))
    .order_by(_EVENT.due_at, _EVENT.id)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
)
_SAVED = ("state", "reason", "tries", "due_at", "waits_for", "gift_id", "settled_at")


def due_events(session: Session, now: datetime, limit: int) -> list[ClaimedEvent]:
    """Claim up to `limit` events that wait to be settled, oldest first, until the commit."""
    asked = {"now": now, "at_most": limit}
    return [ClaimedEvent(*row) for row in session.connection().execute(_CLAIM, asked)]


def save_events(session: Session, events: Sequence[ClaimedEvent]) -> None:
    """Write down what became of claimed events."""
    rows = {event.id: {name: getattr(event, name) for name in _SAVED} for event in events}
    update_each(session, StripeEvent, rows)


def try_again_later(event: ClaimedEvent, reason: str, now: datetime) -> None:
    """Put an event off; after its last try, set it aside."""
    event.reason = reason[:500]
    if event.tries >= len(RETRY_AFTER):
        event.state = EventState.SET_ASIDE
    else:
        event.due_at = now + RETRY_AFTER[event.tries]
        event.tries += 1


_ENDED: Final = tuple(s for s in EventState if s not in {EventState.WAITING, EventState.SET_ASIDE})
# Who has one of them in hand is settling it now: waiting for that could be waiting in a ring.
# "Not one of these", because for "one of those" SQLite would walk through all that wait.
_SLEEPING = select(_EVENT.id).where(
    _EVENT.waits_for.in_(bindparam("sources", expanding=True)), _EVENT.state.not_in(_ENDED)
)
_WAKE = (
    update(SQLModel.metadata.tables["stripe_event"])
    .where(_EVENT.id.in_(_SLEEPING.with_for_update(skip_locked=True)))
    .values(state=EventState.WAITING, due_at=bindparam("now"))
)


def wake_those_waiting_for(session: Session, sources: set[str], now: datetime) -> None:
    """Make events due that wait for one of these payments to be known, or were tired of waiting."""
    if sources:
        session.connection().execute(_WAKE, {"sources": list(sources), "now": now})
