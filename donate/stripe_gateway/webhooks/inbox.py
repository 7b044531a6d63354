"""The inbox: each event stored once, exactly as it arrived, before anything is done about it.

One writer commits whatever is waiting in one transaction (group commit), so that a burst of events
costs a few disk flushes and not one each.
"""

import asyncio
import hashlib
import json
import logging
import math
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
from donate.stripe_gateway.models import EventState, StripeEvent
from donate.stripe_gateway.webhooks.health import NOTED_EVERY, note_heard

log = logging.getLogger(__name__)

# What waits in memory for the disk; beyond it Stripe is told to come again.
QUEUE_LIMIT: Final = 5_000
GROUP_LIMIT: Final = 500
# Stripe is told to come again when the disk takes longer; it would hang up by itself later.
STORE_TIMEOUT_S: Final = 8.0
# When so many come at once, the next are let gather until there is a lull: a commit costs as much
# as ten, and more while the doorway is at work, since both need the one interpreter.
CROWD: Final = 5
GATHER_S: Final = 0.015
# So many looks at the network in a row that bring nobody new are a lull.
LULL_LOOKS: Final = 3
QUIET_AFTER_S: Final = 0.1
TOO_LATE: Final = "the database did not take it in time"


Stored = asyncio.Future[Exception | None]
"""Done when an arrival is on disk, or with the reason why it is not."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event as it came in."""

    payload: bytes
    received_at: datetime
    source: str = "webhook"

    def as_row(self) -> dict[str, Any]:
        """Return the row to store: waiting, or set aside when nobody can read it."""
        try:
            event_id, kind = id_and_type(self.payload)
            reason = ""
        except UnusableEvent as unusable:
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
            "history": [],
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
        self._queue_limit = queue_limit
        self._waiting: deque[tuple[Arrival, Stored]] = deque()
        self._bell: SimpleQueue[Literal["take", "stop"]] = SimpleQueue()
        self._writer: threading.Thread | None = None
        self._heard_at = -math.inf
        self._gathering: asyncio.AbstractEventLoop | None = None
        self._crowded = False
        self._noted_at: datetime | None = None

    def start(self) -> None:
        """Start the one writer."""
        self._writer = threading.Thread(target=self._write, name="inbox", daemon=True)
        self._writer.start()

    def stop(self) -> None:
        """Write what still waits, then stop."""
        if self._writer:
            self._bell.put("stop")
            self._writer.join()

    def is_crowded(self) -> bool:
        """Tell whether more come at once than the disk can take one by one."""
        return self._crowded and not self.is_quiet()

    def is_quiet(self) -> bool:
        """Tell whether no event has come in lately."""
        return time.monotonic() - self._heard_at > QUIET_AFTER_S

    async def store(self, arrival: Arrival) -> None:
        """Return when the event is on disk, or was already. Raises DatabaseBusy when it is not."""
        if len(self._waiting) >= self._queue_limit:
            raise DatabaseBusy("the inbox is full")
        loop = asyncio.get_running_loop()
        self._heard_at = time.monotonic()
        stored: Stored = loop.create_future()
        self._waiting.append((arrival, stored))
        # Not only whether one does: a loop that has ended meanwhile will never ring.
        if self._gathering is not loop:
            self._gathering = loop
            loop.call_soon(self._ring_in_a_lull, loop, self._heard_at + GATHER_S, 0, 0)
        too_late = loop.call_later(self._timeout_s, _answer, [stored], DatabaseBusy(TOO_LATE))
        try:
            error = await stored
        finally:
            too_late.cancel()
        if error:
            raise error

    def _ring_in_a_lull(
        self, loop: asyncio.AbstractEventLoop, until: float, seen: int, looks: int
    ) -> None:
        """Ring for the writer; in a crowd, when no more come just now."""
        waiting = len(self._waiting)
        looks = looks + 1 if waiting == seen else 0
        if self._crowded and looks < LULL_LOOKS and time.monotonic() < until:
            loop.call_soon(self._ring_in_a_lull, loop, until, waiting, looks)
        else:
            self._gathering = None
            self._bell.put("take")

    def store_now(self, *arrivals: Arrival) -> int:
        """Store events from a thread of our own; returns how many are new. Raises DatabaseBusy.

        The worker is not nudged: on PostgreSQL it would take the event from under the hands of who
        asked for it, and a donor who looks would read that the gift is still on its way.
        """
        with self._database.writing() as session:
            return insert_new(session, StripeEvent, _rows_of(arrivals))

    def store_answers(self, now: datetime, *answers: Mapping[str, Any]) -> None:
        """Store what Stripe answered when we asked, each dressed as an event."""
        self.store_now(
            *(Arrival(json.dumps(answer).encode(), now, source="asked") for answer in answers)
        )

    def _write(self) -> None:
        while self._bell.get() == "take":
            self._write_what_waits()
        self._write_what_waits()

    def _write_what_waits(self) -> None:
        while self._waiting:
            group: list[tuple[Arrival, Stored]] = []
            while self._waiting and len(group) < GROUP_LIMIT:
                group.append(self._waiting.popleft())
            self._crowded = len(group) >= CROWD
            self._commit(group)
            if len(group) < GROUP_LIMIT:
                break  # who came meanwhile is gathering, and rings

    def _commit(self, group: Sequence[tuple[Arrival, Stored]]) -> None:
        try:
            rows = _rows_of([arrival for arrival, _ in group])
            heard_at = max(arrival.received_at for arrival, _ in group)
            is_news = self._noted_at is None or heard_at - self._noted_at >= NOTED_EVERY
            writing = self._database.writing if is_news else self._database.writing_once
            with writing() as session:
                insert_new(session, StripeEvent, rows)
                if is_news:
                    note_heard(session, heard_at)
            if is_news:
                self._noted_at = heard_at
        except DatabaseBusy as busy:
            _tell(group, busy)
        except Exception as error:
            # One odd event must not refuse its neighbours; alone, it is asked for again.
            if len(group) == 1:
                log.exception("an event could not be stored")
                _tell(group, DatabaseBusy(type(error).__name__))
            else:
                for one in group:
                    self._commit([one])
        else:
            self._on_stored()
            _tell(group, None)


def _rows_of(arrivals: Sequence[Arrival]) -> list[dict[str, Any]]:
    """Return the rows to store, in an order of their own.

    Who inserts what another transaction has inserted waits for its end. If a webhook's writer and a
    catch-up did so in different orders, each would wait for the other.
    """
    return sorted((arrival.as_row() for arrival in arrivals), key=itemgetter("event_id"))


def _tell(group: Sequence[tuple[Arrival, Stored]], error: Exception | None) -> None:
    """Wake all who wait for this group at once: each call into a loop costs a system call."""
    waiting = defaultdict[asyncio.AbstractEventLoop, list[Stored]](list)
    for _, stored in group:
        waiting[stored.get_loop()].append(stored)
    for loop, theirs in waiting.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_answer, theirs, error)


def _answer(waiting: Sequence[Stored], error: Exception | None) -> None:
    for stored in waiting:
        # The one who waited may have hung up, or been told that it took too long.
        if not stored.done():
            stored.set_result(error)
