"""Stores each event once in the inbox, before it is processed.

It is stored exactly as it arrived, except for the tokens of donors' links. Stripe's events repeat
the address to which a donor returns, and a copy of the database must not open a gift's page.

A single writer thread commits all waiting events in one transaction (group commit). So a burst of
events needs only a few disk flushes, instead of one for each event.
"""

import asyncio
import hashlib
import json
import logging
import math
import re
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from queue import SimpleQueue
from typing import Any, Final, Literal

from donate.errors import DatabaseBusy
from donate.storage.bulk_writes import insert_new
from donate.storage.database import Database
from donate.stripe_gateway.events.fields import UnusableEvent
from donate.stripe_gateway.events.parser import id_and_type
from donate.stripe_gateway.models import EventSource, EventState, StripeEvent
from donate.stripe_gateway.webhooks.health import RECORD_EVERY, record_webhook_time

log = logging.getLogger(__name__)

# Maximum number of events that wait in memory until they are on disk. Further events get a 503, and
# Stripe retries them.
QUEUE_LIMIT: Final = 5_000
GROUP_LIMIT: Final = 500
# How long a request waits until its event is on disk. After that we answer 503. Stripe's own
# timeout is longer.
STORE_TIMEOUT_S: Final = 8.0
# After a group of this many events, the writer waits for a lull, so that the next events form a
# group. A commit costs as much as receiving ten events, and more while the endpoint is busy,
# because both need the GIL (Python's global lock).
BURST_SIZE: Final = 5
MAX_GATHER_S: Final = 0.015
# A lull is this many turns of the event loop without a new event.
LULL_TURNS: Final = 3
QUIET_AFTER_S: Final = 0.1
# The token of a link to a gift's page (`gifts/links/gift_links.py`).
_LINK_TOKEN: Final = re.compile(rb"(/gifts/)[A-Za-z0-9_-]{22,}")
STORE_TIMED_OUT: Final = "the database did not store it in time"


Stored = asyncio.Future[Exception | None]
"""Resolves to None when the event is on disk, or to the error that prevented storing it."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event as it arrived, before it is stored."""

    payload: bytes
    received_at: datetime
    source: EventSource = EventSource.WEBHOOK

    def as_row(self) -> dict[str, Any]:
        """Return the row to store. Its state is waiting, or set aside if it is unreadable."""
        try:
            event_id, event_type = id_and_type(self.payload)
            reason = ""
        except UnusableEvent as unusable:
            # The event has no id that we could trust, so use a hash of its bytes.
            event_id = "sha256:" + hashlib.sha256(self.payload).hexdigest()
            event_type, reason = "unreadable", str(unusable)
        return {
            "event_id": event_id,
            "type": event_type,
            "source": self.source,
            "payload": _LINK_TOKEN.sub(rb"\1-", self.payload),
            "received_at": self.received_at,
            "state": EventState.SET_ASIDE if reason else EventState.WAITING,
            "reason": reason,
            "tries": 0,
            "due_at": self.received_at,
            "history": [],
        }


class Inbox:
    """Stores events. When `store` returns, the event is on disk."""

    def __init__(
        self,
        database: Database,
        on_stored: Callable[[], None] = lambda: None,
        *,
        queue_limit: int = QUEUE_LIMIT,
        timeout_s: float = STORE_TIMEOUT_S,
    ) -> None:
        self._database = database
        self.on_stored = on_stored
        self._timeout_s = timeout_s
        self._queue_limit = queue_limit
        self._waiting: deque[tuple[Arrival, Stored]] = deque()
        self._signals: SimpleQueue[Literal["take", "stop"]] = SimpleQueue()
        self._writer: threading.Thread | None = None
        self._arrived_at = -math.inf
        self._gathering_loop: asyncio.AbstractEventLoop | None = None
        self._is_burst = False
        self._heartbeat_at: datetime | None = None

    def start(self) -> None:
        """Start the writer thread."""
        self._writer = threading.Thread(target=self._write, name="inbox", daemon=True)
        self._writer.start()

    def stop(self) -> None:
        """Store the events that are still waiting, then stop."""
        if self._writer:
            self._signals.put("stop")
            self._writer.join()

    def is_crowded(self) -> bool:
        """Return whether events arrive faster than single commits can store them."""
        return self._is_burst and not self.is_quiet()

    def is_quiet(self) -> bool:
        """Return whether no event has arrived recently."""
        return time.monotonic() - self._arrived_at > QUIET_AFTER_S

    async def store(self, arrival: Arrival) -> None:
        """Store an event if it is not stored yet. Raises DatabaseBusy if this fails."""
        if len(self._waiting) >= self._queue_limit:
            raise DatabaseBusy("the inbox is full")
        loop = asyncio.get_running_loop()
        self._arrived_at = time.monotonic()
        stored: Stored = loop.create_future()
        self._waiting.append((arrival, stored))
        # The first event of each event loop schedules the wake-up of the writer. Don't rely on a
        # wake-up that was scheduled in another loop, because that loop may have ended.
        if self._gathering_loop is not loop:
            self._gathering_loop = loop
            loop.call_soon(self._wake_writer_in_lull, loop, self._arrived_at + MAX_GATHER_S, 0, 0)
        timeout = loop.call_later(self._timeout_s, _answer, [stored], DatabaseBusy(STORE_TIMED_OUT))
        try:
            error = await stored
        finally:
            timeout.cancel()
        if error:
            raise error

    def _wake_writer_in_lull(
        self, loop: asyncio.AbstractEventLoop, until: float, waiting_before: int, quiet_turns: int
    ) -> None:
        """Wake the writer now, or during a burst at the next lull, but no later than `until`."""
        waiting = len(self._waiting)
        quiet_turns = quiet_turns + 1 if waiting == waiting_before else 0
        if self._is_burst and quiet_turns < LULL_TURNS and time.monotonic() < until:
            loop.call_soon(self._wake_writer_in_lull, loop, until, waiting, quiet_turns)
        else:
            self._gathering_loop = None
            self._signals.put("take")

    def store_now(self, *arrivals: Arrival) -> int:
        """Store events in the calling thread; return how many are new. Raises DatabaseBusy.

        The worker is not woken. On PostgreSQL it could claim an event before the caller settles it,
        and a donor would read that the gift is still on its way.
        """
        with self._database.writing() as session:
            return insert_new(session, StripeEvent, _rows_of(arrivals))

    def store_answers(self, now: datetime, *answers: Mapping[str, Any]) -> None:
        """Store Stripe's answers to our requests, each in the form of an event."""
        payloads = (json.dumps(answer).encode() for answer in answers)
        self.store_now(*(Arrival(payload, now, EventSource.ASKED) for payload in payloads))

    def _write(self) -> None:
        while self._signals.get() == "take":
            self._write_waiting()
        self._write_waiting()

    def _write_waiting(self) -> None:
        while self._waiting:
            group: list[tuple[Arrival, Stored]] = []
            while self._waiting and len(group) < GROUP_LIMIT:
                group.append(self._waiting.popleft())
            self._is_burst = len(group) >= BURST_SIZE
            self._commit(group)
            if len(group) < GROUP_LIMIT:
                break  # The next event that arrives wakes the writer again.

    def _commit(self, group: Sequence[tuple[Arrival, Stored]]) -> None:
        try:
            rows = _rows_of([arrival for arrival, _ in group])
            arrived_at = max(arrival.received_at for arrival, _ in group)
            is_heartbeat_due = (
                self._heartbeat_at is None or arrived_at - self._heartbeat_at >= RECORD_EVERY
            )
            writing = self._database.writing if is_heartbeat_due else self._database.writing_once
            with writing() as session:
                insert_new(session, StripeEvent, rows)
                if is_heartbeat_due:
                    record_webhook_time(session, arrived_at)
            if is_heartbeat_due:
                self._heartbeat_at = arrived_at
        except DatabaseBusy as busy:
            _resolve_group(group, busy)
        except Exception as error:
            # One bad event must not make the others fail, so store each event on its own. Only the
            # bad one gets a 503.
            if len(group) == 1:
                log.exception("an event could not be stored")
                _resolve_group(group, DatabaseBusy(type(error).__name__))
            else:
                for pair in group:
                    self._commit([pair])
        else:
            self.on_stored()
            _resolve_group(group, None)


def _rows_of(arrivals: Sequence[Arrival]) -> list[dict[str, Any]]:
    """Return the rows to store, sorted by event id.

    An INSERT waits for another transaction that has inserted the same key. So the webhook writer
    and catch-up must insert in the same order, or they could deadlock.
    """
    return sorted((arrival.as_row() for arrival in arrivals), key=itemgetter("event_id"))


def _resolve_group(group: Sequence[tuple[Arrival, Stored]], error: Exception | None) -> None:
    """Set the results of a group's futures.

    Each event loop is woken only once, because waking it needs a system call.
    """
    waiting = defaultdict[asyncio.AbstractEventLoop, list[Stored]](list)
    for _, stored in group:
        waiting[stored.get_loop()].append(stored)
    for loop, futures in waiting.items():
        with suppress(RuntimeError):  # The loop is closed, so no request waits.
            loop.call_soon_threadsafe(_answer, futures, error)


def _answer(waiting: Sequence[Stored], error: Exception | None) -> None:
    for stored in waiting:
        # The future is already done if its request was cancelled or timed out.
        if not stored.done():
            stored.set_result(error)
