"""A refund request with an unknown outcome is repeated, and makes exactly one refund."""

import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, get_args

import pytest

from donate.gifts.models import Gift
from donate.sandbox.requests.trouble import DoneAndSpoiled, NotDone
from donate.storage.database import Database
from donate.stripe_gateway.requests.refund_requests import ASK_AGAIN_AFTER
from tests.real_parts import Sqlite
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.gifts_and_events import AMOUNT, facts_now
from tests.stripe_gateway.refund_desk import Desk, a_desk

if TYPE_CHECKING:
    from stripe.params import RefundCreateParams

HANG_S = 2.8
REFUSED = {"400": "mode", "401": "key_refused"}
# These faults only spoil the URL in Stripe's answer, and a refund has no URL.
HARMLESS = ("no_url", "other_host")


@pytest.fixture
def desk(database: Database, sandbox: RunningSandbox) -> Iterator[Desk]:
    with a_desk(database, sandbox) as desk:
        yield desk


@pytest.fixture
def desk_on_sqlite(sqlite: Sqlite, sandbox: RunningSandbox) -> Iterator[Desk]:
    """A `Desk`, which refunds gifts, on SQLite, for tests that need no PostgreSQL."""
    database = Database(sqlite.fresh_url())
    with a_desk(database, sandbox) as desk:
        yield desk
    database.close()


@pytest.mark.parametrize("kind", get_args(NotDone) + get_args(DoneAndSpoiled))
def test_whatever_stripe_does_it_is_one_refund(desk_on_sqlite: Desk, kind: str) -> None:
    """Whatever goes wrong at Stripe, a refund request is refused or makes exactly one refund."""
    refund_with_trouble(desk_on_sqlite, kind)


@pytest.mark.parametrize("kind", ["500", "hang", "reset_after"])
def test_on_each_database_it_is_one_refund(desk: Desk, kind: str) -> None:
    """On either database, a request that Stripe did not answer makes exactly one refund."""
    refund_with_trouble(desk, kind)


def refund_with_trouble(desk: Desk, kind: str) -> None:
    """Request a refund while two of Stripe's answers are faulty, and check the outcome.

    The request is refused, or makes exactly one refund.
    """
    gift = desk.paid()
    desk.trouble(kind, times=2, seconds=HANG_S)
    first = desk.refund(gift, 2_000)
    assert (first.state, first.code) == (
        ("refused", REFUSED[kind])
        if kind in REFUSED
        else ("succeeded" if kind in HARMLESS else "waiting", "")
    )
    desk.sandbox.control("DELETE", "/_sandbox/trouble")
    if kind == "hang":
        time.sleep(HANG_S)
    desk.later(minutes=15)
    desk.refunds.ask_due()
    desk.settle()
    desk.deliver_events()
    left = AMOUNT if kind in REFUSED else 3_000
    assert desk.made() == ([] if kind in REFUSED else [2_000])
    assert desk.left(gift) == left == desk.gift(gift).net_minor
    assert desk.states(gift) == ["refused" if kind in REFUSED else "succeeded"]
    assert [row.ask_at for row in desk.rows()] == [None]
    desk.later(days=3)
    assert desk.refunds.ask_due() == 0


def test_a_stored_failure_needs_another_key(desk: Desk) -> None:
    """Stripe repeats a failure for the same idempotency key, so a later retry uses another key."""
    gift = desk.paid()
    desk.trouble("500")
    assert desk.refund(gift).state == "waiting"
    desk.later(minutes=9)
    assert desk.refunds.ask_due() == 0
    desk.later(minutes=1)
    assert desk.refunds.ask_due() == 1
    key = f"donate-{gift.id}:refund:1"
    assert [one["idempotency_key"] for one in desk.requests_sent()] == [key, key, f"{key}:1"]
    assert len(desk.requests_sent("GET")) == 1
    assert desk.made() == [AMOUNT]


def test_a_key_refused_after_an_unanswered_attempt(desk: Desk) -> None:
    """If our API key is revoked while a refund request has no answer, the request stays open."""
    gift = desk.paid()
    desk.trouble("reset_before", times=2)
    desk.refund(gift)
    desk.trouble("401")
    desk.later(minutes=1)
    assert (desk.refunds.ask_due(), desk.states(gift)) == (0, ["waiting"])
    desk.later(minutes=5)
    assert desk.refunds.ask_due() == 1
    desk.settle()
    assert (desk.states(gift), desk.made()) == (["succeeded"], [AMOUNT])


@pytest.mark.parametrize(("kind", "posts"), [("reset_after", 2), ("reset_before", 3)])
def test_after_a_day_the_list_of_refunds_is_read_first(desk: Desk, kind: str, posts: int) -> None:
    """After a day the idempotency key has expired, so Stripe's list of refunds is read first."""
    gift = desk.paid()
    desk.trouble(kind, times=2)
    assert desk.refund(gift, 2_000).state == "waiting"
    desk.later(hours=25)
    assert desk.refunds.ask_due() == 1
    desk.settle()
    assert (desk.states(gift), desk.made()) == (["succeeded"], [2_000])
    assert (len(desk.requests_sent()), len(desk.requests_sent("GET"))) == (posts, 1)


def test_every_page_of_refunds_is_searched(desk: Desk) -> None:
    """Our refund is found at Stripe even behind a hundred newer refunds of its payment."""
    gift = desk.paid()
    desk.trouble("reset_after", times=2)
    desk.refund(gift, 2_000)
    intent = desk.payments(gift)[0].intent
    for _ in range(100):
        desk.sandbox.control("POST", "/_sandbox/refund", payment_intent=intent, amount=1)
    desk.later(hours=25)
    assert desk.refunds.ask_due() == 1
    assert (len(desk.requests_sent()), len(desk.requests_sent("GET"))) == (2, 2)


@pytest.mark.parametrize("kind", ["hang", "500", "429", "list_200", "null_200", "cut_body"])
def test_no_refund_is_repeated_while_the_list_fails(desk_on_sqlite: Desk, kind: str) -> None:
    """While Stripe's list of refunds cannot be read, an old request is not repeated."""
    desk = desk_on_sqlite
    gift = desk.paid()
    desk.trouble("reset_after", times=2)
    desk.refund(gift, 2_000)
    desk.later(hours=25)
    desk.trouble(kind, times=2, method="GET", seconds=HANG_S)
    assert desk.refunds.ask_due() == 0
    assert (desk.states(gift), len(desk.requests_sent())) == (["waiting"], 2)
    desk.sandbox.control("DELETE", "/_sandbox/trouble")
    desk.later(hours=7)
    assert desk.refunds.ask_due() == 1
    desk.settle()
    assert (desk.states(gift), desk.made()) == (["succeeded"], [2_000])


def test_a_webhook_completes_an_unanswered_request(desk: Desk) -> None:
    """A webhook about our refund completes the request, and Stripe is not called again."""
    gift = desk.paid()
    desk.trouble("reset_after", times=2)
    assert desk.refund(gift).state == "waiting"
    desk.deliver_events()
    assert (desk.states(gift), desk.gift(gift).status) == (["succeeded"], "refunded")
    desk.later(days=2)
    assert (desk.refunds.ask_due(), len(desk.requests_sent())) == (0, 2)


def test_an_answer_after_the_webhook_changes_nothing(desk: Desk) -> None:
    """If the answer to a request repeats what the webhook said, no fact is added."""
    gift = desk.paid()
    request = desk.request(gift)
    assert request is not None
    desk.refunds.ask_now(request)
    before = facts_now(desk.database, gift)
    desk.deliver_events()
    desk.refunds.ask_now(request)
    assert facts_now(desk.database, gift) == before
    assert (desk.requests_sent()[1]["replayed"], desk.made()) == (True, [AMOUNT])


def test_two_workers_send_each_request_once(desk: Desk) -> None:
    """Two workers that work at the same time send each open refund request once."""
    gifts = [desk.paid() for _ in range(5)]
    for gift in gifts:
        desk.request(gift)
    assert (
        desk.refunds.ask_due() == 0
    )  # the worker leaves a new request to the staff page for 15 seconds
    desk.later(seconds=15)
    with ThreadPoolExecutor(2) as workers:
        list(workers.map(lambda _: desk.refunds.ask_due(), range(2)))
    while desk.refunds.ask_due():
        pass
    desk.settle()
    assert len(desk.requests_sent()) == 5
    assert {desk.gift(gift).status for gift in gifts} == {"refunded"}


def test_retries_become_rarer_and_never_stop(desk: Desk) -> None:
    """A request without an answer is retried with longer and longer pauses, without end."""
    gift = desk.paid()
    desk.trouble("429", times=100)
    desk.trouble("429", times=100, method="GET")
    start = desk.clock.instant
    assert desk.refund(gift).state == "waiting"
    times = [start]
    while desk.clock.instant < start + timedelta(days=3):
        (row,) = desk.rows()
        assert row.ask_at is not None
        desk.clock.instant = row.ask_at
        desk.refunds.ask_due()
        times.append(row.ask_at)
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    planned = ASK_AGAIN_AFTER.pauses
    assert pauses == [*planned, *[planned[-1]] * (len(pauses) - len(planned))]
    assert len(desk.requests_sent()) + len(desk.requests_sent("GET")) == len(times) < 20
    desk.sandbox.control("DELETE", "/_sandbox/trouble")
    desk.later(hours=6)
    desk.refunds.ask_due()
    assert desk.made() == [AMOUNT]


def refund_unknown_to_the_backup(desk: Desk, gift: Gift, amount_minor: int) -> None:
    """Make a refund at Stripe that our database does not know, as after an old backup."""
    key = f"{gift.id}:refund:1"
    params: RefundCreateParams = {
        "payment_intent": str(desk.payments(gift)[0].intent),
        "amount": amount_minor,
        "reason": "requested_by_customer",
        "metadata": {"gift_id": str(gift.id), "request": key},
    }
    desk.client.create_refund(params, f"donate-{key}")


def test_after_a_restored_backup_the_same_again_is_one_refund(desk: Desk) -> None:
    """If the restored backup lacks a refund, the same request again finds it at Stripe."""
    gift = desk.paid()
    refund_unknown_to_the_backup(desk, gift, 1_000)
    assert desk.refund(gift, 1_000).state == "succeeded"
    assert (desk.made(), desk.left(gift)) == ([1_000], 4_000)


def test_after_a_restored_backup_another_amount_is_another_refund(desk: Desk) -> None:
    """If the restored backup lacks a refund, a request for another amount makes a second one."""
    gift = desk.paid()
    refund_unknown_to_the_backup(desk, gift, 1_000)
    assert desk.refund(gift, 2_000).state == "waiting"
    desk.deliver_events()
    assert (desk.states(gift), desk.left(gift)) == (["waiting"], 2_000)
    desk.later(minutes=15)
    assert desk.refunds.ask_due() == 1
    desk.settle()
    assert (desk.states(gift), desk.made(), desk.left(gift)) == (
        ["succeeded"],
        [2_000, 1_000],
        2_000,
    )


def test_a_new_request_has_a_number_that_stripe_does_not_know(desk: Desk) -> None:
    """A new refund request has a number that no refund at Stripe has used."""
    gift = desk.paid()
    refund_unknown_to_the_backup(desk, gift, 1_000)
    desk.deliver_events()
    assert desk.refund(gift, 1_000).state == "succeeded"
    assert desk.requests(gift)[0].fact.source_id == f"{gift.id}:refund:2"
    assert desk.made() == [1_000, 1_000]
