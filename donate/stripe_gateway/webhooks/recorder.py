"""Records a batch of events: checks each event against its gift, then records its facts."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, update
from sqlmodel import Session, col

from donate.gifts.evidence import Evidence
from donate.gifts.facts import NEVER_PAID, PAYMENT_NAMES, Fact, FactKind
from donate.gifts.ledger import LockedGift, LockedGifts, Outcome, record_facts
from donate.gifts.models import Gift
from donate.gifts.monthly.pledge_state import month_key
from donate.gifts.opening import open_month
from donate.gifts.queries import gifts_by_source, was_pruned
from donate.money import Money
from donate.regions.regions import Frequency
from donate.storage.bulk_writes import table_of
from donate.stripe_gateway.events.fields import Month, Reading
from donate.stripe_gateway.models import EventState, OpenCheckout, OpenRefund
from donate.stripe_gateway.webhooks.agreement_records import schedule_agreement
from donate.stripe_gateway.webhooks.card_testing import heed_cards
from donate.stripe_gateway.webhooks.checks import (
    Expectation,
    differs_in_currency,
    is_our_refund,
    mismatch_reason,
    only_names_payment,
)
from donate.stripe_gateway.webhooks.queue import (
    ClaimedEvent,
    try_again_later,
    wake_events,
)
from donate.stripe_gateway.webhooks.unknown_payments import foreign_payments, schedule_lookups

NOT_OURS: Final = "about a payment that this service did not begin, as Stripe says"
PRUNED: Final = "about a gift that was never paid and is pruned"

Readings = Sequence[tuple[ClaimedEvent, Reading]]

# When one of these facts is recorded, we stop asking Stripe about the session.
_FINAL_KINDS: Final = frozenset(
    {FactKind.PAYMENT_SUCCEEDED, FactKind.PAYMENT_FAILED, FactKind.CHECKOUT_EXPIRED}
)
_CHECKOUT = table_of(OpenCheckout)
_STOP_POLLING = (
    update(_CHECKOUT)
    .where(_CHECKOUT.c.session_id.in_(bindparam("session_ids", expanding=True)))
    .values(ask_at=None)
)

_POLL_NOW = (
    update(_CHECKOUT)
    .where(
        _CHECKOUT.c.session_id.in_(bindparam("session_ids", expanding=True)),
        _CHECKOUT.c.ask_at.is_not(None),
    )
    .values(ask_at=bindparam("now"))
)


class EventRecorder:
    """Records one batch of events in one transaction."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now
        self._gifts = LockedGifts(session)
        self._facts: list[Fact] = []
        self._unknown: set[str] = set()
        self._processing: set[str] = set()
        self._recorded: list[tuple[LockedGift, Fact]] = []

    def record(self, readings: Readings) -> None:
        """Record the facts of these events, and give each event its new state."""
        self._lock_gifts(readings)
        tied = [(e, r) for e, r in readings if e.tied_to is not None]
        named = [(e, r) for e, r in readings if e.tied_to is None and r.gift_id is not None]
        rest = [(e, r) for e, r in readings if e.tied_to is None and r.gift_id is None]
        # Record payments first, so that a refund in the same batch finds its payment.
        self._record_tied(tied)
        self._record_named(named)
        for only_names in (True, False):
            self._record_by_payment(
                [(e, r) for e, r in rest if only_names_payment(r) is only_names]
            )

    def follow_up(self) -> None:
        """Wake events that waited for the payments of this batch, and schedule requests to Stripe.

        Call this after the batch is saved, because one of its own events may have to be woken.
        """
        session, facts, now = self._session, self._facts, self._now
        payments = {fact.source_id for fact in facts if fact.kind in PAYMENT_NAMES}
        wake_events(session, payments, now)
        ended = {fact.session_id for fact in facts if fact.kind in _FINAL_KINDS}
        if ended:
            session.connection().execute(_STOP_POLLING, {"session_ids": list(ended)})
        if self._processing:
            # Ask Stripe now, because only a retrieved session says whether the bank account has to
            # be confirmed.
            session.connection().execute(
                _POLL_NOW, {"session_ids": list(self._processing), "now": now}
            )
        schedule_agreement(session, {f.agreement for f in facts if f.agreement}, now)
        for fact in facts:
            if fact.request:
                request = col(OpenRefund.key) == fact.request
                same_amount = col(OpenRefund.amount_minor) == fact.amount_minor
                session.execute(update(OpenRefund).where(request, same_amount).values(ask_at=None))
        heed_cards(session, self._recorded, now)
        # Keep this last. Locking anything after it could cause a deadlock with another process.
        schedule_lookups(session, self._unknown, now)

    def _lock_gifts(self, readings: Readings) -> None:
        payments = [r.payment for _, r in readings if r.payment]
        gift_ids = set(gifts_by_source(self._session, PAYMENT_NAMES, payments).values())
        gift_ids |= {r.gift_id for _, r in readings if r.gift_id}
        gift_ids |= {event.tied_to for event, _ in readings if event.tied_to}
        months = [month_key(r.month.invoice_id) for _, r in readings if r.month]
        self._gifts.lock(gift_ids, months)

    def _record_tied(self, readings: Readings) -> None:
        """Record events that staff assigned to a gift, after checking only their currency.

        Staff have already checked that each event is about the gift.
        """
        matching: list[tuple[ClaimedEvent, Reading]] = []
        for event, reading in readings:
            assert event.tied_to is not None
            event.gift_id = event.tied_to
            if differs_in_currency(reading, self._gifts[event.tied_to].currency):
                self._set_aside(event, "its currency is not the gift's")
            else:
                matching.append((event, _with_tied_by(reading, event.tied_by)))
        self._record(matching)

    def _record_named(self, readings: Readings) -> None:
        """Record events that name their gift, after checking that they agree with the gift."""
        holders = self._holders_of_sessions(readings)
        matching: list[tuple[ClaimedEvent, Reading]] = []
        for event, reading in readings:
            gift = self._gifts.get(reading.gift_id)
            if gift is None:
                self._record_without_gift(event, reading)
                continue
            event.gift_id = gift.id
            mismatch = reading.claim and mismatch_reason(reading.claim, _expectation_of(gift))
            if reading.claim and holders.get(reading.claim.session_id or "", gift.id) != gift.id:
                mismatch = "the checkout session belongs to another gift"
            if mismatch:
                self._set_aside(event, mismatch)
                continue
            if reading.month:
                month = self._open_month(gift.id, reading.month)
                if month.pledge_id != gift.id:
                    self._set_aside(event, "its invoice belongs to another pledge")
                    continue
                event.gift_id = month.id
            matching.append((event, reading))
        self._record(matching)

    def _record_without_gift(self, event: ClaimedEvent, reading: Reading) -> None:
        """Retry an event later if no gift has its id, unless the gift was pruned."""
        if reading.gift_id is None or not was_pruned(self._session, reading.gift_id):
            try_again_later(event, "no gift with this id is known", self._now)
        elif all(fact.kind in NEVER_PAID for fact in reading.facts):
            event.mark(EventState.IGNORED, PRUNED, self._now)
        else:
            self._set_aside(event, "its gift was pruned, because it seemed never paid")

    def _record_by_payment(self, readings: Readings) -> None:
        """Record events that name only a payment: refunds, disputes, and payments of invoices.

        Such an event waits until its payment is recorded. It is ignored if this service did not
        create the payment.
        """
        payments = {r.payment for _, r in readings if r.payment}
        holders = gifts_by_source(self._session, PAYMENT_NAMES, list(payments))
        unknown = payments - holders.keys()
        foreign = foreign_payments(self._session, unknown) if unknown else set()
        self._gifts.lock(holders.values())
        matching: list[tuple[ClaimedEvent, Reading]] = []
        for event, reading in readings:
            gift_id = holders.get(reading.payment or "")
            if gift_id is None and reading.payment in foreign:
                event.mark(EventState.IGNORED, NOT_OURS, self._now)
                continue
            if gift_id is None:
                event.waits_for = reading.payment
                if reading.payment and not is_our_refund(reading):
                    self._unknown.add(reading.payment)
                reason = "the payment that it is about is not known yet"
                try_again_later(event, reason, self._now)
                continue
            event.gift_id = gift_id
            if differs_in_currency(reading, self._gifts[gift_id].currency):
                self._set_aside(event, "its currency is not the gift's")
            else:
                matching.append((event, reading))
        self._record(matching)

    def _record(self, readings: Readings) -> None:
        """Record the facts of these events, set their states, keep the facts for `follow_up`."""
        entries = [(event, fact) for event, reading in readings for fact in reading.facts]
        facts = [(_gift_id_of(event), fact) for event, fact in entries]
        outcomes = (
            record_facts(self._session, facts, now=self._now, locked=self._gifts) if facts else []
        )
        contradicted = {
            event.id
            for (event, _), outcome in zip(entries, outcomes, strict=True)
            if outcome is Outcome.CONTRADICTED
        }
        self._processing |= {
            fact.source_id
            for (_, fact), outcome in zip(entries, outcomes, strict=True)
            if fact.kind == FactKind.PAYMENT_PROCESSING and outcome is Outcome.RECORDED
        }
        self._recorded += [
            (self._gifts[_gift_id_of(event)], fact)
            for (event, fact), outcome in zip(entries, outcomes, strict=True)
            if outcome is Outcome.RECORDED
        ]
        for event, _ in readings:
            if event.id in contradicted:
                self._set_aside(event, "it contradicts a fact that is already recorded")
            else:
                event.mark(EventState.SETTLED, "", self._now)
        self._facts += [fact for _, fact in entries]

    def _set_aside(self, event: ClaimedEvent, reason: str) -> None:
        event.mark(EventState.SET_ASIDE, reason, self._now)

    def _holders_of_sessions(self, readings: Readings) -> dict[str, uuid.UUID]:
        """Map checkout sessions to the gifts for which they are recorded.

        Leave out a session if it is recorded for the same gift that its event names.
        """
        unknown = []
        for _, reading in readings:
            gift = self._gifts.get(reading.gift_id)
            session_id = reading.claim and reading.claim.session_id
            if gift and session_id and (FactKind.CHECKOUT_OPENED, session_id) not in gift.facts:
                unknown.append(session_id)
        return gifts_by_source(self._session, [FactKind.CHECKOUT_OPENED], unknown)

    def _open_month(self, pledge_id: uuid.UUID, month: Month) -> Gift:
        amount = Money(month.amount_minor, month.currency)
        return open_month(
            self._session,
            pledge_id,
            month.invoice_id,
            amount,
            invoiced_at=month.invoiced_at,
            now=self._now,
        )


def _expectation_of(gift: LockedGift) -> Expectation:
    """Return what we ourselves recorded about a gift."""
    requested: set[int] = set()
    sessions: dict[int, str] = {}
    for (kind, source_id), fact in gift.facts.items():
        if fact.attempt is None:
            continue
        if kind == FactKind.CHECKOUT_REQUESTED:
            requested.add(fact.attempt)
        elif kind == FactKind.CHECKOUT_OPENED:
            sessions[fact.attempt] = source_id
    return Expectation(
        reference=gift.reference,
        mode=gift.mode,
        monthly=gift.frequency == Frequency.MONTHLY,
        amount_minor=gift.amount_minor,
        currency=gift.currency,
        requested=frozenset(requested),
        sessions=sessions,
    )


def _with_tied_by(reading: Reading, actor: str) -> Reading:
    facts = [_tied_fact(fact, actor) for fact in reading.facts]
    return replace(reading, facts=tuple(facts))


def _tied_fact(fact: Fact, actor: str) -> Fact:
    evidence: Evidence = {**fact.evidence, "tied_by": actor}
    return replace(fact, evidence=evidence)


def _gift_id_of(event: ClaimedEvent) -> uuid.UUID:
    assert event.gift_id is not None
    return event.gift_id
