"""A refund desk: what staff need to refund gifts that donors paid at the sandbox."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import select

from donate.clock import Clock, FixedClock
from donate.gifts.models import Gift
from donate.gifts.queries import plain_facts_of
from donate.gifts.refundable import Payment, RefundRequest, payments_of, requests_of
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.models import OpenRefund, RefundReason
from donate.stripe_gateway.requests.refund_requests import RequestedRefund, request_refund
from donate.stripe_gateway.requests.refunds import Refunds
from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import Settler
from tests.real_parts import SECRET_KEY
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.checkouts import checkouts_of, client_of
from tests.stripe_gateway.gifts_and_events import AMOUNT, gift_now, give, settle, settler_of

REFUNDS = "/v1/refunds"
CARD = "4242424242424242"
SLOW_TO_REFUND = "4000000000007726"
# These timeouts are a quarter of production's, and still long enough for a busy machine.
QUICK = {"deadline_s": 2.4, "per_attempt_s": 0.8}

_forms = itertools.count(1)


def stripe_list(sandbox: RunningSandbox, path: str, **params: str) -> list[dict[str, Any]]:
    """Return up to a hundred objects of one of Stripe's lists, the newest first."""
    answer = sandbox.http.get(
        path, params={"limit": "100"} | params, headers={"authorization": f"Bearer {SECRET_KEY}"}
    )
    answer.raise_for_status()
    objects: list[dict[str, Any]] = answer.json()["data"]
    return objects


def deliver_events(database: Database, sandbox: RunningSandbox, clock: Clock) -> None:
    """Store every event that the sandbox lists, and settle them."""
    events = reversed(stripe_list(sandbox, "/v1/events"))
    settle(database, *events, clock=clock)


def pay(
    database: Database,
    sandbox: RunningSandbox,
    client: StripeClient,
    gift: Gift,
    *,
    clock: Clock,
    card: str = CARD,
) -> None:
    """Pay a gift at the sandbox, and settle the sandbox's events."""
    url = checkouts_of(database, client, clock).open_for(gift)
    session_id = url.rpartition("/")[2]
    sandbox.control("POST", "/_sandbox/pay", session=session_id, card=card)
    deliver_events(database, sandbox, clock)


@dataclass
class Desk:
    database: Database
    sandbox: RunningSandbox
    clock: FixedClock
    client: StripeClient
    settler: Settler
    refunds: Refunds

    def paid(self, card: str = CARD) -> Gift:
        """Return a gift of 50 dollars that was paid by card."""
        gift = give(self.database, attempts=0)
        pay(self.database, self.sandbox, self.client, gift, clock=self.clock, card=card)
        assert self.gift(gift).status == "confirmed"
        return gift

    def gift(self, gift: Gift) -> Gift:
        return gift_now(self.database, gift)

    def request(
        self,
        gift: Gift,
        amount_minor: int = AMOUNT,
        form_key: str | None = None,
        reason: RefundReason = RefundReason.REQUESTED_BY_DONOR,
    ) -> OpenRefund | None:
        """Record a request to refund the gift's newest payment, without calling Stripe."""
        with self.database.writing() as session:
            return request_refund(
                session,
                gift.id,
                RequestedRefund(str(self.payments(gift)[0].intent), amount_minor, reason, "a note"),
                form_key=form_key or f"form-{next(_forms)}",
                actor="staff:1",
                now=self.clock.now(),
            )

    def refund(self, gift: Gift, amount_minor: int = AMOUNT) -> RefundRequest:
        """Request a refund at Stripe; return the request with Stripe's answer."""
        request = self.request(gift, amount_minor)
        assert request is not None
        self.refunds.ask_now(request)
        return self.requests(gift)[0]

    def requests(self, gift: Gift) -> list[RefundRequest]:
        with self.database.reading() as session:
            return requests_of(plain_facts_of(session, gift.id))

    def states(self, gift: Gift) -> list[str]:
        return [str(request.state) for request in self.requests(gift)]

    def payments(self, gift: Gift) -> list[Payment]:
        with self.database.reading() as session:
            return payments_of(plain_facts_of(session, gift.id))

    def left(self, gift: Gift) -> int:
        return sum(payment.left_minor for payment in self.payments(gift))

    def rows(self) -> list[OpenRefund]:
        with self.database.reading() as session:
            return list(session.exec(select(OpenRefund)))

    def made(self) -> list[int]:
        """Return the amounts of the refunds at Stripe that did not fail, the newest first."""
        refunds = stripe_list(self.sandbox, REFUNDS)
        return [refund["amount"] for refund in refunds if refund["status"] != "failed"]

    def requests_sent(self, method: str = "POST") -> list[dict[str, Any]]:
        """Return the refund requests that our Stripe client sent, in order."""
        log: list[dict[str, Any]] = self.sandbox.control("GET", "/_sandbox/requests")
        ours = [one for one in log if one["stripe_version"]]
        return [one for one in ours if (one["method"], one["path"]) == (method, REFUNDS)]

    def deliver_events(self) -> None:
        deliver_events(self.database, self.sandbox, self.clock)

    def settle(self) -> None:
        while self.settler.settle_due():
            pass

    def later(self, **delta: float) -> None:
        """Advance the clocks of the service and of the sandbox."""
        self.clock.instant += timedelta(**delta)
        self.sandbox.control("POST", "/_sandbox/clock", now=int(self.clock.instant.timestamp()))

    def trouble(self, kind: str, times: int = 1, method: str = "POST", seconds: float = 1) -> None:
        self.sandbox.control(
            "POST",
            "/_sandbox/trouble",
            path=REFUNDS,
            method=method,
            kind=kind,
            times=times,
            seconds=seconds,
        )


@contextmanager
def a_desk(database: Database, sandbox: RunningSandbox, **more: float) -> Iterator[Desk]:
    clock = FixedClock(datetime.now(UTC))
    client = client_of(sandbox, **(QUICK | more))
    settler = settler_of(database, clock)
    inbox = Inbox(database, on_stored=lambda: None)
    refunds = Refunds(database, client, inbox, settler, clock, livemode=False)
    yield Desk(database, sandbox, clock, client, settler, refunds)
    client.close()
