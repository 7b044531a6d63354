"""Asks Stripe whether a payment that events are about, and no gift here bears, is ours at all.

Another shop may share the Stripe account; its refunds and disputes name only a payment. What Stripe
itself says we did not begin is ignored. In any doubt an event goes on waiting: its gift may come
from a backup, or its payment be recorded a moment later.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import Session, col, select

from donate.clock import Clock
from donate.errors import StripeRefused, StripeUnavailable
from donate.storage.bulk_writes import insert_new
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.events.fields import is_id
from donate.stripe_gateway.events.subscriptions import subscription_in
from donate.stripe_gateway.models import EventState, StripeEvent, UnknownPayment
from donate.stripe_gateway.retry_loop import AT_A_TIME, ask_each, due_rows
from donate.stripe_gateway.webhooks.queue import wake_those_waiting_for

# Most payments that are unknown become known within seconds, when their own event comes.
FIRST_ASK: Final = timedelta(minutes=1)
# When Stripe is asked again, should it not have said whose it is.
ASK_AGAIN_AFTER: Final = (
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
)
# More invoices than this are paid by no one payment.
_MOST_INVOICES: Final = 10


def note_unknown(session: Session, payments: Iterable[str], now: datetime) -> None:
    """Have Stripe asked about these payments, as far as it has not been."""
    # In one order, so that two processes cannot wait for each other in a ring.
    rows = [
        {"payment": payment, "is_foreign": False, "asked": 0, "ask_at": now + FIRST_ASK}
        for payment in sorted(set(payments))
    ]
    insert_new(session, UnknownPayment, rows)


def foreign_among(session: Session, payments: Iterable[str]) -> set[str]:
    """Return which of these payments this service did not begin, as Stripe said."""
    found = select(UnknownPayment.payment).where(
        col(UnknownPayment.payment).in_(set(payments)), col(UnknownPayment.is_foreign)
    )
    return set(session.exec(found))


class UnknownPayments:
    """Asks about a few payments at a time."""

    def __init__(self, database: Database, client: StripeClient, clock: Clock) -> None:
        self._database = database
        self._client = client
        self._clock = clock

    def ask_due(self) -> int:
        """Ask about a few payments that are due; return how many Stripe answered."""
        return ask_each(self._take_due, self._ask, "a question about a payment")

    def _take_due(self) -> str | None:
        """Claim a payment that an event still waits for, and plan when to ask again."""
        now = self._clock.now()
        with self._database.writing() as session:
            for unknown in due_rows(session, UnknownPayment, now, AT_A_TIME):
                if not _is_waited_for(session, unknown.payment):
                    session.delete(unknown)
                    continue
                later = ASK_AGAIN_AFTER[unknown.asked : unknown.asked + 1]
                unknown.ask_at = now + later[0] if later else None
                unknown.asked += 1
                return unknown.payment
        return None

    def _ask(self, payment: str) -> None:
        try:
            is_foreign = not self._may_be_ours(payment)
        except StripeRefused:
            raise  # Stripe does not know it: staff decide
        except StripeUnavailable:
            self._forget_after_last_try(payment)
            raise
        self._note(payment, is_foreign=is_foreign)

    def _forget_after_last_try(self, payment: str) -> None:
        """Begin anew with the next event that names a payment about which Stripe said nothing."""
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
        # The payment of a month says nothing of the gift; the subscription of its invoice does.
        named: Any = {"type": "payment_intent", "payment_intent": payment}
        page = self._client.list_page(
            "invoice_payments", {"payment": named, "limit": _MOST_INVOICES}
        )
        invoices = [row.get("invoice") for row in page.objects]
        if page.has_more or not all(map(is_id, invoices)):
            raise StripeUnavailable("Stripe does not say which invoices a payment paid")
        return any(self._is_invoice_ours(str(invoice)) for invoice in invoices)

    def _is_invoice_ours(self, invoice_id: str) -> bool:
        invoice = self._client.ask(lambda sdk: sdk.v1.invoices.retrieve(invoice_id), "invoice")
        details = subscription_in(invoice)
        return bool(details) and _names_a_gift(details)

    def _note(self, payment: str, *, is_foreign: bool) -> None:
        with self._database.writing() as session:
            unknown = session.get(UnknownPayment, payment, with_for_update=True)
            if unknown is None:
                return
            unknown.ask_at = None
            unknown.is_foreign = is_foreign
            session.flush()
            if is_foreign:
                wake_those_waiting_for(session, {payment}, self._clock.now())


def _is_waited_for(session: Session, payment: str) -> bool:
    waiting = (EventState.WAITING, EventState.SET_ASIDE)
    found = select(StripeEvent.id).where(
        StripeEvent.waits_for == payment, col(StripeEvent.state).in_(waiting)
    )
    return session.exec(found.limit(1)).first() is not None


def _names_a_gift(found: Mapping[str, Any]) -> bool:
    metadata = found.get("metadata")
    if not isinstance(metadata, Mapping):
        raise StripeUnavailable("Stripe's answer has no metadata")
    return "gift_id" in metadata
