"""Starts the monthly debits that donors agreed to on Stripe's page, or cancels failed ones.

Checkout creates no subscription for bank debits: in its setup mode, the donor only agrees to later
debits. The worker finds the agreement, and creates the subscription with an idempotency key that is
derived from the session's id. Stripe's answer goes into the inbox like any event.

Each agreement has its own customer, so after a crash the worker finds a subscription that it has
already created.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import Session

from donate.clock import Clock
from donate.errors import RefusalDetails, StripeRefused, StripeUnavailable
from donate.gifts.account_confirmation import confirmation_due
from donate.gifts.evidence import refusal_evidence
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift, GiftFact, plain_facts
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
from donate.stripe_gateway.retry_loop import ask_each, due_rows, use_new_key
from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import Settler

log = logging.getLogger(__name__)

# The shortest time between two tries to start the debits. All calls of one try together take less
# time.
_MIN_PAUSE: Final = timedelta(seconds=40)
_MAX_PAUSE: Final = timedelta(hours=6)
# The maximum age of an agreement. If the donor agreed longer ago, for example before a long outage,
# don't debit them, but ask them to start again. A donor has ten days to confirm a bank account with
# microdeposits.
GIVE_UP_AFTER: Final = timedelta(days=15)
_FINAL_STATUSES: Final = ("canceled", "incomplete_expired")


@dataclass(frozen=True, slots=True)
class Agreement:
    """A donor's agreement to monthly debits, and what to do about it.

    `why_not` is the reason not to debit the donor, or ''. `is_old` means that the donor agreed too
    long ago to start now.
    """

    session_id: str
    gift: Gift
    keys_spent: int
    why_not: str
    is_old: bool
    is_to_confirm: bool
    """Whether the donor still has to confirm the bank account, according to the recorded facts."""

    @property
    def key(self) -> str:
        """The beginning of the idempotency keys of all requests for this agreement."""
        spent = f":{self.keys_spent}" if self.keys_spent else ""
        return f"donate-{self.session_id}{spent}"


class Agreements:
    """Turns donors' agreements into subscriptions."""

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
        """Process a few due agreements; return the number of answers."""
        return ask_each(self._take_due, self._ask, "a request for an agreement")

    def _take_due(self) -> Agreement | None:
        now = self._clock.now()
        with self._database.writing() as session:
            for row in due_rows(session, OpenAgreement, now):
                return _plan(session, row, now)
        return None

    def _ask(self, agreement: Agreement) -> None:
        try:
            self._process(agreement)
        except StripeRefused as refused:
            if refused.may_have_acted:
                key, spent = agreement.session_id, agreement.keys_spent
                use_new_key(self._database, OpenAgreement, key, spent, self._clock.now())
            raise

    def _process(self, agreement: Agreement) -> None:
        checkout = self._billing.session(agreement.session_id)
        setup = checkout.get("setup_intent")
        status = setup.get("status") if isinstance(setup, dict) else None
        if status in ("requires_payment_method", "canceled"):
            self._store_and_settle(as_session_event(checkout, self._clock.now()))
        elif status == "succeeded" and isinstance(setup, dict):
            if agreement.is_to_confirm:
                self._note_confirmation(agreement, setup)
            self._start_or_cancel(agreement, checkout.get("customer"), setup.get("payment_method"))
        elif agreement.is_old:
            self._record(agreement, "the account was never confirmed")
        else:
            # The donor still has to confirm the bank account.
            self._note_confirmation(agreement, setup)
            return
        self._close(agreement)

    def _start_or_cancel(self, agreement: Agreement, customer: Any, method: Any) -> None:
        if not is_id(customer) or not is_id(method):
            raise StripeUnavailable("the agreement has no customer or no account")
        subscription = self._billing.subscription_of(customer)
        if agreement.why_not:
            if subscription:
                self._store_and_settle(self._cancel(agreement, subscription))
            self._record(agreement, agreement.why_not)
            return
        if agreement.is_old and not subscription:
            self._record(agreement, "it was agreed to too long ago")
            return
        try:
            subscription = subscription or self._start(agreement, customer, method)
        except StripeRefused as refused:
            if refused.may_have_acted:
                raise
            log.warning("Stripe refused to begin monthly debits: %s", refused)
            self._record(agreement, refused.code, refused.told)
            return
        is_ended = subscription.get("status") in _FINAL_STATUSES
        as_event = as_subscription_event if is_ended else as_start_event
        self._store_and_settle(as_event(subscription, self._clock.now()))

    def _start(self, agreement: Agreement, customer: str, method: str) -> dict[str, Any]:
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

    def _cancel(self, agreement: Agreement, subscription: dict[str, Any]) -> dict[str, Any]:
        """Cancel a subscription and void its open invoice, so that the donor is not debited.

        The debit may have failed, or the donor may have another subscription for the same gift.
        """
        subscription_id = str(subscription.get("id"))
        if subscription.get("status") not in _FINAL_STATUSES:
            subscription = self._billing.cancel(subscription_id, f"{agreement.key}:end")
        invoice = subscription.get("latest_invoice")
        if is_id(invoice) and self._billing.invoice(str(invoice)).get("status") == "open":
            self._billing.void_invoice(str(invoice))
        return as_subscription_event(subscription, self._clock.now())

    def _store_and_settle(self, event: dict[str, Any] | None) -> None:
        if event:
            self._inbox.store_answers(self._clock.now(), event)
            self._settler.settle_due()

    def _note_confirmation(self, agreement: Agreement, setup: Any) -> None:
        now = self._clock.now()
        state = (
            intent_state(setup, self._billing.is_allowed_url) if isinstance(setup, dict) else None
        )
        facts = read_confirmation(state, agreement.session_id, now)
        with self._database.writing() as session:
            record_facts(session, [(agreement.gift.id, fact) for fact in facts], now=now)

    def _record(
        self, agreement: Agreement, reason: str, details: RefusalDetails | None = None
    ) -> None:
        now = self._clock.now()
        fact = Fact(
            kind=FactKind.PAYMENT_FAILED,
            source_id=agreement.session_id,
            happened_at=now,
            actor="stripe",
            evidence=refusal_evidence(details or {}, reason=reason),
        )
        with self._database.writing() as session:
            record_facts(session, [(agreement.gift.id, fact)], now=now)

    def _close(self, agreement: Agreement) -> None:
        with self._database.writing() as session:
            session.get_one(OpenAgreement, agreement.session_id).ask_at = None


def _why_not(gift: Gift, facts: Sequence[GiftFact], session_id: str) -> str:
    """Return the reason not to debit the bank account, or '' if there is none."""
    failed = {fact.source_id for fact in facts if fact.kind == FactKind.PAYMENT_FAILED}
    if session_id in failed and not gift.received_minor:
        return "the first debit failed"
    # Sort the agreements by when they were recorded, because no later event can change this order.
    in_order = sorted(facts, key=lambda fact: fact.id or 0)
    agreements = [fact.source_id for fact in in_order if fact.kind == FactKind.PAYMENT_PROCESSING]
    # A donor may have agreed twice for one gift, on two open pages. Only the first agreement
    # counts.
    first = next((other for other in agreements if other not in failed), session_id)
    return "" if first == session_id else "another agreement came first"


def _agreed_at(facts: Sequence[GiftFact], session_id: str, now: datetime) -> datetime:
    key = (FactKind.PAYMENT_PROCESSING, session_id)
    return next((f.happened_at for f in facts if (f.kind, f.source_id) == key), now)


def _plan(session: Session, row: OpenAgreement, now: datetime) -> Agreement:
    """Schedule the next try for an agreement, and return what to do in this try."""
    row.ask_at = now + max(_MIN_PAUSE, min((now - row.heard_at) / 8, _MAX_PAUSE))
    gift = session.get_one(Gift, row.gift_id)
    facts = facts_of(session, gift.id)
    return Agreement(
        row.session_id,
        gift,
        row.keys_spent,
        why_not=_why_not(gift, facts, row.session_id),
        is_old=now - _agreed_at(facts, row.session_id, now) > GIVE_UP_AFTER,
        is_to_confirm=confirmation_due(plain_facts(facts)) is not None,
    )
