"""Asks Stripe whether this service created a payment that belongs to none of its gifts.

Another shop may use the same Stripe account. Its refunds and disputes arrive here too, and they
name only a payment.

An event is ignored only if Stripe's own objects say that this service did not create the payment.
Otherwise the event keeps waiting, because its gift may be restored from a backup, or its payment
may be recorded a moment later.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import Session, col, select

from donate.clock import Backoff, Clock
from donate.errors import StripeRefused, StripeUnavailable
from donate.storage.bulk_writes import insert_new
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.events.fields import is_id
from donate.stripe_gateway.events.subscriptions import subscription_in
from donate.stripe_gateway.models import EventState, StripeEvent, UnknownPayment
from donate.stripe_gateway.retry_loop import AT_A_TIME, ask_each, due_rows
from donate.stripe_gateway.webhooks.queue import wake_events

# How long to wait before asking Stripe about an unknown payment. Most payments are recorded within
# seconds, when their own events arrive.
FIRST_ASK: Final = timedelta(minutes=1)
# The pauses before asking Stripe again, if its answer did not show who created the payment.
ASK_AGAIN_AFTER: Final = Backoff("10m 1h 6h 1d")
# Maximum number of invoices to read for one payment. No payment pays more invoices than this.
_MAX_INVOICES: Final = 10


def schedule_lookups(session: Session, payments: Iterable[str], now: datetime) -> None:
    """Schedule a request to Stripe about each of these payments, unless one is scheduled."""
    # Sort the rows, so that two processes inserting the same ones cannot deadlock.
    rows = [
        {"payment": payment, "is_foreign": False, "asked": 0, "ask_at": now + FIRST_ASK}
        for payment in sorted(set(payments))
    ]
    insert_new(session, UnknownPayment, rows)


def foreign_payments(session: Session, payments: Iterable[str]) -> set[str]:
    """Return the payments that this service did not create, according to Stripe's objects."""
    statement = select(UnknownPayment.payment).where(
        col(UnknownPayment.payment).in_(set(payments)), col(UnknownPayment.is_foreign)
    )
    return set(session.exec(statement))


class UnknownPayments:
    """Asks Stripe about unknown payments, a few at a time."""

    def __init__(self, database: Database, client: StripeClient, clock: Clock) -> None:
        self._database = database
        self._client = client
        self._clock = clock

    def ask_due(self) -> int:
        """Ask about a few due payments; return the number of answers."""
        return ask_each(self._claim_due, self._ask, "a question about a payment")

    def _claim_due(self) -> str | None:
        """Return a due payment for which an event still waits, and schedule the next try."""
        now = self._clock.now()
        with self._database.writing() as session:
            for unknown in due_rows(session, UnknownPayment, now, AT_A_TIME):
                if not _has_waiting_event(session, unknown.payment):
                    session.delete(unknown)
                    continue
                unknown.asked += 1
                pause = ASK_AGAIN_AFTER.after_or_stop(unknown.asked)
                unknown.ask_at = now + pause if pause else None
                return unknown.payment
        return None

    def _ask(self, payment: str) -> None:
        try:
            is_foreign = not self._may_be_ours(payment)
        except StripeRefused:
            raise  # Stripe does not know the payment, so staff have to decide about the event.
        except StripeUnavailable:
            self._delete_after_last_attempt(payment)
            raise
        self._save_answer(payment, is_foreign=is_foreign)

    def _delete_after_last_attempt(self, payment: str) -> None:
        """Delete a payment's row after the last try, so that a later event can add a new row."""
        with self._database.writing() as session:
            unknown = session.get(UnknownPayment, payment, with_for_update=True)
            if unknown and unknown.ask_at is None and not unknown.is_foreign:
                session.delete(unknown)

    def _may_be_ours(self, payment: str) -> bool:
        if payment.startswith("in_"):
            return self._is_invoice_ours(payment)
        intent = self._client.ask(
            lambda sdk: sdk.v1.payment_intents.retrieve(payment), "payment_intent"
        )
        if _names_a_gift(intent):
            return True
        # The payment intent of a monthly payment does not name the gift. Its invoice does, because
        # the invoice contains the subscription's metadata.
        filter_: Any = {"type": "payment_intent", "payment_intent": payment}
        page = self._client.list_page(
            "invoice_payments", {"payment": filter_, "limit": _MAX_INVOICES}
        )
        invoices = [row.get("invoice") for row in page.objects]
        if page.has_more or not all(map(is_id, invoices)):
            raise StripeUnavailable("Stripe does not list the invoices that a payment paid")
        return any(self._is_invoice_ours(str(invoice)) for invoice in invoices)

    def _is_invoice_ours(self, invoice_id: str) -> bool:
        invoice = self._client.ask(lambda sdk: sdk.v1.invoices.retrieve(invoice_id), "invoice")
        details = subscription_in(invoice)
        return bool(details) and _names_a_gift(details)

    def _save_answer(self, payment: str, *, is_foreign: bool) -> None:
        with self._database.writing() as session:
            unknown = session.get(UnknownPayment, payment, with_for_update=True)
            if unknown is None:
                return
            unknown.ask_at = None
            unknown.is_foreign = is_foreign
            session.flush()
            if is_foreign:
                wake_events(session, {payment}, self._clock.now())


def _has_waiting_event(session: Session, payment: str) -> bool:
    states = (EventState.WAITING, EventState.SET_ASIDE)
    statement = select(StripeEvent.id).where(
        StripeEvent.waits_for == payment, col(StripeEvent.state).in_(states)
    )
    return session.exec(statement.limit(1)).first() is not None


def _names_a_gift(stripe_object: Mapping[str, Any]) -> bool:
    metadata = stripe_object.get("metadata")
    if not isinstance(metadata, Mapping):
        raise StripeUnavailable("Stripe's answer has no metadata")
    return "gift_id" in metadata
