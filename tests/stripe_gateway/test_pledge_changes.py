"""A donor changes a pledge while Stripe refuses, is slow, or does not answer."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from donate.clock import FixedClock
from donate.errors import Conflict, StripeRefused
from donate.gifts.models import Gift
from donate.gifts.monthly.pledge_state import PledgeState
from donate.money import Money
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.models import PledgeAction
from donate.stripe_gateway.requests.billing import Billing
from donate.stripe_gateway.requests.pledge_changes import PledgeChanges
from donate.stripe_gateway.requests.pledge_requests import (
    MOST_CHANGES,
    DonorChange,
    request_change,
)
from donate.stripe_gateway.webhooks.inbox import Inbox
from tests.links import links_at
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.checkouts import client_of
from tests.stripe_gateway.gifts_and_events import facts_now, give, settler_of
from tests.stripe_gateway.refund_desk import CARD, QUICK, pay, stripe_list


@dataclass
class PledgeWorld:
    """A sandbox, the service, and a pledge whose first month is paid."""

    database: Database
    sandbox: RunningSandbox
    clock: FixedClock
    pledges: PledgeChanges
    gift: Gift

    @property
    def state(self) -> PledgeState:
        return self.pledges.pledge(self.gift).state

    def later(self, **delta: float) -> None:
        self.clock.instant += timedelta(**delta)

    def trouble(self, kind: str, times: int = 1, path: str = "") -> None:
        lever: Any = {"path": path or self.path, "kind": kind, "times": times, "seconds": 3}
        self.sandbox.control("POST", "/_sandbox/trouble", method="POST", **lever)

    @property
    def path(self) -> str:
        return f"/v1/subscriptions/{self.pledges.pledge(self.gift).subscription}"

    def at_stripe(self) -> dict[str, Any]:
        (subscription,) = stripe_list(self.sandbox, "/v1/subscriptions", status="all")
        return subscription

    def price(self) -> dict[str, Any]:
        price: dict[str, Any] = self.at_stripe()["items"]["data"][0]["price"]
        return price

    def sent(self, path: str) -> list[dict[str, Any]]:
        """Return the sandbox's requests to this path except GET requests, in order."""
        log: list[dict[str, Any]] = self.sandbox.control("GET", "/_sandbox/requests")
        return [one for one in log if one["path"] == path and one["method"] != "GET"]

    def keys(self) -> list[str]:
        """Return the idempotency keys of the requests that changed the subscription, in order."""
        return [one["idempotency_key"] for one in self.sent(self.path)]


@contextmanager
def open_promise(database: Database, sandbox: RunningSandbox) -> Iterator[PledgeWorld]:
    clock = FixedClock(datetime.now(UTC))
    client: StripeClient = client_of(sandbox, **QUICK)
    settler = settler_of(database, clock)
    inbox = Inbox(database, on_stored=lambda: None)
    pledges = PledgeChanges(
        database, Billing(client), inbox, settler, clock, links=links_at("https://give.example.org")
    )
    gift = give(database, attempts=0, frequency="monthly")
    pay(database, sandbox, client, gift, clock=clock, card=CARD)
    clock.instant += timedelta(minutes=1)
    yield PledgeWorld(database, sandbox, clock, pledges, gift)
    client.close()


@pytest.fixture
def promise(database: Database, sandbox: RunningSandbox) -> Iterator[PledgeWorld]:
    with open_promise(database, sandbox) as promise:
        yield promise


@pytest.mark.parametrize("kind", ["500", "reset_before", "reset_after", "429", "hang"])
def test_an_unanswered_change_is_repeated_by_the_worker(promise: PledgeWorld, kind: str) -> None:
    """If Stripe does not answer, the worker repeats the change until it is done."""
    promise.trouble(kind, times=2)
    assert promise.pledges.change(promise.gift, DonorChange(PledgeAction.PAUSE)) is False
    assert promise.pledges.is_open(promise.gift)
    promise.sandbox.control("DELETE", "/_sandbox/trouble")
    assert promise.pledges.ask_due() == 0
    promise.later(minutes=1)
    assert promise.pledges.ask_due() == 1
    assert promise.state is PledgeState.PAUSED
    assert promise.at_stripe()["pause_collection"]["behavior"] == "void"
    assert not promise.pledges.is_open(promise.gift)
    key = f"donate-{promise.gift.id}:change:1"
    assert set(promise.keys()) == {f"{key}:1", f"{key}:2"}
    promise.later(days=1)
    assert promise.pledges.ask_due() == 0


def test_a_later_change_replaces_an_unanswered_one(promise: PledgeWorld) -> None:
    """A pause that Stripe did not answer is not sent again after the donor ended the pledge."""
    promise.trouble("500", times=2)
    promise.pledges.change(promise.gift, DonorChange(PledgeAction.PAUSE))
    promise.sandbox.control("DELETE", "/_sandbox/trouble")
    assert promise.pledges.change(promise.gift, DonorChange(PledgeAction.CANCEL)) is True
    promise.later(hours=1)
    assert promise.pledges.ask_due() == 0
    assert promise.state is PledgeState.ENDED
    assert promise.at_stripe()["status"] == "canceled"


def test_a_refusal_is_a_fact_and_nothing_changes(promise: PledgeWorld) -> None:
    """If Stripe refuses a change, the refusal is a fact, and the pledge stays as it was."""
    promise.trouble("400")
    with pytest.raises(StripeRefused):
        promise.pledges.change(promise.gift, DonorChange(PledgeAction.AMOUNT, Money(7_550, "CAD")))
    refused = ("pledge_change_refused", f"{promise.gift.id}:change:1")
    assert refused in facts_now(promise.database, promise.gift)
    assert not promise.pledges.is_open(promise.gift)
    assert promise.pledges.pledge(promise.gift).each_month == Money(5_000, "CAD")


def test_changes_of_the_amount_share_a_product(promise: PledgeWorld) -> None:
    """The first change of the amount creates a product at Stripe, and later ones use it."""
    for amount in (7_550, 8_000, 9_000):
        assert (
            promise.pledges.change(
                promise.gift, DonorChange(PledgeAction.AMOUNT, Money(amount, "CAD"))
            )
            is True
        )
        assert promise.price()["unit_amount"] == amount
    assert promise.pledges.pledge(promise.gift).each_month == Money(9_000, "CAD")
    (product_request,) = promise.sent("/v1/products")
    assert product_request["parameters"]["name"] == f"Gift {promise.gift.reference}"
    assert product_request["idempotency_key"] == f"donate-{promise.gift.id}:change:1:1:product"


@pytest.mark.parametrize("kind", ["500", "reset_before", "reset_after", "429"])
@pytest.mark.parametrize("path", ["/v1/products", "subscription"])
def test_a_change_of_amount_is_carried_out_in_the_end(
    promise: PledgeWorld, path: str, kind: str
) -> None:
    """A change of the amount takes two requests; whichever fails, a retry completes it."""
    promise.trouble(kind, times=3, path=promise.path if path == "subscription" else path)
    promise.pledges.change(promise.gift, DonorChange(PledgeAction.AMOUNT, Money(7_550, "CAD")))
    promise.sandbox.control("DELETE", "/_sandbox/trouble")
    promise.later(minutes=1)
    promise.pledges.ask_due()
    assert promise.price()["unit_amount"] == 7_550
    assert promise.pledges.pledge(promise.gift).each_month == Money(7_550, "CAD")
    assert not promise.pledges.is_open(promise.gift)


def test_ending_a_pledge_that_stripe_has_ended(promise: PledgeWorld) -> None:
    """A donor can end a pledge that was already ended at Stripe; it is then recorded as ended."""
    subscription = promise.pledges.pledge(promise.gift).subscription
    promise.sandbox.control("POST", f"/_sandbox/subscriptions/{subscription}/cancel")
    assert promise.pledges.change(promise.gift, DonorChange(PledgeAction.CANCEL)) is True
    assert promise.state is PledgeState.ENDED
    with pytest.raises(Conflict, match="can’t be changed"):
        promise.pledges.change(promise.gift, DonorChange(PledgeAction.PAUSE))


def test_a_change_survives_a_refused_key(promise: PledgeWorld) -> None:
    """A change that Stripe refuses because of our API key is made once the key is accepted."""
    promise.trouble("401")
    assert promise.pledges.change(promise.gift, DonorChange(PledgeAction.CANCEL)) in (True, False)
    promise.later(minutes=1)
    promise.pledges.ask_due()
    assert promise.state is PledgeState.ENDED


def test_two_workers_make_a_change_once(promise: PledgeWorld) -> None:
    """Two workers that handle the same change at once send one request."""
    with promise.database.writing() as session:
        request_change(
            session, promise.gift.id, DonorChange(PledgeAction.PAUSE), now=promise.clock.now()
        )
    promise.later(minutes=1)
    with ThreadPoolExecutor(2) as workers:
        counts = list(workers.map(lambda _: promise.pledges.ask_due(), range(2)))
    assert sum(counts) == 1
    assert promise.state is PledgeState.PAUSED


def test_the_number_of_changes_is_limited(promise: PledgeWorld) -> None:
    """A pledge that was changed too many times cannot be changed again."""
    with promise.database.writing() as session:
        for _ in range(MOST_CHANGES):
            request_change(
                session, promise.gift.id, DonorChange(PledgeAction.PAUSE), now=promise.clock.now()
            )
    with pytest.raises(Conflict, match="too many times"):
        promise.pledges.change(promise.gift, DonorChange(PledgeAction.PAUSE))


def test_a_gift_that_is_no_pledge_has_nothing_to_change(database: Database) -> None:
    """A single gift, or a monthly one without a payment, has no pledge to change."""
    for frequency in ("once", "monthly"):
        gift = give(database, frequency=frequency)
        with database.writing() as session, pytest.raises(Conflict, match="hasn’t started"):
            request_change(session, gift.id, DonorChange(PledgeAction.PAUSE), now=datetime.now(UTC))
