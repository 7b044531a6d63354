"""Settles stored events in batches: claimed, read, recorded, and saved in one transaction.

An event that fails alone never holds up its neighbours: the batch is undone, and each is tried by
itself.
"""

import logging
from collections.abc import Sequence
from copy import copy
from datetime import datetime
from typing import Final, assert_never

from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from donate.clock import Clock
from donate.errors import DatabaseBusy
from donate.storage.database import Database
from donate.stripe_gateway.events.fields import Envelope, IrrelevantEvent, Reading, UnusableEvent
from donate.stripe_gateway.events.parser import envelope_of, read_event
from donate.stripe_gateway.models import EventState, StripeEvent
from donate.stripe_gateway.webhooks.checks import why_foreign
from donate.stripe_gateway.webhooks.queue import (
    ClaimedEvent,
    due_events,
    save_events,
    try_again_later,
)
from donate.stripe_gateway.webhooks.recorder import EventRecorder
from donate.web.observability import EVENTS_SETTLED

log = logging.getLogger(__name__)

BATCH: Final = 200


class Settler:
    """Settles what waits in the inbox. Any number may run at once on PostgreSQL."""

    def __init__(self, database: Database, clock: Clock, *, livemode: bool, account: str) -> None:
        self._database = database
        self._clock = clock
        self._livemode = livemode
        self._account = account

    def settle_due(self, at_most: int = BATCH) -> int:
        """Settle up to so many events that are due; returns how many were looked at."""
        now = self._clock.now()
        try:
            events = self._settle_together(now, at_most)
        except (DatabaseBusy, OperationalError):
            raise  # the database itself: all of it is done again at the next round
        except Exception:  # noqa: BLE001 -- told below, by the one that fails alone
            log.warning("a batch of events failed; settling each alone")
            events = self._settle_each(now, at_most)
        for event in events:
            EVENTS_SETTLED.labels(event.state).inc()
        return len(events)

    def take_back(self, event_ids: Sequence[str], source: str) -> None:
        """Make events due that were called foreign, and are ours by the settings of today.

        For events that Stripe lists when we ask for ours: STRIPE_ACCOUNT was wrong when they came.
        """
        with self._database.writing() as session:
            refused = select(StripeEvent).where(
                col(StripeEvent.event_id).in_(event_ids), StripeEvent.state == EventState.FOREIGN
            )
            for event in session.exec(refused.with_for_update()):
                if self._why_foreign(envelope_of(event.payload), was_asked=True) is None:
                    event.source = source
                    event.make_due(self._clock.now())

    def _why_foreign(self, envelope: Envelope, *, was_asked: bool) -> str | None:
        return why_foreign(
            envelope, livemode=self._livemode, account=self._account, was_asked=was_asked
        )

    def _settle_together(self, now: datetime, at_most: int) -> list[ClaimedEvent]:
        with self._database.writing() as session:
            events = due_events(session, now, at_most)
            if events:
                self._settle(session, events, now)
            return events

    def _settle_each(self, now: datetime, at_most: int) -> list[ClaimedEvent]:
        with self._database.writing() as session:
            claimed = due_events(session, now, at_most)
            return [self._settle_alone(session, event, now) for event in claimed]

    def _settle_alone(self, session: Session, claimed: ClaimedEvent, now: datetime) -> ClaimedEvent:
        event = copy(claimed)
        try:
            with session.begin_nested():
                self._settle(session, [event], now)
        except OperationalError:
            raise
        except Exception as error:
            # Where it failed is told once, not at each of its tries.
            log.exception("event %s failed", claimed.event_id, exc_info=claimed.tries == 0)
            event = copy(claimed)
            try_again_later(event, f"it failed here: {type(error).__name__}", now)
            save_events(session, [event])
        return event

    def _settle(self, session: Session, events: Sequence[ClaimedEvent], now: datetime) -> None:
        recording = EventRecorder(session, now)
        recording.record([(e, r) for e in events if (r := self._read(e, now)) is not None])
        save_events(session, events)
        recording.follow_up()

    def _read(self, event: ClaimedEvent, now: datetime) -> Reading | None:
        """Return the reading of an event with facts; mark any other event as what it is."""
        try:
            envelope = envelope_of(event.payload)
            foreign = self._why_foreign(envelope, was_asked=event.source != "webhook")
            if foreign:
                event.mark(EventState.FOREIGN, foreign, now)
                return None
            reading = read_event(envelope)
        except UnusableEvent as unusable:
            event.mark(EventState.SET_ASIDE, str(unusable), now)
            return None
        match reading:
            case IrrelevantEvent():
                event.mark(EventState.IGNORED, reading.reason, now)
                return None
            case Reading():
                return reading
            case _:
                assert_never(reading)
