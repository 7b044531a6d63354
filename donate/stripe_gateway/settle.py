"""Turns stored events into facts, in batches: read, check against the gift, record, mark.

An event that fails alone never holds up its neighbours: the batch is undone, and each is tried by
itself.
"""

import logging
import uuid
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, assert_never

from sqlalchemy import Row, bindparam, update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, SQLModel, col

from donate.clock import Clock
from donate.database import Database
from donate.errors import DatabaseBusy
from donate.gifts.facts import PAYMENT_NAMES, Fact, FactKind
from donate.gifts.ledger import Outcome, open_month, record_facts
from donate.gifts.pledges import month_key
from donate.gifts.queries import gifts_by_source
from donate.money import Money
from donate.observability import EVENTS_SETTLED
from donate.stripe_gateway.agreed import see_to
from donate.stripe_gateway.claiming import (
    Claimed,
    due_events,
    save,
    try_again_later,
    wake_those_waiting_for,
)
from donate.stripe_gateway.expectations import currencies_of, expectations_of, lock_gifts
from donate.stripe_gateway.models import EventState, OpenRefund
from donate.stripe_gateway.readings import Irrelevant, Month, Reading, Unusable
from donate.stripe_gateway.snapshots import envelope_of, read_event
from donate.stripe_gateway.truth import why_foreign, why_untrue

log = logging.getLogger(__name__)

Readings = list[tuple[Claimed, Reading]]

BATCH: Final = 200
# After one of these, nothing more is to be asked about the session.
_ENDS: Final = frozenset(
    {FactKind.PAYMENT_SUCCEEDED, FactKind.PAYMENT_FAILED, FactKind.CHECKOUT_EXPIRED}
)


_CHECKOUT = SQLModel.metadata.tables["open_checkout"]
_ASK_NO_MORE = (
    update(_CHECKOUT)
    .where(_CHECKOUT.c.session_id.in_(bindparam("over", expanding=True)))
    .values(ask_at=None)
)


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
        except Exception:
            log.exception("a batch of events failed; settling each alone")
            events = self._settle_each(now, at_most)
        for event in events:
            EVENTS_SETTLED.labels(event.state).inc()
        return len(events)

    def _settle_together(self, now: datetime, at_most: int) -> list[Claimed]:
        with self._database.writing() as session:
            events = due_events(session, now, at_most)
            if events:
                self._settle(session, events, now)
            return events

    def _settle_each(self, now: datetime, at_most: int) -> list[Claimed]:
        with self._database.writing() as session:
            claimed = due_events(session, now, at_most)
            return [self._settle_alone(session, event, now) for event in claimed]

    def _settle_alone(self, session: Session, claimed: Claimed, now: datetime) -> Claimed:
        event = copy(claimed)
        try:
            with session.begin_nested():
                self._settle(session, [event], now)
        except OperationalError:
            raise
        except Exception as error:
            log.exception("event %s failed", claimed.event_id)
            event = copy(claimed)
            try_again_later(event, f"it failed here: {type(error).__name__}", now)
            save(session, [event])
        return event

    def _settle(self, session: Session, events: Sequence[Claimed], now: datetime) -> None:
        readings = [(event, r) for event in events if (r := self._read(event, now)) is not None]
        locked = _lock_gifts_of(session, readings)
        tied = [(e, r) for e, r in readings if e.tied_to is not None]
        named = [(e, r) for e, r in readings if e.tied_to is None and r.gift_id is not None]
        rest = [(e, r) for e, r in readings if e.tied_to is None and r.gift_id is None]
        # Payments first, then their other names: a refund in the same batch finds what it is about.
        told = self._record_tied(session, tied, now)
        told += self._record_named(session, named, locked, now)
        for names in (True, False):
            about = [(e, r) for e, r in rest if _gives_a_name(r) is names]
            told += self._record_returns(session, about, now)
        save(session, events)
        _follow_up(session, told, now)

    def _read(self, event: Claimed, now: datetime) -> Reading | None:
        """Return the reading of an event with facts; mark any other event as what it is."""
        try:
            envelope = envelope_of(event.payload)
            foreign = why_foreign(envelope, livemode=self._livemode, account=self._account)
            if foreign:
                _mark(event, EventState.FOREIGN, foreign, now)
                return None
            reading = read_event(envelope)
        except Unusable as unusable:
            _mark(event, EventState.SET_ASIDE, str(unusable), now)
            return None
        match reading:
            case Irrelevant():
                _mark(event, EventState.IGNORED, reading.reason, now)
                return None
            case Reading():
                return reading
            case _:
                assert_never(reading)

    def _record_tied(self, session: Session, readings: Readings, now: datetime) -> list[Fact]:
        """Record what staff tied to a gift: they saw in what it differs."""
        if not readings:
            return []
        currencies = currencies_of(session, {e.tied_to for e, _ in readings if e.tied_to})
        told: Readings = []
        for event, reading in readings:
            assert event.tied_to is not None
            event.gift_id = event.tied_to
            if _in_another_currency(reading, currencies[event.tied_to]):
                _mark(event, EventState.SET_ASIDE, "its currency is not the gift's", now)
            else:
                told.append((event, _tied_by(reading, event.tied_by)))
        return self._record(session, told, now)

    def _record_named(
        self, session: Session, readings: Readings, locked: list[Row[Any]], now: datetime
    ) -> list[Fact]:
        """Record what names its gift itself, after checking that it is true to it."""
        if not readings:
            return []
        gift_ids = {r.gift_id for _, r in readings if r.gift_id}
        expected = expectations_of(session, locked, gift_ids)
        claims = [r.claim.session_id for _, r in readings if r.claim and r.claim.session_id]
        taken = gifts_by_source(session, [FactKind.CHECKOUT_OPENED], claims)
        true: Readings = []
        for event, reading in readings:
            assert reading.gift_id is not None
            expectation = expected.get(reading.gift_id)
            if expectation is None:
                try_again_later(event, "no gift with this id is known", now)
                continue
            event.gift_id = reading.gift_id
            untrue = reading.claim and why_untrue(reading.claim, expectation)
            holder = taken.get(reading.claim.session_id or "") if reading.claim else None
            if holder and holder != reading.gift_id:
                untrue = "the checkout session belongs to another gift"
            if untrue:
                _mark(event, EventState.SET_ASIDE, untrue, now)
                continue
            if reading.month:
                event.gift_id = _month_of(session, reading.gift_id, reading.month, now)
            true.append((event, reading))
        return self._record(session, true, now)

    def _record_returns(self, session: Session, readings: Readings, now: datetime) -> list[Fact]:
        """Record refunds and disputes, which name a payment; until that is known, they wait."""
        if not readings:
            return []
        payments = [r.payment for _, r in readings if r.payment]
        holders = gifts_by_source(session, PAYMENT_NAMES, payments)
        currencies = currencies_of(session, set(holders.values()))
        known: Readings = []
        for event, reading in readings:
            gift_id = holders.get(reading.payment or "")
            if gift_id is None:
                event.waits_for = reading.payment
                try_again_later(event, "the payment that it is about is not known yet", now)
                continue
            event.gift_id = gift_id
            if _in_another_currency(reading, currencies[gift_id]):
                _mark(event, EventState.SET_ASIDE, "its currency is not the gift's", now)
            else:
                known.append((event, reading))
        return self._record(session, known, now)

    def _record(self, session: Session, readings: Readings, now: datetime) -> list[Fact]:
        """Record these, mark their events, and return what they told."""
        entries = [(event, fact) for event, reading in readings for fact in reading.facts]
        facts = [(_tied(event), fact) for event, fact in entries]
        outcomes = record_facts(session, facts, now=now) if facts else []
        contradicted = {
            event.id
            for (event, _), outcome in zip(entries, outcomes, strict=True)
            if outcome is Outcome.CONTRADICTED
        }
        for event, _ in readings:
            if event.id in contradicted:
                reason = "it contradicts a fact that is already recorded"
                _mark(event, EventState.SET_ASIDE, reason, now)
            else:
                _mark(event, EventState.SETTLED, "", now)
        return [fact for _, fact in entries]


def _follow_up(session: Session, facts: Sequence[Fact], now: datetime) -> None:
    """Wake what waited for these payments, ask no more about what has ended, see to agreements."""
    known = {fact.source_id for fact in facts if fact.kind in PAYMENT_NAMES}
    wake_those_waiting_for(session, known, now)
    over = {fact.evidence.get("session", fact.source_id) for fact in facts if fact.kind in _ENDS}
    if over:
        session.connection().execute(_ASK_NO_MORE, {"over": list(over)})
    see_to(session, {f.evidence["agreement"] for f in facts if "agreement" in f.evidence}, now)
    for fact in facts:
        if "request" in fact.evidence:
            request = col(OpenRefund.key) == fact.evidence["request"]
            same = col(OpenRefund.amount_minor) == fact.amount_minor
            session.execute(update(OpenRefund).where(request, same).values(ask_at=None))


def _gives_a_name(reading: Reading) -> bool:
    return all(fact.kind == FactKind.PAYMENT_NAMED for fact in reading.facts)


def _in_another_currency(reading: Reading, currency: str) -> bool:
    return any(fact.currency not in (None, currency) for fact in reading.facts)


def _tied_by(reading: Reading, actor: str) -> Reading:
    facts = [replace(f, evidence={**f.evidence, "tied_by": actor}) for f in reading.facts]
    return replace(reading, facts=tuple(facts))


def _lock_gifts_of(session: Session, readings: Readings) -> list[Row[Any]]:
    payments = [r.payment for _, r in readings if r.payment]
    gift_ids = set(gifts_by_source(session, PAYMENT_NAMES, payments).values())
    gift_ids |= {r.gift_id for _, r in readings if r.gift_id}
    gift_ids |= {event.tied_to for event, _ in readings if event.tied_to}
    months = [month_key(r.month.invoice_id) for _, r in readings if r.month]
    return lock_gifts(session, gift_ids, months)


def _tied(event: Claimed) -> uuid.UUID:
    assert event.gift_id is not None
    return event.gift_id


def _mark(event: Claimed, state: EventState, reason: str, now: datetime) -> None:
    event.state = state
    event.reason = reason[:500]
    event.settled_at = now
    event.waits_for = None


def _month_of(session: Session, pledge_id: uuid.UUID, month: Month, now: datetime) -> uuid.UUID:
    amount = Money(month.amount_minor, month.currency)
    gift = open_month(
        session, pledge_id, month.invoice_id, amount, invoiced_at=month.invoiced_at, now=now
    )
    return gift.id
