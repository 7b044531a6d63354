"""Refunds that start at our desk, in three beats: write the request, ask Stripe, settle its answer.

The answer goes through the inbox like any event, so a webhook may be faster and it is all the same.
An outcome that we do not know stays open and is asked about again, so that one request is one
refund, however often we or Stripe fall over.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlmodel import Session

from donate.clock import Clock
from donate.errors import DonateError, StripeKeyRefused, StripeRefused, StripeUnavailable
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.queries import facts_of
from donate.gifts.refundable import RequestState, requests_of
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.events.synthetic import as_refund_event
from donate.stripe_gateway.models import OpenRefund
from donate.stripe_gateway.requests.refund_requests import ASK_AGAIN_AFTER, REASONS
from donate.stripe_gateway.retry_loop import AT_A_TIME, ask_each, due_rows
from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import Settler

if TYPE_CHECKING:
    from stripe.params import RefundCreateParams

log = logging.getLogger(__name__)

# Why a request was refused when it was not Stripe's word for anything.
KEY_REFUSED: Final = "key_refused"
# Stripe remembers an idempotency key for at least 24 hours; an hour less is for clocks that differ.
# https://docs.stripe.com/api/idempotent_requests
KEY_LIFE: Final = timedelta(hours=23)
# Stripe failed half way: what it still may do about that has so long to show in its list.
LET_IT_SHOW: Final = timedelta(minutes=10)


class Refunds:
    """Asks Stripe for what was requested, until each request has an answer."""

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
        """Ask for a refund that was just requested, and settle the answer. Never raises.

        What goes wrong leaves the request open, and the worker asks again.
        """
        try:
            self._ask(request)
            self._settler.settle_due()
        except DonateError as error:
            log.warning("no answer yet to a refund: %s", type(error).__name__)

    def ask_due(self) -> int:
        """Ask for a few refunds that are due; return how many Stripe answered."""
        return ask_each(self._take_due, self._ask, "a refund")

    def _take_due(self) -> OpenRefund | None:
        """Claim a request, and plan when to ask again in case there is no answer."""
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
        """Ask Stripe, and record its answer. Raises StripeUnavailable when there is none."""
        try:
            refund = self._found_or_made(request)
        except StripeRefused as refused:
            if refused.may_have_acted:
                self._take_another_key(request)
                raise StripeUnavailable(str(refused)) from refused
            log.warning("Stripe refused a refund: %s", refused)
            self._record_refusal(request, refused.code, refused.told)
            return
        except StripeKeyRefused as refused:
            if request.tries > 1:  # Stripe may have acted on an earlier try
                raise
            self._record_refusal(request, KEY_REFUSED, refused.told)
            return
        now = self._clock.now()
        # A refund does not say itself whether it is live; our key asked, so it is what we are.
        self._inbox.store_answers(now, as_refund_event(refund, now) | {"livemode": self._livemode})

    def _found_or_made(self, request: OpenRefund) -> dict[str, Any]:
        # Once the key may be forgotten, or another one is used, asking again could pay twice.
        if request.keys_spent or self._clock.now() >= request.requested_at + KEY_LIFE:
            for refund in self._client.refunds_of(request.payment):
                if _answers(refund, request):
                    return refund
        return self._client.create_refund(refund_params(request), _idempotency_key(request))

    def _take_another_key(self, request: OpenRefund) -> None:
        now = self._clock.now()
        with self._database.writing() as session:
            row = session.get_one(OpenRefund, request.key, with_for_update=True)
            # Of two who heard of the same failure, one takes the next key.
            if row.ask_at and row.keys_spent == request.keys_spent:
                row.keys_spent += 1
                row.ask_at = max(row.ask_at, now + LET_IT_SHOW)

    def _record_refusal(self, request: OpenRefund, code: str, told: Mapping[str, str]) -> None:
        now = self._clock.now()
        fact = Fact(
            kind=FactKind.REFUND_REFUSED,
            source_id=request.key,
            happened_at=now,
            actor="stripe",
            evidence={**told, "code": code},
        )
        with self._database.writing() as session:
            # Whoever settles locks the gift first, too.
            session.get_one(Gift, request.gift_id, with_for_update=True)
            if _is_waiting(session, request):
                record_facts(session, [(request.gift_id, fact)], now=now)
            session.get_one(OpenRefund, request.key).ask_at = None


def _is_waiting(session: Session, request: OpenRefund) -> bool:
    facts = [row.as_fact() for row in facts_of(session, request.gift_id)]
    return any(
        known.fact.source_id == request.key and known.state == RequestState.WAITING
        for known in requests_of(facts)
    )


def refund_params(request: OpenRefund) -> "RefundCreateParams":
    """Return what to ask for; it follows from the request, so that a retry sends the same."""
    return {
        "payment_intent": request.payment,
        "amount": request.amount_minor,
        "reason": REASONS[request.reason],
        "metadata": {"gift_id": str(request.gift_id), "request": request.key},
    }


def _idempotency_key(request: OpenRefund) -> str:
    return f"donate-{request.key}" + (f":{request.keys_spent}" if request.keys_spent else "")


def _answers(refund: dict[str, Any], request: OpenRefund) -> bool:
    # After a restored backup a number may be given twice; then the amounts tell them apart.
    metadata = refund.get("metadata")
    named = metadata.get("request") if isinstance(metadata, dict) else None
    return (named, refund.get("amount")) == (request.key, request.amount_minor)
