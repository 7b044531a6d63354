"""Carries out what donors want done about their pledges, and tries failed months once more.

What Stripe answers goes through the inbox like any event, so that a webhook may be faster and it is
all the same. An outcome that we do not know stays open, and the worker asks again.
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
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.pledges import Pledge, PledgeState, answer_to, invoice_of, pledge_of
from donate.gifts.queries import facts_of
from donate.gifts.status import StatusName
from donate.money import Money
from donate.regions.modes import Mode
from donate.storage.database import Database
from donate.stripe_gateway.events.synthetic import (
    as_invoice_events,
    as_subscription_event,
    is_under_way,
)
from donate.stripe_gateway.models import OpenPledgeChange
from donate.stripe_gateway.requests.billing import Billing
from donate.stripe_gateway.requests.checkout_params import product_name
from donate.stripe_gateway.requests.pledge_requests import (
    ASK_AGAIN_AFTER,
    PledgeAction,
    request_change,
)
from donate.stripe_gateway.retry_loop import ask_each, due_rows
from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import Settler

log = logging.getLogger(__name__)


class PledgeChanges:
    """What a donor may do about a monthly promise."""

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
        """Write down what the donor wants, and ask Stripe; False when that is still to happen.

        Raises Conflict when there is nothing to change, and StripeRefused when Stripe says no.
        """
        with self._database.writing() as session:
            wish = request_change(session, gift.id, act, amount, now=self._clock.now())
        try:
            done = self._ask(wish)
        except StripeRefused:
            raise
        except DonateError as error:
            log.warning("no answer yet to a change of a pledge: %s", type(error).__name__)
            return False
        self._settler.settle_due()
        return done

    def ask_due(self) -> int:
        """Ask for a few changes that are due; return how many Stripe answered."""
        return ask_each(self._take_due, self._ask, "a change of a pledge")

    def try_month_again(self, gift: Gift) -> bool:
        """Collect a failed month now, with what was saved; False when a bank takes days to say.

        Raises Conflict when there is nothing to collect, and as every call to Stripe does; a card
        that is declined is StripeRefused.
        """
        invoice_id = _failed_invoice(gift)
        # What has ended takes no new card; its open month may be paid all the same.
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
        self._tell(*as_invoice_events(invoice, self._clock.now()))
        return True

    def give_up_month(self, gift: Gift) -> None:
        """Make sure that a failed month is never collected, so that it may be given another way.

        Raises Conflict when there is no such month, and as every call to Stripe does.
        """
        invoice_id = _failed_invoice(gift)
        try:
            self._billing.void_invoice(invoice_id)
        except StripeRefused:
            invoice = self._billing.invoice(invoice_id)
            if invoice.get("status") == "paid":
                self._tell(*as_invoice_events(invoice, self._clock.now()))
                raise Conflict(N_("This month has been paid meanwhile.")) from None
            if invoice.get("status") != "void":
                raise

    def card_page(self, gift: Gift) -> str:
        """Return the address of Stripe's page where the donor replaces their card.

        `gift` is the one that began the pledge. Raises Conflict when it has none that runs, or is
        not by card.
        """
        if gift.mode != Mode.CARD:
            raise Conflict(N_("To use another account, end this monthly gift and begin a new one."))
        pledge = self.pledge(gift)
        if pledge.subscription is None:
            raise Conflict(N_("This monthly gift has not begun yet."))
        if pledge.state is PledgeState.ENDED:
            raise Conflict(N_("This monthly gift has ended; there is nothing left to change."))
        page = f"{self._public_url}/pledges/{gift.token}"
        return self._billing.card_page(
            pledge.subscription,
            back=page,
            saved=f"{page}?done=card",
            french=gift.language.startswith("fr"),
        )

    def card_is_new(self, gift: Gift) -> bool:
        """Charge the card that the donor has just typed; False when Stripe does not answer.

        Trying a failed month again makes up for it.
        """
        try:
            self._charge_new_card(gift.id)
        except DonateError as error:
            log.warning("a new card is not charged yet: %s", error)
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
        """Say what the facts say of the pledge that `gift` began."""
        with self._database.reading() as session:
            facts = [row.as_fact() for row in facts_of(session, gift.id)]
        return pledge_of(facts, gift.amount)

    def is_already(self, gift: Gift, amount: Money) -> bool:
        """Whether each month is this amount already, and no other one waits for Stripe's answer."""
        pledge = self.pledge(gift)
        return pledge.runs and pledge.each_month == amount and not self.is_open(gift)

    def is_open(self, gift: Gift) -> bool:
        """Whether Stripe has not answered yet to what the donor wants."""
        with self._database.reading() as session:
            found = select(OpenPledgeChange.key).where(
                OpenPledgeChange.gift_id == gift.id, col(OpenPledgeChange.ask_at).is_not(None)
            )
            return session.exec(found.limit(1)).first() is not None

    def _take_due(self) -> OpenPledgeChange | None:
        now = self._clock.now()
        with self._database.writing() as session:
            for wish in due_rows(session, OpenPledgeChange, now):
                wish.tries += 1
                wish.ask_at = now + ASK_AGAIN_AFTER.after(wish.tries)
                return wish
        return None

    def _ask(self, wish: OpenPledgeChange) -> bool:
        refusal = None
        try:
            found = self._carry_out(wish)
        except StripeRefused as refused:
            if refused.may_have_acted:
                raise StripeUnavailable(str(refused)) from refused
            # Whatever it is now, the donor is to see that.
            found, refusal = self._billing.subscription(wish.subscription), refused
            if wish.act == PledgeAction.CANCEL and found.get("status") == "canceled":
                refusal = None
        told = as_subscription_event(found, self._clock.now())
        # Under a name of this wish's own: what is true again after a change is news all the same.
        self._tell(told | {"id": answer_to(wish.key)})
        self._close(wish, refusal)
        if refusal:
            raise refusal
        return True

    def _carry_out(self, wish: OpenPledgeChange) -> dict[str, Any]:
        # Each try has a key of its own: Stripe may only remember that it failed under the last one,
        # and to do the same again changes nothing.
        key = f"donate-{wish.key}:{wish.tries}"
        match PledgeAction(wish.act):
            case PledgeAction.AMOUNT:
                with self._database.reading() as session:
                    gift = session.get_one(Gift, wish.gift_id)
                return self._billing.change_amount(
                    wish.subscription,
                    Money(wish.amount_minor or 0, gift.currency),
                    key,
                    name=product_name(gift),
                    gift_id=str(gift.id),
                )
            case PledgeAction.PAUSE:
                return self._billing.pause(wish.subscription, key)
            case PledgeAction.RESUME:
                return self._billing.resume(wish.subscription, key)
            case PledgeAction.CANCEL:
                return self._billing.cancel(wish.subscription, key)
            case other:
                assert_never(other)

    def _tell(self, *events: Mapping[str, Any]) -> None:
        self._inbox.store_answers(self._clock.now(), *events)
        self._settler.settle_due()

    def _close(self, wish: OpenPledgeChange, refusal: StripeRefused | None) -> None:
        with self._database.writing() as session:
            if refusal:
                _record_refusal(session, wish, refusal, self._clock.now())
            session.get_one(OpenPledgeChange, wish.key).ask_at = None


def _record_refusal(
    session: Session, wish: OpenPledgeChange, refusal: StripeRefused, now: datetime
) -> None:
    fact = Fact(
        kind=FactKind.PLEDGE_CHANGE_REFUSED,
        source_id=wish.key,
        happened_at=now,
        actor="stripe",
        evidence={**refusal.told, "code": refusal.code},
    )
    record_facts(session, [(wish.gift_id, fact)], now=now)


def _failed_invoice(gift: Gift) -> str:
    invoice_id = invoice_of(gift.form_key)
    if invoice_id is None or gift.status != StatusName.FAILED:
        raise Conflict(N_("This month is collected by itself; there is nothing to do."))
    return invoice_id
