"""Refunds and disputes about payments that another shop took at the same Stripe account."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from donate.clock import FixedClock
from donate.gifts.models import Gift
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.models import EventState, StripeEvent, UnknownPayment
from donate.stripe_gateway.webhooks.unknown_payments import (
    ASK_AGAIN_AFTER,
    FIRST_ASK,
    UnknownPayments,
)
from tests.real_parts import SECRET_KEY
from tests.sandbox.running import SESSION, RunningSandbox, monthly_of
from tests.stripe_gateway.checkouts import checkouts_of, client_of
from tests.stripe_gateway.gifts_and_events import gift_now, give, settle, settler_of
from tests.stripe_gateway.refund_desk import stripe_list

# Events of these types name a payment; which gift it paid is known from another event.
RETURN_TYPES = ("refund.created", "charge.dispute.created", "invoice_payment.paid")


@dataclass
class World:
    database: Database
    sandbox: RunningSandbox
    clock: FixedClock
    client: StripeClient
    unknown: UnknownPayments

    def other_shop_session(self, session: dict[str, Any]) -> dict[str, Any]:
        """Pay and return a session that another shop opened at the same account."""
        form = dict(_flat(session))
        headers = {"authorization": f"Bearer {SECRET_KEY}"}
        opened = self.sandbox.http.post("/v1/checkout/sessions", data=form, headers=headers)
        opened.raise_for_status()
        paid: dict[str, Any] = self.sandbox.pay(opened.json()["id"])["session"]
        return paid

    def paid_gift(self) -> tuple[Gift, str]:
        """Pay a gift without settling its events; return the gift and its payment intent."""
        gift = give(self.database, attempts=0)
        url = checkouts_of(self.database, self.client, self.clock).open_for(gift)
        session = self.sandbox.pay(url.rpartition("/")[2])["session"]
        return gift, session["payment_intent"]

    def deliver(self, *kinds: str) -> None:
        """Settle the sandbox's events of these types."""
        events = reversed(stripe_list(self.sandbox, "/v1/events"))
        settle(self.database, *(e for e in events if e["type"].startswith(kinds)), clock=self.clock)

    def later(self, delta: timedelta) -> None:
        """Advance the clock, do the worker's lookups of unknown payments, and settle due events."""
        self.clock.instant += delta
        self.unknown.ask_due()
        settler = settler_of(self.database, self.clock)
        while settler.settle_due():
            pass

    def states(self) -> set[str]:
        with self.database.reading() as session:
            return {row.state for row in session.exec(select(StripeEvent))}

    def calls(self) -> list[str]:
        log = self.sandbox.control("GET", "/_sandbox/requests")
        ours = [one for one in log if one["stripe_version"] and one["method"] == "GET"]
        return [one["path"] for one in ours]

    def trouble(self, kind: str, times: int, path: str = "/v1/payment_intents/*") -> None:
        lever = {"path": path, "method": "GET", "kind": kind, "times": times, "seconds": 1}
        self.sandbox.control("POST", "/_sandbox/trouble", **lever)


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        path = f"{name}[{key}]" if name else str(key)
        if isinstance(inner, dict | list):
            yield from _flat(inner, path)
        else:
            yield path, str(inner)


@contextmanager
def _world(database: Database, sandbox: RunningSandbox) -> Iterator[World]:
    clock = FixedClock(datetime.now(UTC))
    client = client_of(sandbox, deadline_s=3.0, per_attempt_s=0.8)
    yield World(database, sandbox, clock, client, UnknownPayments(database, client, clock))
    client.close()


@pytest.fixture
def world(database: Database, sandbox: RunningSandbox) -> Iterator[World]:
    with _world(database, sandbox) as world:
        yield world


def test_another_shops_refund_and_dispute_are_ignored_within_minutes(world: World) -> None:
    """An event about an unknown payment is ignored once Stripe shows that it is another shop's."""
    for _ in range(2):
        intent = world.other_shop_session(SESSION)["payment_intent"]
        world.sandbox.control("POST", "/_sandbox/refund", payment_intent=intent, amount=300)
        world.sandbox.control("POST", "/_sandbox/dispute", payment_intent=intent)
    world.deliver(*RETURN_TYPES)
    assert world.states() == {EventState.WAITING}
    world.later(FIRST_ASK - timedelta(seconds=1))
    assert world.calls() == []
    world.later(timedelta(seconds=1))
    assert world.states() == {EventState.IGNORED}
    assert len(world.calls()) == 4  # Stripe is called once for each payment, not for each event
    dispute = stripe_list(world.sandbox, "/v1/disputes")[0]["id"]
    world.sandbox.control("POST", f"/_sandbox/dispute/{dispute}", outcome="lost")
    world.deliver("charge.dispute.closed")
    assert world.states() == {EventState.IGNORED}
    assert len(world.calls()) == 4


def test_the_invoices_of_another_shop_are_ignored(world: World) -> None:
    """The invoice, refund and dispute of another shop's subscription are ignored."""
    session = world.other_shop_session(monthly_of(2_000))
    (payment,) = stripe_list(world.sandbox, "/v1/invoice_payments")
    intent = payment["payment"]["payment_intent"]
    assert session["payment_intent"] is None
    world.sandbox.control("POST", "/_sandbox/refund", payment_intent=intent)
    world.deliver(*RETURN_TYPES)
    world.later(FIRST_ASK)
    assert world.states() == {EventState.IGNORED}


def test_our_refund_waits_for_its_payment(world: World) -> None:
    """A refund or dispute of a gift of ours waits until the payment's event arrives."""
    gift, intent = world.paid_gift()
    world.sandbox.control("POST", "/_sandbox/refund", payment_intent=intent, amount=1_000)
    world.sandbox.control("POST", "/_sandbox/dispute", payment_intent=intent)
    world.deliver(*RETURN_TYPES)
    world.later(FIRST_ASK)
    assert world.calls() == [f"/v1/payment_intents/{intent}"]
    assert world.states() == {EventState.WAITING}
    world.deliver("checkout.session.completed")
    assert world.states() == {EventState.SETTLED}
    assert gift_now(world.database, gift).status == "disputed"


def test_a_month_of_ours_is_never_taken_for_another_shops(world: World) -> None:
    """A month's payment without our metadata is ours if its subscription has our metadata."""
    gift = give(world.database, attempts=0, frequency="monthly")
    url = checkouts_of(world.database, world.client, world.clock).open_for(gift)
    session = world.sandbox.pay(url.rpartition("/")[2])["session"]
    world.sandbox.renew(session["subscription"])
    for payment in stripe_list(world.sandbox, "/v1/invoice_payments"):
        intent = payment["payment"]["payment_intent"]
        world.sandbox.control("POST", "/_sandbox/refund", payment_intent=intent)
    world.deliver(*RETURN_TYPES)
    world.later(FIRST_ASK)
    assert world.states() == {EventState.WAITING}
    with world.database.reading() as session_:
        assert not any(row.is_foreign for row in session_.exec(select(UnknownPayment)))
    world.deliver("checkout.session.completed", "invoice.paid")
    world.later(timedelta(0))
    assert world.states() == {EventState.SETTLED}
    assert gift_now(world.database, gift).status == "refunded"


@pytest.mark.parametrize("kind", ["500", "401", "400", "reset_before", "list_200", "html_200"])
def test_events_wait_while_stripe_does_not_answer(world: World, kind: str) -> None:
    """While Stripe gives no usable answer about a payment, its events wait for the next lookup."""
    intent = world.other_shop_session(SESSION)["payment_intent"]
    world.sandbox.control("POST", "/_sandbox/refund", payment_intent=intent)
    world.deliver(*RETURN_TYPES)
    world.trouble(kind, times=2)
    world.later(FIRST_ASK)
    assert world.states() == {EventState.WAITING}
    world.sandbox.control("DELETE", "/_sandbox/trouble")
    world.later(ASK_AGAIN_AFTER.pauses[0])
    assert world.states() == {EventState.IGNORED}


def test_a_new_event_starts_the_lookups_again(world: World) -> None:
    """After the last failed lookup of a payment, a new event about it starts the lookups again."""
    intent = world.other_shop_session(SESSION)["payment_intent"]
    world.sandbox.control("POST", "/_sandbox/refund", payment_intent=intent)
    world.deliver("refund.created")
    world.trouble("401", times=1 + len(ASK_AGAIN_AFTER.pauses))
    for pause in (FIRST_ASK, *ASK_AGAIN_AFTER.pauses):
        world.later(pause)
    assert world.states() == {EventState.WAITING}
    world.deliver("refund.updated", "charge.refund.updated")
    for pause in (timedelta(days=2), FIRST_ASK, FIRST_ASK):
        world.later(pause)
    assert world.states() == {EventState.IGNORED}


def test_a_payment_that_stripe_does_not_know_waits_for_staff(world: World) -> None:
    """A refund of a payment that Stripe does not know is never ignored; staff decide."""
    session = world.other_shop_session(SESSION)
    world.sandbox.control("POST", "/_sandbox/refund", payment_intent=session["payment_intent"])
    (refund,) = (
        e for e in stripe_list(world.sandbox, "/v1/events") if e["type"] == "refund.created"
    )
    refund["data"]["object"]["payment_intent"] = "pi_3NobodyKnowsThisOne"
    settle(world.database, refund, clock=world.clock)
    for pause in (FIRST_ASK, *ASK_AGAIN_AFTER.pauses, timedelta(days=3), timedelta(days=3)):
        world.later(pause)
    assert len(world.calls()) == 1 + len(ASK_AGAIN_AFTER.pauses)
    assert world.states() <= {EventState.WAITING, EventState.SET_ASIDE}


def test_a_refund_that_we_requested_needs_no_lookup(world: World) -> None:
    """A refund that names a refund request of ours needs no lookup of its payment."""
    session = world.other_shop_session(SESSION)
    world.sandbox.control("POST", "/_sandbox/refund", payment_intent=session["payment_intent"])
    (refund,) = (
        e for e in stripe_list(world.sandbox, "/v1/events") if e["type"] == "refund.created"
    )
    refund["data"]["object"]["metadata"] = {"request": "some-gift:refund:1"}
    settle(world.database, refund, clock=world.clock)
    world.later(FIRST_ASK)
    assert world.calls() == []
    assert world.states() == {EventState.WAITING}
