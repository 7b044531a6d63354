"""Begins the monthly debits that donors agreed to on Stripe's page, and ends what began badly.

Checkout begins no subscription for bank debits: in its setup mode the donor only agrees. The worker
finds the agreement and asks for the subscription under a key that follows from it; the answer goes
into the inbox like any event. Killed in between it is found again: each agreement has a customer of
its own, where what was begun already is seen.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import Session

from donate.clock import Clock
from donate.errors import StripeRefused, StripeUnavailable
from donate.gifts.account_confirmation import confirmation_due
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift, GiftFact
from donate.gifts.queries import facts_of
from donate.storage.database import Database
from donate.stripe_gateway.events.fields import is_id, read_confirmation
from donate.stripe_gateway.events.synthetic import (
    as_session_event,
    as_start_event,
    as_subscription_event,
    intent_state,
)
from donate.stripe_gateway.models import OpenAgreement
from donate.stripe_gateway.requests.billing import Billing
from donate.stripe_gateway.requests.checkout_params import product_name
from donate.stripe_gateway.retry_loop import ask_each, due_rows
from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import Settler

log = logging.getLogger(__name__)

# Longer than the calls of one try may take together.
_LEAST_PAUSE: Final = timedelta(seconds=40)
_LONGEST_PAUSE: Final = timedelta(hours=6)
# A bank that checks with small deposits gives the donor ten days to confirm them. Nobody is debited
# about what they agreed to longer ago, such as before we were away: they are asked to begin anew.
GIVE_UP_AFTER: Final = timedelta(days=15)
# Stripe's list may lag behind what it has done.
LET_IT_SHOW: Final = timedelta(minutes=10)
_OVER: Final = ("canceled", "incomplete_expired")


@dataclass(frozen=True, slots=True)
class Agreement:
    """What is to be done about the session in which a donor agreed. `why_not` ends, if not ''.

    `is_old` tells that it is too long ago to begin now.
    """

    session_id: str
    gift: Gift
    keys_spent: int
    why_not: str
    is_old: bool
    is_to_confirm: bool
    """Whether the donor was told that they have to confirm their account."""

    @property
    def key(self) -> str:
        """The beginning of the idempotency keys under which Stripe is asked."""
        spent = f":{self.keys_spent}" if self.keys_spent else ""
        return f"donate-{self.session_id}{spent}"


class Agreements:
    """Monthly debits, from the donor's agreement to a subscription."""

    def __init__(
        self,
        database: Database,
        billing: Billing,
        inbox: Inbox,
        settler: Settler,
        clock: Clock,
    ) -> None:
        self._database = database
        self._billing = billing
        self._inbox = inbox
        self._settler = settler
        self._clock = clock

    def ask_due(self) -> int:
        """Look after a few agreements that are due; return how many Stripe answered."""
        return ask_each(self._take_due, self._ask, "what an agreement asks for")

    def _take_due(self) -> Agreement | None:
        now = self._clock.now()
        with self._database.writing() as session:
            for found in due_rows(session, OpenAgreement, now):
                return _plan(session, found, now)
        return None

    def _ask(self, agreement: Agreement) -> None:
        try:
            self._see_to(agreement)
        except StripeRefused as refused:
            if refused.may_have_acted:
                self._take_another_key(agreement)
            raise

    def _see_to(self, agreement: Agreement) -> None:
        found = self._billing.session(agreement.session_id)
        setup = found.get("setup_intent")
        status = setup.get("status") if isinstance(setup, dict) else None
        if status in ("requires_payment_method", "canceled"):
            self._tell(as_session_event(found, self._clock.now()))
        elif status == "succeeded" and isinstance(setup, dict):
            if agreement.is_to_confirm:
                self._note_confirmation(agreement, setup)
            self._begin_or_end(agreement, found.get("customer"), setup.get("payment_method"))
        elif agreement.is_old:
            self._record(agreement, "the account was never confirmed")
        else:
            # The donor is still to show whose account it is.
            self._note_confirmation(agreement, setup)
            return
        self._close(agreement)

    def _begin_or_end(self, agreement: Agreement, customer: Any, method: Any) -> None:
        if not is_id(customer) or not is_id(method):
            raise StripeUnavailable("the agreement names no customer and account")
        subscription = self._billing.subscription_of(customer)
        if agreement.why_not:
            if subscription:
                self._tell(self._end(agreement, subscription))
            self._record(agreement, agreement.why_not)
            return
        if agreement.is_old and not subscription:
            self._record(agreement, "it was agreed to too long ago")
            return
        try:
            begun = subscription or self._begin(agreement, customer, method)
        except StripeRefused as refused:
            if refused.may_have_acted:
                raise
            log.warning("Stripe refused to begin monthly debits: %s", refused)
            self._record(agreement, refused.code, refused.told)
            return
        retell = as_subscription_event if begun.get("status") in _OVER else as_start_event
        self._tell(retell(begun, self._clock.now()))

    def _begin(self, agreement: Agreement, customer: str, method: str) -> dict[str, Any]:
        gift, key = agreement.gift, agreement.key
        product = self._billing.create_product(product_name(gift), str(gift.id), f"{key}:product")
        metadata = {
            "gift_id": str(gift.id),
            "reference": gift.reference,
            "session": agreement.session_id,
        }
        return self._billing.begin_debits(
            customer,
            method,
            gift.amount,
            product_id=product,
            metadata=metadata,
            key=f"{key}:begin",
        )

    def _end(self, agreement: Agreement, subscription: dict[str, Any]) -> dict[str, Any]:
        """End what collects nothing, for good: the donor may have begun anew."""
        subscription_id = str(subscription.get("id"))
        if subscription.get("status") not in _OVER:
            subscription = self._billing.cancel(subscription_id, f"{agreement.key}:end")
        invoice = subscription.get("latest_invoice")
        if is_id(invoice) and self._billing.invoice(str(invoice)).get("status") == "open":
            self._billing.void_invoice(str(invoice))
        return as_subscription_event(subscription, self._clock.now())

    def _tell(self, event: dict[str, Any] | None) -> None:
        if event:
            self._inbox.store_answers(self._clock.now(), event)
            self._settler.settle_due()

    def _note_confirmation(self, agreement: Agreement, setup: Any) -> None:
        now = self._clock.now()
        waits_for = intent_state(setup, self._billing.is_known) if isinstance(setup, dict) else None
        facts = read_confirmation(waits_for, agreement.session_id, now)
        with self._database.writing() as session:
            record_facts(session, [(agreement.gift.id, fact) for fact in facts], now=now)

    def _record(
        self, agreement: Agreement, why: str, told: Mapping[str, str] | None = None
    ) -> None:
        now = self._clock.now()
        fact = Fact(
            kind=FactKind.PAYMENT_FAILED,
            source_id=agreement.session_id,
            happened_at=now,
            actor="stripe",
            evidence={"reason": why, **(told or {})},
        )
        with self._database.writing() as session:
            record_facts(session, [(agreement.gift.id, fact)], now=now)

    def _take_another_key(self, agreement: Agreement) -> None:
        # That request has ended, and Stripe only remembers how: what it began will be listed.
        now = self._clock.now()
        with self._database.writing() as session:
            row = session.get_one(OpenAgreement, agreement.session_id, with_for_update=True)
            # Of two who heard of the same failure, one takes the next key.
            if row.ask_at and row.keys_spent == agreement.keys_spent:
                row.keys_spent += 1
                row.ask_at = max(row.ask_at, now + LET_IT_SHOW)

    def _close(self, agreement: Agreement) -> None:
        with self._database.writing() as session:
            session.get_one(OpenAgreement, agreement.session_id).ask_at = None


def _why_not(gift: Gift, facts: Sequence[GiftFact], session_id: str) -> str:
    """Return why this agreement is not to be debited, or ''."""
    failed = {fact.source_id for fact in facts if fact.kind == FactKind.PAYMENT_FAILED}
    if session_id in failed and not gift.received_minor:
        return "the first debit failed"
    # As we heard of them, which no later event can change, whenever it says that it happened.
    heard = sorted(facts, key=lambda fact: fact.id or 0)
    agreed = [fact.source_id for fact in heard if fact.kind == FactKind.PAYMENT_PROCESSING]
    # Two pages of one gift may have been open at once: it is given once.
    first = next((other for other in agreed if other not in failed), session_id)
    return "" if first == session_id else "another agreement came first"


def _agreed_at(facts: Sequence[GiftFact], session_id: str, now: datetime) -> datetime:
    told = (FactKind.PAYMENT_PROCESSING, session_id)
    return next((f.happened_at for f in facts if (f.kind, f.source_id) == told), now)


def _plan(session: Session, found: OpenAgreement, now: datetime) -> Agreement:
    """Plan the next try, and say what is to be done now."""
    found.ask_at = now + max(_LEAST_PAUSE, min((now - found.heard_at) / 8, _LONGEST_PAUSE))
    gift = session.get_one(Gift, found.gift_id)
    facts = facts_of(session, gift.id)
    return Agreement(
        found.session_id,
        gift,
        found.keys_spent,
        why_not=_why_not(gift, facts, found.session_id),
        is_old=now - _agreed_at(facts, found.session_id, now) > GIVE_UP_AFTER,
        is_to_confirm=confirmation_due(fact.as_fact() for fact in facts) is not None,
    )
