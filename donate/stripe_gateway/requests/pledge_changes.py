"""Sends requested changes of pledges to Stripe, and retries failed monthly payments.

Stripe's answer goes through the inbox like any event, so it does not matter if a webhook arrives
first. If the outcome of a change is unknown, the change stays open, and the worker retries it.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, assert_never

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
from donate.gifts.links.gift_links import GiftLinks
from donate.gifts.models import Gift
from donate.gifts.monthly.pledge_state import Pledge, answer_to, invoice_of
from donate.gifts.monthly.queries import read_pledge, read_schedule
from donate.gifts.monthly.schedule import Schedule
from donate.gifts.status import StatusName
from donate.money import Money
from donate.storage.database import Database
from donate.stripe_gateway.events.synthetic import (
    as_invoice_events,
    as_subscription_event,
    is_under_way,
)
from donate.stripe_gateway.models import OpenPledgeChange, PledgeAction
from donate.stripe_gateway.pledge_limits import PledgeLimits
from donate.stripe_gateway.requests.billing import Billing
from donate.stripe_gateway.requests.checkout_params import product_name
from donate.stripe_gateway.requests.payment_methods import PledgeMethods
from donate.stripe_gateway.requests.pledge_requests import (
    ASK_AGAIN_AFTER,
    DonorChange,
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
        links: GiftLinks,
        limits: PledgeLimits | None = None,
    ) -> None:
        self._database = database
        self._billing = billing
        self._inbox = inbox
        self._settler = settler
        self._clock = clock
        self.methods: Final = PledgeMethods(
            *(database, billing, inbox, settler, clock), links=links, limits=limits
        )

    def change(self, gift: Gift, change: DonorChange) -> bool:
        """Record a change, and request it from Stripe; return False if Stripe has not answered yet.

        Raises Conflict when there is nothing to change, and StripeRefused when Stripe refuses.
        """
        with self._database.writing() as session:
            request = request_change(session, gift.id, change, now=self._clock.now())
        try:
            self.methods.count_act(gift)
        except StripeUnavailable:
            return False  # it is recorded, and the worker asks soon
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
        self.methods.count_act(gift)
        # Stripe refuses a new card for an ended subscription, but its open invoice can still be
        # paid.
        with suppress(StripeRefused):
            self.methods.charge_new_card(gift.pledge_id)
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
        self.methods.count_act(gift)
        try:
            self._billing.void_invoice(invoice_id)
        except StripeRefused:
            invoice = self._billing.invoice(invoice_id)
            if invoice.get("status") == "paid":
                self._store_and_settle(*as_invoice_events(invoice, self._clock.now()))
                raise Conflict(N_("We’ve already received this gift.")) from None
            if invoice.get("status") != "void":
                raise

    def pledge(self, gift: Gift) -> Pledge:
        """Return the pledge whose first gift is `gift`, computed from its facts."""
        with self._database.reading() as session:
            return read_pledge(session, gift)

    def schedule(self, gift: Gift) -> Schedule:
        """Return when the pledge whose first gift is `gift` is collected from now on."""
        with self._database.reading() as session:
            return read_schedule(session, gift, self._clock.now())

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
        # Each try has its own idempotency key, because Stripe might only repeat the failure of an
        # earlier try with the same key. Making the same change twice is harmless.
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
        raise Conflict(N_("This gift is collected automatically. You don’t need to do anything."))
    return invoice_id
