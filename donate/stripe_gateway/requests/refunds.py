"""Refunds that our staff request, in three steps: record, ask Stripe, settle the answer.

Stripe's answer goes through the inbox like any event, so it does not matter if a webhook arrives
first. If the outcome of a request is unknown, the request stays open and is retried. It leads to
only one refund, however often we or Stripe crash.
"""

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlmodel import Session

from donate.clock import Clock
from donate.errors import (
    DonateError,
    RefusalDetails,
    StripeKeyRefused,
    StripeRefused,
    StripeUnavailable,
)
from donate.gifts.evidence import refusal_evidence
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.queries import plain_facts_of
from donate.gifts.refundable import RequestState, requests_of
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.events.synthetic import as_refund_event
from donate.stripe_gateway.models import OpenRefund, RefundReason
from donate.stripe_gateway.requests.refund_requests import ASK_AGAIN_AFTER
from donate.stripe_gateway.retry_loop import AT_A_TIME, ask_each, due_rows, use_new_key
from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import Settler

if TYPE_CHECKING:
    from stripe.params import RefundCreateParams

log = logging.getLogger(__name__)

# The code in the fact when a refund was refused because Stripe refused our API key.
KEY_REFUSED: Final = "key_refused"
# Stripe keeps an idempotency key for at least 24 hours; an hour less allows for clocks that differ.
# https://docs.stripe.com/api/idempotent_requests
KEY_LIFE: Final = timedelta(hours=23)


class Refunds:
    """Asks Stripe for each requested refund until Stripe answers."""

    def __init__(
        self,
        database: Database,
        client: StripeClient,
        inbox: Inbox,
        settler: Settler,
        clock: Clock,
        *,
        livemode: bool,
    ) -> None:
        self._database = database
        self._client = client
        self._inbox = inbox
        self._settler = settler
        self._clock = clock
        self._livemode = livemode

    def ask_now(self, request: OpenRefund) -> None:
        """Request a new refund from Stripe, and settle the answer. Never raises.

        After an error the request stays open, and the worker retries it.
        """
        try:
            self._ask(request)
            self._settler.settle_due()
        except DonateError as error:
            log.warning("no answer yet to a refund: %s", type(error).__name__)

    def ask_due(self) -> int:
        """Request a few due refunds from Stripe; return the number of answers."""
        return ask_each(self._take_due, self._ask, "a refund")

    def _take_due(self) -> OpenRefund | None:
        """Return a due request, after scheduling its next try in case Stripe gives no answer."""
        now = self._clock.now()
        with self._database.writing() as session:
            for request in due_rows(session, OpenRefund, now, AT_A_TIME):
                if not _is_waiting(session, request):
                    request.ask_at = None
                    continue
                request.asked_at = now
                request.tries += 1
                request.ask_at = now + ASK_AGAIN_AFTER.after(request.tries)
                return request
        return None

    def _ask(self, request: OpenRefund) -> None:
        """Request the refund from Stripe, and record the answer.

        Raises StripeUnavailable if there is no answer.
        """
        try:
            refund = self._find_or_create(request)
        except StripeRefused as refused:
            if refused.may_have_acted:
                now, spent = self._clock.now(), request.keys_spent
                use_new_key(self._database, OpenRefund, request.key, spent, now)
                raise StripeUnavailable(str(refused)) from refused
            log.warning("Stripe refused a refund: %s", refused)
            self._record_refusal(request, refused.code, refused.told)
            return
        except StripeKeyRefused as refused:
            if request.tries > 1:  # An earlier try may already have led to a refund at Stripe.
                raise
            self._record_refusal(request, KEY_REFUSED, refused.told)
            return
        now = self._clock.now()
        # A refund has no `livemode`, so use the mode, test or live, of our key.
        self._inbox.store_answers(now, as_refund_event(refund, now) | {"livemode": self._livemode})

    def _find_or_create(self, request: OpenRefund) -> dict[str, Any]:
        # If the idempotency key is new or too old, Stripe does not recognize a repeated request and
        # would refund twice. So first look for a refund that an earlier try created.
        if request.keys_spent or self._clock.now() >= request.requested_at + KEY_LIFE:
            for refund in self._client.refunds_of(request.payment):
                if _belongs_to(refund, request):
                    return refund
        return self._client.create_refund(refund_params(request), _idempotency_key(request))

    def _record_refusal(self, request: OpenRefund, code: str, details: RefusalDetails) -> None:
        now = self._clock.now()
        fact = Fact(
            kind=FactKind.REFUND_REFUSED,
            source_id=request.key,
            happened_at=now,
            actor="stripe",
            evidence=refusal_evidence(details, code=code),
        )
        with self._database.writing() as session:
            # Lock the gift first, as settling does. Locking in another order could deadlock.
            session.get_one(Gift, request.gift_id, with_for_update=True)
            if _is_waiting(session, request):
                record_facts(session, [(request.gift_id, fact)], now=now)
            session.get_one(OpenRefund, request.key).ask_at = None


def _is_waiting(session: Session, request: OpenRefund) -> bool:
    facts = plain_facts_of(session, request.gift_id)
    return any(
        recorded.fact.source_id == request.key and recorded.state == RequestState.WAITING
        for recorded in requests_of(facts)
    )


def refund_params(request: OpenRefund) -> "RefundCreateParams":
    """Return the parameters of a refund. A retry sends the same ones."""
    return {
        "payment_intent": request.payment,
        "amount": request.amount_minor,
        "reason": _stripe_reason(request.reason),
        "metadata": {"gift_id": str(request.gift_id), "request": request.key},
    }


def _stripe_reason(
    reason: RefundReason,
) -> Literal["requested_by_customer", "duplicate", "fraudulent"]:
    match reason:
        case RefundReason.REQUESTED_BY_DONOR:
            return "requested_by_customer"
        case RefundReason.DUPLICATE:
            return "duplicate"
        case RefundReason.FRAUDULENT:
            return "fraudulent"


def _idempotency_key(request: OpenRefund) -> str:
    return f"donate-{request.key}" + (f":{request.keys_spent}" if request.keys_spent else "")


def _belongs_to(refund: dict[str, Any], request: OpenRefund) -> bool:
    # Compare the amount too. After a backup was restored, a new request may get the same key as an
    # older request that the backup did not contain.
    metadata = refund.get("metadata")
    key = metadata.get("request") if isinstance(metadata, dict) else None
    return (key, refund.get("amount")) == (request.key, request.amount_minor)
