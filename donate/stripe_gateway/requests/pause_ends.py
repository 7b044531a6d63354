"""Asks Stripe about pledges whose pause should have ended, so that pages show them as running.

Stripe's documents do not say whether a subscription sends an event when `resumes_at` has passed:
https://docs.stripe.com/billing/subscriptions/pause-payment
"""

import logging
import uuid
from datetime import datetime, timedelta
from typing import Final

from donate.clock import Clock
from donate.errors import DonateError
from donate.gifts.models import Gift
from donate.gifts.monthly.pledge_state import Pledge, PledgeState, pledge_of
from donate.gifts.monthly.queries import pauses_to_end
from donate.gifts.queries import plain_facts_of
from donate.storage.database import Database
from donate.stripe_gateway.events.synthetic import as_subscription_event
from donate.stripe_gateway.requests.billing import Billing
from donate.stripe_gateway.retry_loop import AT_A_TIME
from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import Settler

log = logging.getLogger(__name__)

# Ask about a pledge again after this time, if Stripe did not answer or said that the pledge is
# still paused.
_ASK_AGAIN_AFTER: Final = timedelta(hours=1)


class PauseEnds:
    """A background job that reads the subscriptions whose pause should have ended."""

    def __init__(
        self, database: Database, billing: Billing, inbox: Inbox, settler: Settler, clock: Clock
    ) -> None:
        self._database = database
        self._billing = billing
        self._inbox = inbox
        self._settler = settler
        self._clock = clock
        self._ask_after: dict[uuid.UUID, datetime] = {}

    def ask_due(self) -> int:
        """Ask about a few pledges whose pause should be over; return the number of answers."""
        now = self._clock.now()
        self._ask_after = {each: at for each, at in self._ask_after.items() if at > now}
        with self._database.reading() as session:
            # A region's date can be one day ahead of the date in UTC.
            day = (now + timedelta(days=1)).date()
            ids = pauses_to_end(session, day, leave_out=self._ask_after.keys(), most=AT_A_TIME)
            firsts = [session.get_one(Gift, each) for each in ids]
            pledges = {
                gift.id: pledge_of(plain_facts_of(session, gift.id), gift.amount) for gift in firsts
            }
        answered = 0
        for gift_id, pledge in pledges.items():
            due = pledge.state is PledgeState.PAUSED and pledge.resumes_at
            if not due or due > now:
                self._ask_after[gift_id] = due or now + _ASK_AGAIN_AFTER
                continue
            self._ask_after[gift_id] = now + _ASK_AGAIN_AFTER
            answered += self._ask(pledge, now)
        return answered

    def _ask(self, pledge: Pledge, now: datetime) -> bool:
        assert pledge.subscription
        assert pledge.resumes_at
        try:
            subscription = self._billing.subscription(pledge.subscription)
        except DonateError as error:
            log.warning("no answer yet about the end of a pause: %s", type(error).__name__)
            return False
        event = as_subscription_event(subscription, now)
        # Derive the event's id from the end of the pause. Stripe's object may be unchanged since an
        # earlier event. An id that is derived from the object would then be the id of the earlier
        # event, and the inbox would drop this event as a duplicate.
        name = f"asked:{pledge.subscription}:resumed:{int(pledge.resumes_at.timestamp())}"
        self._inbox.store_answers(now, event | {"id": name})
        self._settler.settle_due()
        return True
