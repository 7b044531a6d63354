"""Learns the last digits of the card or account that pays a pledge, and replaces a card."""

import logging
import uuid
from datetime import datetime, timedelta
from typing import Final

from donate.clock import Clock
from donate.errors import N_, Conflict, DonateError, StripeUnavailable
from donate.gifts.links.gift_links import GiftLinks
from donate.gifts.models import Gift
from donate.gifts.monthly.pledge_state import Pledge, PledgeState
from donate.gifts.monthly.queries import read_pledge
from donate.regions.modes import Mode
from donate.storage.database import Database
from donate.stripe_gateway.events.synthetic import as_subscription_event
from donate.stripe_gateway.pledge_limits import PledgeLimits
from donate.stripe_gateway.requests.billing import Billing
from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import Settler

log = logging.getLogger(__name__)

# How long to wait before asking Stripe again for the digits of a card that it did not tell.
_LEARN_AGAIN_AFTER: Final = timedelta(hours=1)


class PledgeMethods:
    """Reads and replaces the payment methods of pledges at Stripe."""

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
        self._links = links
        self._limits = limits
        self._ask_after: dict[str, datetime] = {}

    def card_page(self, gift: Gift) -> str:
        """Return the URL of Stripe's page where the donor replaces their card.

        `gift` is the first gift of the pledge. Raises Conflict when the pledge is not running, or
        is not paid by card, and StripeUnavailable also after too many changes in a minute.
        """
        if gift.mode != Mode.CARD:
            raise Conflict(
                N_("To use another account, cancel this monthly gift and start a new one.")
            )
        pledge = self._pledge(gift)
        if pledge.subscription is None:
            raise Conflict(N_("This monthly gift hasn’t started yet."))
        if pledge.state is PledgeState.ENDED:
            raise Conflict(N_("This monthly gift has ended and can’t be changed."))
        self.count_act(gift)
        page = self._links.pledge_page(gift)
        return self._billing.card_page(
            pledge.subscription,
            back=page,
            saved=f"{page}?done=card",
            french=gift.language.startswith("fr"),
        )

    def use_new_card(self, gift: Gift) -> bool:
        """Charge the card that the donor has just entered; return False if Stripe does not answer.

        Then the next retry of a failed monthly payment switches to the new card. Also return False
        if this page has called Stripe too often in the last minute.
        """
        try:
            self.count_act(gift)
            if self.charge_new_card(gift.id):
                self._ask_for_method(gift)
        except DonateError as error:
            log.warning("a subscription still charges the old card: %s", error)
            return False
        return True

    def count_act(self, gift: Gift) -> None:
        """Count a change of a gift's pledge. Raises StripeUnavailable if there are too many."""
        if self._limits and not self._limits.may_act(gift.pledge_id or gift.id):
            raise StripeUnavailable("the page of a monthly gift asks too often")

    def charge_new_card(self, pledge_id: uuid.UUID | None) -> bool:
        """Charge the new card from now on, if the donor entered one; return whether they did.

        Raises the errors that every call to Stripe can raise.
        """
        if pledge_id is None:
            return False
        with self._database.reading() as session:
            first = session.get_one(Gift, pledge_id)
            subscription = read_pledge(session, first).subscription
        if subscription and first.mode == Mode.CARD:
            return self._billing.charge_new_card(subscription)
        return False

    def learn(self, gift: Gift) -> None:
        """Ask Stripe for the last digits of the card or account that pays, if they are unknown.

        Stripe's events name only its id. If Stripe does not answer, the digits stay unknown, and
        for an hour Stripe is not asked about this card or account again.
        """
        pledge, now = self._pledge(gift), self._clock.now()
        method = pledge.payment_method
        if self._limits and not self._limits.may_look():
            return
        self._ask_after = {each: at for each, at in self._ask_after.items() if at > now}
        if not (pledge.runs and method and not method.last4) or method.id in self._ask_after:
            return
        self._ask_after[method.id] = now + _LEARN_AGAIN_AFTER
        try:
            self._ask_for_method(gift)
        except DonateError as error:
            log.warning("no answer about a payment method: %s", type(error).__name__)

    def _ask_for_method(self, gift: Gift) -> None:
        subscription_id, now = self._pledge(gift).subscription, self._clock.now()
        assert subscription_id
        subscription = self._billing.subscription_with_method(subscription_id)
        method = subscription.get("default_payment_method")
        if isinstance(method, dict):
            # Give this event an id of its own. If its object is the same as in an earlier event,
            # the inbox would otherwise drop it as a duplicate.
            name = f"asked:{subscription_id}:method:{method.get('id')}"
            event = as_subscription_event(subscription, now) | {"id": name}
            self._inbox.store_answers(now, event)
            self._settler.settle_due()

    def _pledge(self, gift: Gift) -> Pledge:
        with self._database.reading() as session:
            return read_pledge(session, gift)
