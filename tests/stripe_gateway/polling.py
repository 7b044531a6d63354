"""A service that polls the checkout sessions of its gifts at a sandbox."""

from dataclasses import dataclass
from datetime import timedelta

from donate.clock import FixedClock
from donate.gifts.models import Gift
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.models import Asker
from donate.stripe_gateway.requests.checkout_polling import CheckoutPoller
from donate.stripe_gateway.turns import Turns
from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import Settler
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.checkouts import checkouts_of
from tests.stripe_gateway.gifts_and_events import gift_now, give


def poller_of(
    database: Database, client: StripeClient, inbox: Inbox, settler: Settler, clock: FixedClock
) -> CheckoutPoller:
    turns = Turns(database, Asker.DONORS)
    return CheckoutPoller(database, client, inbox, settler, clock, turns=turns)


@dataclass
class World:
    database: Database
    sandbox: RunningSandbox
    clock: FixedClock
    client: StripeClient
    settler: Settler
    poller: CheckoutPoller

    def opened(self, mode: str = "card") -> tuple[Gift, str]:
        """Open a gift and its checkout session; return the gift and the session's id."""
        gift = give(self.database, attempts=0, mode=mode)
        url = checkouts_of(self.database, self.client, self.clock).open_for(gift)
        return gift, url.rpartition("/")[2]

    def paid(self) -> Gift:
        gift, session_id = self.opened()
        self.sandbox.pay(session_id)
        return gift

    def later(self, **delta: int) -> None:
        self.clock.instant += timedelta(**delta)

    def settle(self) -> None:
        while self.settler.settle_due():
            pass

    def calls(self) -> int:
        log = self.sandbox.control("GET", "/_sandbox/requests")
        return sum(request["method"] == "GET" for request in log)

    def status(self, gift: Gift) -> str:
        return gift_now(self.database, gift).status
