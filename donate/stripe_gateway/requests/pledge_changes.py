"""Sends requested changes of pledges to Stripe, and retries failed monthly payments.

Stripe's answer goes through the inbox like any event, so it does not matter if a webhook arrives
first. If the outcome of a change is unknown, the change stays open, and the worker retries it.
"""

import logging
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, assert_never

from sqlmodel import Session, col, select

from donate.clock import Clock
from donate.errors import (
    N_,
    Conflict,
    DonateError,
    StripeRefused,
    StripeUnavailable,
)
from donate.gifts.evidence import refusal_evidence
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.monthly.pledge_state import Pledge, PledgeState, answer_to, invoice_of, pledge_of
from donate.gifts.queries import plain_facts_of
from donate.gifts.status import StatusName
from donate.money import Money
from donate.regions.modes import Mode
from donate.storage.database import Database
from donate.stripe_gateway.events.synthetic import (
    as_invoice_events,
    as_subscription_event,
    is_under_way,
)
from donate.stripe_gateway.models import OpenPledgeChange, PledgeAction
from donate.stripe_gateway.requests.billing import Billing
from donate.stripe_gateway.requests.checkout_params import product_name
from donate.stripe_gateway.requests.pledge_requests import (
    ASK_AGAIN_AFTER,
    request_change,
)
from donate.stripe_gateway.retry_loop import ask_each, due_rows
from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import Settler

log = logging.getLogger(__name__)


class PledgeChanges:
    """The changes that a donor or staff can make to a pledge."""

    def __init__(
        self,
        database: Database,
        billing: Billing,
        inbox: Inbox,
        settler: Settler,
        clock: Clock,
        *,
        public_url: str,
    ) -> None:
        self._database = database
        self._billing = billing
        self._inbox = inbox
        self._settler = settler
        self._clock = clock
        self._public_url = public_url

    def change(self, gift: Gift, act: PledgeAction, amount: Money | None = None) -> bool:
        """Record a change, and request it from Stripe; return False if Stripe has not answered yet.

        Raises Conflict when there is nothing to change, and StripeRefused when Stripe refuses.
        """
        with self._database.writing() as session:
            request = request_change(session, gift.id, act, amount, now=self._clock.now())
        return self.ask_now(request)

    def ask_now(self, request: OpenPledgeChange) -> bool:
        """Request a committed change from Stripe; return False if Stripe has not answered yet.

        Raises StripeRefused when Stripe refuses.
        """
        try:
            done = self._ask(request)
        except StripeRefused:
            raise
        except DonateError as error:
            log.warning("no answer yet to a change of a pledge: %s", type(error).__name__)
            return False
        self._settler.settle_due()
        return done

    def ask_due(self) -> int:
        """Request a few due changes from Stripe; return the number of answers."""
        return ask_each(self._claim_due, self._ask, "a change of a pledge")

    def retry_month(self, gift: Gift) -> bool:
        """Collect a failed monthly payment again; return whether it is paid.

        The saved card or bank account is charged. False means that the bank has not answered a
        debit yet, which takes days. Raises Conflict when there is nothing to collect, StripeRefused
        when the card is declined, and the errors that every call to Stripe can raise.
        """
        invoice_id = _failed_invoice(gift)
        # Stripe refuses a new card for an ended subscription, but its open invoice can still be
        # paid.
        with suppress(StripeRefused):
            self._charge_new_card(gift.pledge_id)
        try:
            invoice = self._billing.pay_invoice(invoice_id)
        except StripeRefused:
            invoice = self._billing.invoice(invoice_id)
            if invoice.get("status") != "paid" and not is_under_way(invoice):
                raise
        if invoice.get("status") != "paid":
            return False
        self._store_and_settle(*as_invoice_events(invoice, self._clock.now()))
        return True

    def void_month(self, gift: Gift) -> None:
        """Void the invoice of a failed monthly payment, so that it is never collected.

        The donor can then give the amount in another way. Raises Conflict when there is no such
        invoice, and the errors that every call to Stripe can raise.
        """
        invoice_id = _failed_invoice(gift)
        try:
            self._billing.void_invoice(invoice_id)
        except StripeRefused:
            invoice = self._billing.invoice(invoice_id)
            if invoice.get("status") == "paid":
                self._store_and_settle(*as_invoice_events(invoice, self._clock.now()))
                raise Conflict(N_("This month has already been paid.")) from None
            if invoice.get("status") != "void":
                raise

    def card_page(self, gift: Gift) -> str:
        """Return the URL of Stripe's page where the donor replaces their card.

        `gift` is the first gift of the pledge. Raises Conflict when the pledge is not running, or
        is not paid by card.
        """
        if gift.mode != Mode.CARD:
            raise Conflict(
                N_("To use another account, cancel this monthly gift and start a new one.")
            )
        pledge = self.pledge(gift)
        if pledge.subscription is None:
            raise Conflict(N_("This monthly gift hasn’t started yet."))
        if pledge.state is PledgeState.ENDED:
            raise Conflict(N_("This monthly gift has ended and can’t be changed."))
        page = f"{self._public_url}/pledges/{gift.token}"
        return self._billing.card_page(
            pledge.subscription,
            back=page,
            saved=f"{page}?done=card",
            french=gift.language.startswith("fr"),
        )

    def use_new_card(self, gift: Gift) -> bool:
        """Charge the card that the donor has just entered; return False if Stripe does not answer.

        If it does not, the next retry of a failed monthly payment switches to the new card.
        """
        try:
            self._charge_new_card(gift.id)
        except DonateError as error:
            log.warning("a subscription still charges the old card: %s", error)
            return False
        return True

    def _charge_new_card(self, pledge_id: uuid.UUID | None) -> None:
        if pledge_id is None:
            return
        with self._database.reading() as session:
            first = session.get_one(Gift, pledge_id)
        subscription = self.pledge(first).subscription
        if subscription and first.mode == Mode.CARD:
            self._billing.charge_new_card(subscription)

    def pledge(self, gift: Gift) -> Pledge:
        """Return the pledge whose first gift is `gift`, computed from its facts."""
        with self._database.reading() as session:
            facts = plain_facts_of(session, gift.id)
        return pledge_of(facts, gift.amount)

    def collects_already(self, gift: Gift, amount: Money) -> bool:
        """Return whether the pledge already collects this amount, and no change is open."""
        pledge = self.pledge(gift)
        return pledge.runs and pledge.each_month == amount and not self.is_open(gift)

    def is_open(self, gift: Gift) -> bool:
        """Return whether a change is still waiting for Stripe's answer."""
        with self._database.reading() as session:
            statement = select(OpenPledgeChange.key).where(
                OpenPledgeChange.gift_id == gift.id, col(OpenPledgeChange.ask_at).is_not(None)
            )
            return session.exec(statement.limit(1)).first() is not None

    def _claim_due(self) -> OpenPledgeChange | None:
        now = self._clock.now()
        with self._database.writing() as session:
            for request in due_rows(session, OpenPledgeChange, now):
                request.tries += 1
                request.ask_at = now + ASK_AGAIN_AFTER.after(request.tries)
                return request
        return None

    def _ask(self, request: OpenPledgeChange) -> bool:
        refusal = None
        try:
            subscription = self._carry_out(request)
        except StripeRefused as refused:
            if refused.may_have_acted:
                raise StripeUnavailable(str(refused)) from refused
            # After a refusal, record the present state of the subscription, so that the donor sees
            # it.
            subscription, refusal = self._billing.subscription(request.subscription), refused
            if request.act == PledgeAction.CANCEL and subscription.get("status") == "canceled":
                refusal = None
        event = as_subscription_event(subscription, self._clock.now())
        # Give each answer its own event id. Otherwise the inbox would drop a repeated state as a
        # duplicate.
        self._store_and_settle(event | {"id": answer_to(request.key)})
        self._close(request, refusal)
        if refusal:
            raise refusal
        return True

    def _carry_out(self, request: OpenPledgeChange) -> dict[str, Any]:
        # Each try has its own idempotency key, because Stripe may only repeat an earlier failure
        # for an earlier key. Making the same change twice is harmless.
        key = f"donate-{request.key}:{request.tries}"
        match request.act:
            case PledgeAction.AMOUNT:
                with self._database.reading() as session:
                    gift = session.get_one(Gift, request.gift_id)
                return self._billing.change_amount(
                    request.subscription,
                    Money(request.amount_minor or 0, gift.currency),
                    key,
                    name=product_name(gift),
                    gift_id=str(gift.id),
                )
            case PledgeAction.PAUSE:
                return self._billing.pause(request.subscription, key, request.resumes_at)
            case PledgeAction.RESUME:
                return self._billing.resume(request.subscription, key)
            case PledgeAction.CANCEL:
                return self._billing.cancel(request.subscription, key)
            case PledgeAction.CANCEL_LATER:
                return self._billing.cancel_after_month(request.subscription, key)
            case other:
                assert_never(other)

    def _store_and_settle(self, *events: Mapping[str, Any]) -> None:
        self._inbox.store_answers(self._clock.now(), *events)
        self._settler.settle_due()

    def _close(self, request: OpenPledgeChange, refusal: StripeRefused | None) -> None:
        with self._database.writing() as session:
            if refusal:
                _record_refusal(session, request, refusal, self._clock.now())
            session.get_one(OpenPledgeChange, request.key).ask_at = None


def _record_refusal(
    session: Session, request: OpenPledgeChange, refusal: StripeRefused, now: datetime
) -> None:
    fact = Fact(
        kind=FactKind.PLEDGE_CHANGE_REFUSED,
        source_id=request.key,
        happened_at=now,
        actor="stripe",
        evidence=refusal_evidence(refusal.told, code=refusal.code),
    )
    record_facts(session, [(request.gift_id, fact)], now=now)


def _failed_invoice(gift: Gift) -> str:
    invoice_id = invoice_of(gift.form_key)
    if invoice_id is None or gift.status != StatusName.FAILED:
        raise Conflict(N_("This month is collected automatically. You don’t need to do anything."))
    return invoice_id
