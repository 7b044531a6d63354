"""Records what a batch of events tells: each is checked against its gift, recorded, and marked."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, update
from sqlmodel import Session, SQLModel, col

from donate.gifts.facts import PAYMENT_NAMES, Fact, FactKind
from donate.gifts.ledger import Outcome, open_month, record_facts
from donate.gifts.locked_gifts import LockedGift, LockedGifts
from donate.gifts.models import Gift
from donate.gifts.pledges import month_key
from donate.gifts.queries import gifts_by_source
from donate.money import Money
from donate.regions.regions import Frequency
from donate.stripe_gateway.events.fields import Month, Reading
from donate.stripe_gateway.models import EventState, OpenRefund
from donate.stripe_gateway.webhooks.agreement_records import schedule_agreement
from donate.stripe_gateway.webhooks.checks import Expectation, why_untrue
from donate.stripe_gateway.webhooks.queue import (
    ClaimedEvent,
    try_again_later,
    wake_those_waiting_for,
)
from donate.stripe_gateway.webhooks.unknown_payments import foreign_among, note_unknown

NOT_OURS: Final = "about a payment that this service did not begin, says Stripe"

Readings = Sequence[tuple[ClaimedEvent, Reading]]

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

_ASK_NOW = (
    update(_CHECKOUT)
    .where(
        _CHECKOUT.c.session_id.in_(bindparam("begun", expanding=True)),
        _CHECKOUT.c.ask_at.is_not(None),
    )
    .values(ask_at=bindparam("now"))
)


class EventRecorder:
    """One batch in one transaction."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now
        self._hand = LockedGifts(session)
        self._told: list[Fact] = []
        self._unknown: set[str] = set()
        self._begun: set[str] = set()

    def record(self, readings: Readings) -> None:
        """Record what these events tell, and mark each as what became of it."""
        self._take(readings)
        tied = [(e, r) for e, r in readings if e.tied_to is not None]
        named = [(e, r) for e, r in readings if e.tied_to is None and r.gift_id is not None]
        rest = [(e, r) for e, r in readings if e.tied_to is None and r.gift_id is None]
        # Payments first, then their other names: a refund in the same batch finds what it is about.
        self._record_tied(tied)
        self._record_named(named)
        for names in (True, False):
            self._record_returns([(e, r) for e, r in rest if _gives_a_name(r) is names])

    def follow_up(self) -> None:
        """Wake what waited for these payments, ask no more about what is over, see to agreements.

        For when what became of the events is saved: one of them may be among those to wake.
        """
        session, told, now = self._session, self._told, self._now
        known = {fact.source_id for fact in told if fact.kind in PAYMENT_NAMES}
        wake_those_waiting_for(session, known, now)
        over = {fact.evidence.get("session", fact.source_id) for fact in told if fact.kind in _ENDS}
        if over:
            session.connection().execute(_ASK_NO_MORE, {"over": list(over)})
        if self._begun:
            # Only Stripe's answer says whether the donor still has to confirm their account.
            session.connection().execute(_ASK_NOW, {"begun": list(self._begun), "now": now})
        schedule_agreement(
            session, {f.evidence["agreement"] for f in told if "agreement" in f.evidence}, now
        )
        for fact in told:
            if "request" in fact.evidence:
                request = col(OpenRefund.key) == fact.evidence["request"]
                same = col(OpenRefund.amount_minor) == fact.amount_minor
                session.execute(update(OpenRefund).where(request, same).values(ask_at=None))
        # Last: nothing is locked after it, so that no two processes wait for each other.
        note_unknown(session, self._unknown, now)

    def _take(self, readings: Readings) -> None:
        payments = [r.payment for _, r in readings if r.payment]
        gift_ids = set(gifts_by_source(self._session, PAYMENT_NAMES, payments).values())
        gift_ids |= {r.gift_id for _, r in readings if r.gift_id}
        gift_ids |= {event.tied_to for event, _ in readings if event.tied_to}
        months = [month_key(r.month.invoice_id) for _, r in readings if r.month]
        self._hand.lock(gift_ids, months)

    def _record_tied(self, readings: Readings) -> None:
        """Record what staff tied to a gift: they saw in what it differs."""
        told: list[tuple[ClaimedEvent, Reading]] = []
        for event, reading in readings:
            assert event.tied_to is not None
            event.gift_id = event.tied_to
            if _in_another_currency(reading, self._hand[event.tied_to]):
                self._set_aside(event, "its currency is not the gift's")
            else:
                told.append((event, _tied_by(reading, event.tied_by)))
        self._record(told)

    def _record_named(self, readings: Readings) -> None:
        """Record what names its gift itself, after checking that it is true to it."""
        holders = self._holders_of_sessions(readings)
        true: list[tuple[ClaimedEvent, Reading]] = []
        for event, reading in readings:
            gift = self._hand.get(reading.gift_id)
            if gift is None:
                try_again_later(event, "no gift with this id is known", self._now)
                continue
            event.gift_id = gift.id
            untrue = reading.claim and why_untrue(reading.claim, _expectation_of(gift))
            if reading.claim and holders.get(reading.claim.session_id or "", gift.id) != gift.id:
                untrue = "the checkout session belongs to another gift"
            if untrue:
                self._set_aside(event, untrue)
                continue
            if reading.month:
                month = self._open_month(gift.id, reading.month)
                if month.pledge_id != gift.id:
                    self._set_aside(event, "its invoice is another pledge's")
                    continue
                event.gift_id = month.id
            true.append((event, reading))
        self._record(true)

    def _record_returns(self, readings: Readings) -> None:
        """Record refunds and disputes, which name a payment; until that is known, they wait.

        Those about a payment that this service did not begin, as Stripe said, are ignored.
        """
        payments = {r.payment for _, r in readings if r.payment}
        holders = gifts_by_source(self._session, PAYMENT_NAMES, list(payments))
        unknown = payments - holders.keys()
        foreign = foreign_among(self._session, unknown) if unknown else set()
        self._hand.lock(holders.values())
        known: list[tuple[ClaimedEvent, Reading]] = []
        for event, reading in readings:
            gift_id = holders.get(reading.payment or "")
            if gift_id is None and reading.payment in foreign:
                event.mark(EventState.IGNORED, NOT_OURS, self._now)
                continue
            if gift_id is None:
                event.waits_for = reading.payment
                if reading.payment and not _is_answer(reading):
                    self._unknown.add(reading.payment)
                reason = "the payment that it is about is not known yet"
                try_again_later(event, reason, self._now)
                continue
            event.gift_id = gift_id
            if _in_another_currency(reading, self._hand[gift_id]):
                self._set_aside(event, "its currency is not the gift's")
            else:
                known.append((event, reading))
        self._record(known)

    def _record(self, readings: Readings) -> None:
        """Record these, mark their events, and keep what they told."""
        entries = [(event, fact) for event, reading in readings for fact in reading.facts]
        facts = [(_gift_id_of(event), fact) for event, fact in entries]
        outcomes = (
            record_facts(self._session, facts, now=self._now, locked=self._hand) if facts else []
        )
        contradicted = {
            event.id
            for (event, _), outcome in zip(entries, outcomes, strict=True)
            if outcome is Outcome.CONTRADICTED
        }
        self._begun |= {
            fact.source_id
            for (_, fact), outcome in zip(entries, outcomes, strict=True)
            if fact.kind == FactKind.PAYMENT_PROCESSING and outcome is Outcome.RECORDED
        }
        for event, _ in readings:
            if event.id in contradicted:
                self._set_aside(event, "it contradicts a fact that is already recorded")
            else:
                event.mark(EventState.SETTLED, "", self._now)
        self._told += [fact for _, fact in entries]

    def _set_aside(self, event: ClaimedEvent, reason: str) -> None:
        event.mark(EventState.SET_ASIDE, reason, self._now)

    def _holders_of_sessions(self, readings: Readings) -> dict[str, uuid.UUID]:
        """Return which gift each session belongs to, of those that their own gift does not know."""
        unknown = []
        for _, reading in readings:
            gift = self._hand.get(reading.gift_id)
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
    """Return what we recorded about a gift before Stripe told us of it."""
    requested: set[int] = set()
    sessions: dict[int, str] = {}
    for (kind, source_id), fact in gift.facts.items():
        if kind == FactKind.CHECKOUT_REQUESTED:
            requested.add(int(fact.evidence["attempt"]))
        elif kind == FactKind.CHECKOUT_OPENED:
            sessions[int(fact.evidence["attempt"])] = source_id
    return Expectation(
        reference=gift.reference,
        mode=gift.mode,
        monthly=gift.frequency == Frequency.MONTHLY,
        amount_minor=gift.amount_minor,
        currency=gift.currency,
        requested=frozenset(requested),
        sessions=sessions,
    )


def _gives_a_name(reading: Reading) -> bool:
    return all(fact.kind == FactKind.PAYMENT_NAMED for fact in reading.facts)


def _is_answer(reading: Reading) -> bool:
    """Whether it tells of a refund that our own desk asked for."""
    return any("request" in fact.evidence for fact in reading.facts)


def _in_another_currency(reading: Reading, gift: LockedGift) -> bool:
    return any(fact.currency not in (None, gift.currency) for fact in reading.facts)


def _tied_by(reading: Reading, actor: str) -> Reading:
    facts = [replace(f, evidence={**f.evidence, "tied_by": actor}) for f in reading.facts]
    return replace(reading, facts=tuple(facts))


def _gift_id_of(event: ClaimedEvent) -> uuid.UUID:
    assert event.gift_id is not None
    return event.gift_id
