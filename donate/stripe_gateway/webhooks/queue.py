"""Claims due events from the inbox, and saves their new state.

A claimed event is locked, so that no two settlers process it.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select, update
from sqlmodel import Session

from donate.clock import Backoff
from donate.storage.bulk_writes import table_of, update_each
from donate.stripe_gateway.models import EventSource, EventState, StripeEvent

# The pauses before an event that could not be settled is retried. If the last retry fails, the
# event is set aside.
RETRY_AFTER: Final = Backoff("2s 10s 1m 10m 1h 6h 1d 2d")


@dataclass(slots=True)
class ClaimedEvent:
    """An event that one settler has claimed, so that no other takes it.

    `save_events` saves it.
    """

    id: int
    event_id: str
    source: EventSource
    payload: bytes
    state: EventState
    reason: str
    tries: int
    due_at: datetime
    waits_for: str | None
    gift_id: uuid.UUID | None
    settled_at: datetime | None
    tied_to: uuid.UUID | None
    tied_by: str

    def mark(self, state: EventState, reason: str, now: datetime) -> None:
        """Give the event its final state. From then on, only staff can change it."""
        self.state = state
        self.reason = reason[:500]
        self.settled_at = now
        self.waits_for = None


# Select columns instead of ORM rows, because building an ORM object for each event would be the
# largest cost.
_EVENT = table_of(StripeEvent).c
_CLAIM = (
    select(*(_EVENT[field.name] for field in fields(ClaimedEvent)))
    .where(_EVENT.state == EventState.WAITING, _EVENT.due_at <= bindparam("now"))
    .order_by(_EVENT.due_at, _EVENT.id)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
)
_SAVED_COLUMNS = ("state", "reason", "tries", "due_at", "waits_for", "gift_id", "settled_at")


def due_events(session: Session, now: datetime, limit: int) -> list[ClaimedEvent]:
    """Lock up to `limit` due events until the commit, and return them, oldest first."""
    parameters = {"now": now, "at_most": limit}
    return [ClaimedEvent(*row) for row in session.connection().execute(_CLAIM, parameters)]


def save_events(session: Session, events: Sequence[ClaimedEvent]) -> None:
    """Save the new state of claimed events."""
    rows = {event.id: {name: getattr(event, name) for name in _SAVED_COLUMNS} for event in events}
    update_each(session, StripeEvent, rows)


def try_again_later(event: ClaimedEvent, reason: str, now: datetime) -> None:
    """Postpone an event; after its last retry, set it aside."""
    event.reason = reason[:500]
    pause = RETRY_AFTER.after_or_stop(event.tries + 1)
    if pause is None:
        event.state = EventState.SET_ASIDE
    else:
        event.due_at = now + pause
        event.tries += 1


_FINAL_STATES: Final = tuple(
    s for s in EventState if s not in {EventState.WAITING, EventState.SET_ASIDE}
)
# Skip rows that another worker has locked, because waiting for them could deadlock. Exclude the
# final states with NOT IN: if the query selected the other states with IN, SQLite would scan every
# waiting event.
_WAITING_FOR = select(_EVENT.id).where(
    _EVENT.waits_for.in_(bindparam("sources", expanding=True)), _EVENT.state.not_in(_FINAL_STATES)
)
_WAKE = (
    update(table_of(StripeEvent))
    .where(_EVENT.id.in_(_WAITING_FOR.with_for_update(skip_locked=True)))
    .values(state=EventState.WAITING, due_at=bindparam("now"))
)


def wake_events(session: Session, sources: set[str], now: datetime) -> None:
    """Make events due now if they wait for one of these payments, even if they were set aside."""
    if sources:
        session.connection().execute(_WAKE, {"sources": list(sources), "now": now})
