"""The inbox: each event stored once, exactly as it arrived, before anything is done about it.

One writer commits whatever is waiting in one transaction (group commit), so that a burst of events
costs a few disk flushes and not one each.
"""

import asyncio
import hashlib
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import update
from sqlmodel import Session, col, select

from donate.database import Database, insert_new
from donate.errors import DatabaseBusy
from donate.stripe_gateway.hearing import NOTED_EVERY, note_heard
from donate.stripe_gateway.models import EventState, StripeEvent
from donate.stripe_gateway.readings import Unusable
from donate.stripe_gateway.snapshots import envelope_of

log = logging.getLogger(__name__)

# What waits in memory for the disk; beyond it Stripe is told to come again.
QUEUE_LIMIT: Final = 5_000
GROUP_LIMIT: Final = 500
# Stripe is told to come again when the disk takes longer; it would hang up by itself later.
STORE_TIMEOUT_S: Final = 8.0
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


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event as it came in."""

    payload: bytes
    received_at: datetime
    source: str = "webhook"

    def as_row(self) -> dict[str, Any]:
        """Return the row to store: waiting, or set aside when nobody can read it."""
        try:
            envelope = envelope_of(self.payload)
            event_id, kind, reason = envelope.event_id, envelope.type, ""
        except Unusable as unusable:
            # It has no name that we could trust, so its own bytes name it.
            event_id = "sha256:" + hashlib.sha256(self.payload).hexdigest()
            kind, reason = "unreadable", str(unusable)
        return {
            "event_id": event_id,
            "type": kind,
            "source": self.source,
            "payload": self.payload,
            "received_at": self.received_at,
            "state": EventState.SET_ASIDE if reason else EventState.WAITING,
            "reason": reason,
            "tries": 0,
            "due_at": self.received_at,
        }


class Inbox:
    """Stores arrivals, each durable before its `store` returns."""

    def __init__(
        self,
        database: Database,
        on_stored: Callable[[], None],
        *,
        queue_limit: int = QUEUE_LIMIT,
        timeout_s: float = STORE_TIMEOUT_S,
    ) -> None:
        self._database = database
        self._on_stored = on_stored
        self._timeout_s = timeout_s
        self._waiting: queue.Queue[tuple[Arrival, Future[None]] | None] = queue.Queue(queue_limit)
        self._writer: threading.Thread | None = None
        self._noted_at: datetime | None = None

    def start(self) -> None:
        """Start the one writer."""
        self._writer = threading.Thread(target=self._write, name="inbox", daemon=True)
        self._writer.start()

    def stop(self) -> None:
        """Write what still waits, then stop."""
        if self._writer:
            self._waiting.put(None)
            self._writer.join()

    async def store(self, arrival: Arrival) -> None:
        """Return when the event is on disk, or was already. Raises DatabaseBusy when it is not."""
        stored: Future[None] = Future()
        try:
            self._waiting.put_nowait((arrival, stored))
        except queue.Full as error:
            raise DatabaseBusy("the inbox is full") from error
        try:
            async with asyncio.timeout(self._timeout_s):
                await asyncio.wrap_future(stored)
        except TimeoutError as error:
            raise DatabaseBusy("the database did not take it in time") from error

    def store_now(self, *arrivals: Arrival) -> int:
        """Store events from a thread of our own; returns how many are new. Raises DatabaseBusy.

        The worker is not nudged: on PostgreSQL it would take the event from under the hands of who
        asked for it, and a donor who looks would read that the gift is still on its way.
        """
        with self._database.writing() as session:
            return insert_new(session, StripeEvent, [arrival.as_row() for arrival in arrivals])

    def _write(self) -> None:
        while True:
            group = self._next_group()
            if not group:
                return
            self._commit(group)

    def _next_group(self) -> list[tuple[Arrival, Future[None]]]:
        group: list[tuple[Arrival, Future[None]]] = []
        item = self._waiting.get()
        while item is not None:
            group.append(item)
            if len(group) >= GROUP_LIMIT:
                break
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                break
        else:
            if group:
                self._waiting.put(None)  # stop after this group
        return group

    def _commit(self, group: Sequence[tuple[Arrival, Future[None]]]) -> None:
        try:
            rows = [arrival.as_row() for arrival, _ in group]
            heard_at = max(arrival.received_at for arrival, _ in group)
            is_news = self._noted_at is None or heard_at - self._noted_at >= NOTED_EVERY
            with self._database.writing() as session:
                insert_new(session, StripeEvent, rows)
                if is_news:
                    note_heard(session, heard_at)
            if is_news:
                self._noted_at = heard_at
        except DatabaseBusy as busy:
            for _, stored in group:
                _answer(stored, busy)
        except Exception as error:
            # One odd event must not refuse its neighbours; alone, it is asked for again.
            if len(group) == 1:
                log.exception("an event could not be stored")
                _answer(group[0][1], DatabaseBusy(type(error).__name__))
            else:
                for one in group:
                    self._commit([one])
        else:
            self._on_stored()
            for _, stored in group:
                _answer(stored, None)


def _answer(stored: Future[None], error: Exception | None) -> None:
    # The one who waits may have hung up, and so cancelled the future.
    if stored.set_running_or_notify_cancel():
        stored.set_exception(error) if error else stored.set_result(None)


def due_events(session: Session, now: datetime, limit: int) -> list[StripeEvent]:
    """Claim up to `limit` events that wait to be settled, oldest first, until the commit."""
    statement = (
        select(StripeEvent)
        .where(StripeEvent.state == EventState.WAITING, col(StripeEvent.due_at) <= now)
        .order_by(col(StripeEvent.due_at), col(StripeEvent.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(session.exec(statement))


def try_again_later(event: StripeEvent, reason: str, now: datetime) -> None:
    """Put an event off; after its last try, set it aside."""
    event.reason = reason[:500]
    if event.tries >= len(RETRY_AFTER):
        event.state = EventState.SET_ASIDE
    else:
        event.due_at = now + RETRY_AFTER[event.tries]
        event.tries += 1


def wake_those_waiting_for(session: Session, sources: set[str], now: datetime) -> None:
    """Make events due that wait for one of these payments to be known, or were tired of waiting."""
    if not sources:
        return
    # Who has one of them in hand is settling it now: waiting for that could be waiting in a ring.
    free = (
        select(StripeEvent.id)
        .where(
            col(StripeEvent.state).in_([EventState.WAITING, EventState.SET_ASIDE]),
            col(StripeEvent.waits_for).in_(sources),
        )
        .with_for_update(skip_locked=True)
    )
    awake = {"state": EventState.WAITING, "due_at": now}
    session.execute(update(StripeEvent).where(col(StripeEvent.id).in_(free)).values(awake))
