"""Settles stored events, which means turning them into facts, in batches.

One transaction claims, reads, records and saves a batch. If an event fails, it must not hold up the
others. So the batch is rolled back, and each of its events is settled alone, in a savepoint.
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
from donate.stripe_gateway.balance.recorder import make_payouts_due
from donate.stripe_gateway.events.fields import (
    Envelope,
    IrrelevantEvent,
    PayoutNews,
    Reading,
    UnusableEvent,
)
from donate.stripe_gateway.events.parser import envelope_of, read_event
from donate.stripe_gateway.models import EventSource, EventState, StripeEvent
from donate.stripe_gateway.webhooks.checks import foreign_reason
from donate.stripe_gateway.webhooks.queue import (
    ClaimedEvent,
    due_events,
    save_events,
    try_again_later,
)
from donate.stripe_gateway.webhooks.recorder import EventRecorder
from donate.web.logs_and_metrics import EVENTS_SETTLED

log = logging.getLogger(__name__)

BATCH: Final = 200


class Settler:
    """Settles due events from the inbox. On PostgreSQL, several settlers may run at once."""

    def __init__(self, database: Database, clock: Clock, *, livemode: bool, account: str) -> None:
        self._database = database
        self._clock = clock
        self._livemode = livemode
        self._account = account

    def settle_due(self, at_most: int = BATCH) -> int:
        """Settle up to `at_most` due events. Return how many events were claimed."""
        now = self._clock.now()
        try:
            events = self._settle_together(now, at_most)
        except (DatabaseBusy, OperationalError):
            raise  # the database failed: the next call settles the whole batch again
        except Exception:  # noqa: BLE001 -- _settle_alone logs it
            log.warning("a batch of events failed; settling each alone")
            events = self._settle_each(now, at_most)
        for event in events:
            EVENTS_SETTLED.labels(event.state).inc()
        return len(events)

    def reclaim_foreign(self, event_ids: Sequence[str], source: EventSource) -> None:
        """Make events due that were stored as foreign, but are ours under the present settings.

        The caller passes events that Stripe lists for our account. Such an event was stored as
        foreign if STRIPE_ACCOUNT was wrong when the event arrived.
        """
        with self._database.writing() as session:
            foreign = select(StripeEvent).where(
                col(StripeEvent.event_id).in_(event_ids), StripeEvent.state == EventState.FOREIGN
            )
            for event in session.exec(foreign.with_for_update()):
                if self._foreign_reason(envelope_of(event.payload), was_fetched=True) is None:
                    event.source = source
                    event.make_due(self._clock.now())

    def _foreign_reason(self, envelope: Envelope, *, was_fetched: bool) -> str | None:
        return foreign_reason(
            envelope, livemode=self._livemode, account=self._account, was_fetched=was_fetched
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
            # Log the traceback only on the event's first failure.
            log.exception("event %s failed", claimed.event_id, exc_info=claimed.tries == 0)
            event = copy(claimed)
            try_again_later(event, f"it failed here: {type(error).__name__}", now)
            save_events(session, [event])
        return event

    def _settle(self, session: Session, events: Sequence[ClaimedEvent], now: datetime) -> None:
        recorder = EventRecorder(session, now)
        read = [(event, self._read(event, now)) for event in events]
        recorder.record([(e, found) for e, found in read if isinstance(found, Reading)])
        save_events(session, events)
        payouts = [news.payout_id for _, news in read if isinstance(news, PayoutNews)]
        if payouts:
            make_payouts_due(session, payouts, now)
        recorder.follow_up()

    def _read(self, event: ClaimedEvent, now: datetime) -> Reading | PayoutNews | None:
        """Return what an event says. If it contains no facts, give it its final state."""
        try:
            envelope = envelope_of(event.payload)
            was_fetched = event.source is not EventSource.WEBHOOK
            foreign = self._foreign_reason(envelope, was_fetched=was_fetched)
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
            case PayoutNews():
                event.mark(EventState.SETTLED, "", now)
                return reading
            case Reading():
                return reading
            case _:
                assert_never(reading)
