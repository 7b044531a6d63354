"""A refund in three steps: record the request, call Stripe, settle the answer as an event."""

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import update

from donate.errors import Conflict, NotFound
from donate.gifts.models import Gift
from donate.storage.database import Database
from donate.stripe_gateway.models import OpenRefund, RefundReason
from donate.stripe_gateway.requests.refund_requests import (
    MoreThanIsLeft,
    RequestedRefund,
    request_refund,
)
from tests.real_parts import Postgres
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.gifts_and_events import (
    AMOUNT,
    event,
    facts_now,
    give,
    refund_of,
    session_for,
    settle,
    stored_events,
)
from tests.stripe_gateway.refund_desk import SLOW_TO_REFUND, Desk, a_desk
from tests.waiting import until

MANY = 6
THAT_WAIT = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.fixture
def desk(database: Database, sandbox: RunningSandbox) -> Iterator[Desk]:
    with a_desk(database, sandbox) as desk:
        yield desk


def refund_facts(desk: Desk, gift: Gift) -> list[str]:
    return [kind for kind, _ in facts_now(desk.database, gift) if kind.startswith("refund")]


def test_the_request_describes_the_refund(desk: Desk) -> None:
    """The request to Stripe has the payment, amount, reason, metadata and idempotency key."""
    gift = desk.paid()
    assert desk.refund(gift).state == "succeeded"
    (request,) = desk.requests_sent()
    key = f"{gift.id}:refund:1"
    assert request["idempotency_key"] == f"donate-{key}"
    assert request["parameters"] == {
        "payment_intent": desk.payments(gift)[0].intent,
        "amount": str(AMOUNT),
        "reason": "requested_by_customer",
        "metadata": {"gift_id": str(gift.id), "request": key},
    }
    now = desk.gift(gift)
    assert (now.status, now.returned_minor, now.net_minor) == ("refunded", AMOUNT, 0)
    assert refund_facts(desk, gift) == ["refund_requested", "refund_succeeded"]
    desk.deliver_events()
    assert refund_facts(desk, gift) == ["refund_requested", "refund_succeeded"]
    assert {row.state for row in stored_events(desk.database)} <= {"settled", "ignored"}


def test_an_unsent_request_reserves_its_money(desk: Desk) -> None:
    """A request that was not sent yet reserves its money, and the gift's status is unchanged."""
    gift = desk.paid()
    desk.request(gift, 2_000)
    now = desk.gift(gift)
    assert (now.status, now.returned_minor, now.net_minor) == ("confirmed", 0, AMOUNT)
    assert (desk.left(gift), desk.states(gift), desk.requests_sent()) == (3_000, ["waiting"], [])


def test_partial_refunds_add_up(desk: Desk) -> None:
    """Partial refunds can add up to the payment, and to no more."""
    gift = desk.paid()
    for number, left in enumerate((3_500, 2_000, 500), start=1):
        assert desk.refund(gift, 1_500).state == "succeeded"
        assert (desk.gift(gift).status, desk.left(gift)) == ("partly_refunded", left)
        assert desk.requests(gift)[0].fact.source_id == f"{gift.id}:refund:{number}"
    with pytest.raises(MoreThanIsLeft) as too_far:
        desk.request(gift, 501)
    assert too_far.value.left.amount_minor == 500
    desk.refund(gift, 500)
    assert (desk.gift(gift).status, desk.left(gift)) == ("refunded", 0)
    assert desk.made() == [500, 1_500, 1_500, 1_500]


def run_together(requests: list[Callable[[], OpenRefund | None]]) -> list[object]:
    """Call all functions at the same moment, and return their results or Conflict errors."""
    start = threading.Barrier(len(requests))

    def run(one: Callable[[], OpenRefund | None]) -> object:
        start.wait()
        try:
            return one()
        except Conflict as conflict:
            return conflict

    with ThreadPoolExecutor(len(requests)) as threads:
        return list(threads.map(run, requests))


def test_two_clerks_cannot_send_back_the_same_money(desk: Desk) -> None:
    """If several staff request 30 of 50 dollars at the same moment, only one request succeeds."""
    gift = desk.paid()
    outcomes = run_together([lambda: desk.request(gift, 3_000)] * MANY)
    assert sum(isinstance(end, OpenRefund) for end in outcomes) == 1
    assert sum(isinstance(end, MoreThanIsLeft) for end in outcomes) == MANY - 1
    assert desk.left(gift) == 2_000


def test_requests_wait_for_the_lock_of_the_gift(
    postgres: Postgres, sandbox: RunningSandbox
) -> None:
    """Requests that wait for the gift's lock are checked one after the other."""
    url = postgres.fresh_url()
    database = Database(url)
    with (
        a_desk(database, sandbox) as desk,
        psycopg.connect(url) as other,
        psycopg.connect(url, autocommit=True) as watcher,
        ThreadPoolExecutor(1) as pool,
    ):
        gift = desk.paid()
        other.execute("SELECT id FROM gift FOR UPDATE")
        outcomes = pool.submit(run_together, [lambda: desk.request(gift, 3_000)] * 2)
        until(lambda: watcher.execute(THAT_WAIT).fetchone() == (2,))
        other.rollback()
        results = sorted(type(end).__name__ for end in outcomes.result(20))
        assert (results, desk.left(gift)) == (["MoreThanIsLeft", "OpenRefund"], 2_000)
    database.close()


def test_one_form_is_one_refund(desk: Desk) -> None:
    """A form that is sent many times at the same moment makes one refund request."""
    gift = desk.paid()
    outcomes = run_together([lambda: desk.request(gift, 1_000, form_key="the form")] * MANY)
    assert sum(end is None for end in outcomes) == MANY - 1
    assert (desk.left(gift), desk.states(gift)) == (4_000, ["waiting"])
    with pytest.raises(Conflict, match="already sent with other values"):
        desk.request(gift, 1_001, form_key="the form")


@pytest.mark.parametrize(
    ("end", "status", "left"), [("succeeded", "refunded", 0), ("failed", "confirmed", AMOUNT)]
)
def test_a_slow_refund_ends_as_the_bank_says(desk: Desk, end: str, status: str, left: int) -> None:
    """A pending refund reserves its money, which is free again if the bank fails the refund."""
    gift = desk.paid(card=SLOW_TO_REFUND)
    assert desk.refund(gift).state == "started"
    assert (desk.gift(gift).status, desk.left(gift)) == ("confirmed", 0)
    refund_id = dict(facts_now(desk.database, gift))["refund_started"]
    desk.sandbox.control("POST", f"/_sandbox/refund/{refund_id}", status=end)
    desk.deliver_events()
    assert (desk.states(gift), desk.gift(gift).status) == ([end], status)
    assert desk.left(gift) == left


def test_a_refund_that_comes_back_can_be_made_again(desk: Desk) -> None:
    """If the donor's bank sends a refund back to us, staff can request it again."""
    gift = desk.paid()
    desk.refund(gift)
    refund_id = dict(facts_now(desk.database, gift))["refund_succeeded"]
    desk.sandbox.control("POST", f"/_sandbox/refund/{refund_id}", status="failed")
    desk.deliver_events()
    assert (desk.gift(gift).status, desk.states(gift)) == ("confirmed", ["failed"])
    assert desk.refund(gift).state == "succeeded"
    assert (desk.gift(gift).status, desk.made()) == ("refunded", [AMOUNT])


def test_a_refusal_is_recorded_and_frees_the_money(desk: Desk) -> None:
    """A refused refund is a fact with Stripe's code, and its money is no longer reserved."""
    gift = desk.paid()
    intent = desk.payments(gift)[0].intent
    desk.sandbox.control("POST", "/_sandbox/refund", payment_intent=intent, amount=4_000)
    too_much = desk.refund(gift, 2_000)  # the service does not know of the 40 dollars refunded
    assert (too_much.state, too_much.code) == ("refused", "amount")
    assert refund_facts(desk, gift) == ["refund_refused", "refund_requested"]
    assert desk.left(gift) == AMOUNT
    desk.later(days=2)
    assert (desk.refunds.ask_due(), len(desk.requests_sent())) == (0, 1)
    desk.deliver_events()
    assert desk.left(gift) == 1_000
    assert desk.refund(gift, 1_000).state == "succeeded"
    assert (desk.gift(gift).status, desk.gift(gift).flags) == ("refunded", "")


def test_an_unknown_refund_or_dispute_refuses_the_request(desk: Desk) -> None:
    """Stripe refuses to refund a payment that was refunded or disputed without our knowledge."""
    for lever, code in (("refund", "charge_already_refunded"), ("dispute", "charge_disputed")):
        gift = desk.paid()
        intent = desk.payments(gift)[0].intent
        desk.sandbox.control("POST", f"/_sandbox/{lever}", payment_intent=intent)
        refused = desk.refund(gift, 100)
        assert (refused.state, refused.code) == ("refused", code)


def test_disputed_money_cannot_be_refunded(desk: Desk) -> None:
    """The money of an open or lost dispute cannot be refunded; that of a won one can."""
    for outcome, left in (("won", AMOUNT), ("lost", 0)):
        gift = desk.paid()
        intent = desk.payments(gift)[0].intent
        opened = desk.sandbox.control("POST", "/_sandbox/dispute", payment_intent=intent)
        desk.deliver_events()
        with pytest.raises(Conflict, match="has the money"):
            desk.request(gift, 1)
        dispute_id = opened["dispute"]["id"]
        desk.sandbox.control("POST", f"/_sandbox/dispute/{dispute_id}", outcome=outcome)
        desk.deliver_events()
        assert desk.left(gift) == left


def test_each_payment_of_a_gift_is_refunded_separately(desk: Desk) -> None:
    """If a gift was paid twice, each payment has its own amount that can be refunded."""
    gift = give(desk.database, attempts=2)
    for number in (1, 2):
        paid = session_for(gift, id=f"cs_{number}", payment_intent=f"pi_twice_{number}")
        about = paid | {"metadata": paid["metadata"] | {"attempt": str(number)}}
        completed = event("checkout.session.completed", about, created=1_772_000_000 + number)
        settle(desk.database, completed)
    assert desk.gift(gift).flags == "amount_differs,paid_more_than_once"
    desk.request(gift, AMOUNT)
    assert {p.intent: p.left_minor for p in desk.payments(gift)} == {
        "pi_twice_1": AMOUNT,
        "pi_twice_2": 0,
    }
    with pytest.raises(Conflict, match="no such payment"), desk.database.writing() as session:
        request_refund(
            session,
            gift.id,
            RequestedRefund("pi_of_another", 1, RefundReason.DUPLICATE, ""),
            form_key="x",
            actor="staff:1",
            now=desk.clock.now(),
        )


def test_an_unknown_gift_cannot_be_refunded(desk: Desk) -> None:
    """A refund request for a gift that does not exist is an error, and is not recorded."""
    with pytest.raises(NotFound), desk.database.writing() as session:
        request_refund(
            session,
            uuid.uuid4(),
            RequestedRefund("pi_1", 1, RefundReason.DUPLICATE, ""),
            form_key="x",
            actor="staff:1",
            now=desk.clock.now(),
        )
    assert desk.rows() == []


def test_a_completed_refund_is_not_sent_again(desk: Desk) -> None:
    """A refund that succeeded is not sent again, even if its queue entry is due."""
    gift = desk.paid()
    desk.refund(gift)
    with desk.database.writing() as session:
        session.execute(update(OpenRefund).values(ask_at=desk.clock.now()))
    assert (desk.refunds.ask_due(), len(desk.requests_sent())) == (0, 1)
    assert [row.ask_at for row in desk.rows()] == [None]


def test_a_refusal_of_what_was_made_is_not_recorded(desk: Desk) -> None:
    """If Stripe has made a refund, a later refusal of the same request is not recorded."""
    gift = desk.paid()
    request = desk.request(gift)
    assert request is not None
    refund = refund_of(request.payment, AMOUNT, metadata={"request": request.key})
    settle(desk.database, event("refund.created", refund), clock=desk.clock)
    desk.trouble("400")
    desk.refunds.ask_now(request)
    assert refund_facts(desk, gift) == ["refund_requested", "refund_succeeded"]
    assert desk.states(gift) == ["succeeded"]
