"""An event is settled once, and only if it agrees with the gift that it names."""

from collections.abc import Callable
from typing import Any

import pytest

from donate.gifts.models import Gift
from donate.storage.database import Database
from donate.stripe_gateway.models import EventState
from tests.stripe_gateway.gifts_and_events import (
    AMOUNT,
    event,
    event_now,
    facts_now,
    give,
    refund_of,
    session_for,
    settle,
    stored_events,
)
from tests.stripe_gateway.statuses import COMPLETED, status_of

PAID_LATER = "checkout.session.async_payment_succeeded"
FAILED_LATER = "checkout.session.async_payment_failed"
EXPIRED = "checkout.session.expired"


def test_a_paid_session_confirms_its_gift(database: Database) -> None:
    """An event about a paid session confirms the gift."""
    gift = give(database)
    completed = event(COMPLETED, session_for(gift))
    settle(database, completed)
    assert status_of(database, gift) == ("confirmed", AMOUNT, AMOUNT, "")
    row = event_now(database, completed)
    assert (row.state, row.gift_id) == (EventState.SETTLED, gift.id)


def session_with_metadata(gift: Gift, **more: Any) -> dict[str, Any]:
    metadata = {"gift_id": str(gift.id), "reference": gift.reference, "attempt": "1"}
    return session_for(gift, metadata=metadata | more)


Contradiction = tuple[Callable[[Gift], dict[str, Any]], str]

CONTRADICTIONS: dict[str, Contradiction] = {
    "the reference of another gift": (
        lambda gift: session_for(gift, client_reference_id="LWCAN-2222222"),
        "its reference is LWCAN-2222222",
    ),
    "no reference": (
        lambda gift: session_for(gift, client_reference_id=None),
        "client_reference_id is missing",
    ),
    "another session": (
        lambda gift: session_for(gift, id="cs_another"),
        "the gift's checkout session is cs_bound",
    ),
    "an attempt never made": (
        lambda gift: session_with_metadata(gift, attempt="2"),
        "no checkout session was requested with that attempt",
    ),
    "no attempt": (
        lambda gift: session_with_metadata(gift, attempt=None),
        "metadata.attempt is missing",
    ),
    "another currency": (
        lambda gift: session_for(gift, id="cs_bound", currency="usd"),
        "currency is USD, the gift's is CAD",
    ),
    "no currency": (
        lambda gift: session_for(gift, id="cs_bound", currency="zzz"),
        "currency is not a known one",
    ),
    "a cent less": (
        lambda gift: session_for(gift, id="cs_bound", amount_total=AMOUNT - 1),
        "amount is $49.99, the gift's is $50.00",
    ),
    "a cent more": (
        lambda gift: session_for(gift, id="cs_bound", amount_total=AMOUNT + 1),
        "amount is $50.01, the gift's is $50.00",
    ),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_what_contradicts_the_gift_is_set_aside(database: Database, name: str) -> None:
    """A session that contradicts its gift in one point is set aside with the reason."""
    gift = give(database, opened="cs_bound")
    make, reason = CONTRADICTIONS[name]
    before, completed = facts_now(database, gift), event(COMPLETED, make(gift))
    settle(database, completed)
    row = event_now(database, completed)
    assert (row.state, reason in row.reason) == (EventState.SET_ASIDE, True), row.reason
    assert facts_now(database, gift) == before
    assert status_of(database, gift) == ("awaited", 0, 0, "")


@pytest.mark.parametrize("mode", ["interac", "giving_code"])
def test_a_gift_of_another_mode_takes_no_card_money(database: Database, mode: str) -> None:
    """A paid session about a gift by Interac or giving code is set aside."""
    gift = give(database, mode=mode)
    completed = event(COMPLETED, session_for(gift))
    settle(database, completed)
    assert (
        event_now(database, completed).reason == f"the gift is given by {mode}, not through Stripe"
    )
    assert status_of(database, gift) == ("awaited", 0, 0, "")


def test_a_session_belongs_to_one_gift(database: Database) -> None:
    """A session that confirmed one gift cannot confirm another one."""
    first, second = give(database), give(database)
    session = session_for(first)
    settle(database, event(COMPLETED, session))
    stolen = event(COMPLETED, session_for(second, id=session["id"]))
    settle(database, stolen)
    assert event_now(database, stolen).reason == "the checkout session belongs to another gift"
    assert status_of(database, first)[0] == "confirmed"
    assert status_of(database, second)[0] == "awaited"


def test_a_payment_belongs_to_one_gift(database: Database) -> None:
    """If events assign one payment to two gifts, the second event is set aside."""
    first, second = give(database), give(database)
    session = session_for(first)
    again = event(COMPLETED, session_for(second, payment_intent=session["payment_intent"]))
    settle(database, event(COMPLETED, session))
    settle(database, again)
    row = event_now(database, again)
    assert (row.state, row.reason) == (
        EventState.SET_ASIDE,
        "it contradicts a fact that is already recorded",
    )
    assert status_of(database, first) == ("confirmed", AMOUNT, AMOUNT, "")
    assert status_of(database, second)[1:] == (0, 0, "")


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"livemode": True}, "a live event at a test service"),
        ({"account": "acct_other"}, "an event of another account"),
    ],
    ids=["live", "another account"],
)
def test_an_event_of_another_account_is_foreign(
    database: Database, more: dict[str, Any], reason: str
) -> None:
    """An event of live mode or of another account is marked foreign, and changes no gift."""
    gift = give(database)
    completed = event(COMPLETED, session_for(gift), **more)
    settle(database, completed)
    row = event_now(database, completed)
    assert (row.state, row.reason) == (EventState.FOREIGN, reason)
    assert status_of(database, gift) == ("awaited", 0, 0, "")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([(COMPLETED, "unpaid")], ("processing", 0)),
        ([(COMPLETED, "unpaid"), (PAID_LATER, "paid")], ("confirmed", AMOUNT)),
        ([(COMPLETED, "unpaid"), (FAILED_LATER, "unpaid")], ("failed", 0)),
        ([(PAID_LATER, "paid")], ("confirmed", AMOUNT)),
        ([(COMPLETED, "paid"), (PAID_LATER, "paid")], ("confirmed", AMOUNT)),
        ([(EXPIRED, "unpaid")], ("lapsed", 0)),
        ([(EXPIRED, "unpaid"), (COMPLETED, "paid")], ("confirmed", AMOUNT)),
        ([(FAILED_LATER, "unpaid"), (COMPLETED, "paid")], ("confirmed", AMOUNT)),
        ([(COMPLETED, "paid"), (EXPIRED, "unpaid")], ("confirmed", AMOUNT)),
    ],
    ids=[
        "unpaid",
        "unpaid, then paid",
        "unpaid, then failed",
        "paid late",
        "paid twice",
        "expired",
        "expired, then paid",
        "failed, then paid",
        "paid, then expired",
    ],
)
def test_a_payment_outranks_other_outcomes(
    database: Database, steps: list[tuple[str, str]], expected: tuple[str, int]
) -> None:
    """A payment that succeeded outranks processing, failure and expiry, in any order."""
    gift = give(database)
    session = session_for(gift)
    for kind, payment_status in steps:
        settle(database, event(kind, session | {"payment_status": payment_status}))
    assert status_of(database, gift)[:2] == expected
    assert {row.state for row in stored_events(database)} == {EventState.SETTLED}


def test_a_payment_may_succeed_after_a_decline(database: Database) -> None:
    """A declined payment is a fact, and the donor may still pay in the same session."""
    gift = give(database, opened="cs_bound")
    metadata = {"gift_id": str(gift.id)}
    error = {"code": "card_declined", "decline_code": "generic_decline"}
    intent = {
        "id": "pi_1",
        "metadata": metadata,
        "latest_charge": "ch_1",
        "last_payment_error": error,
    }
    charge = {"id": "ch_1", "metadata": metadata, "failure_code": "card_declined"}
    settle(database, event("payment_intent.payment_failed", intent), event("charge.failed", charge))
    assert facts_now(database, gift).count(("payment_declined", "ch_1")) == 1
    assert status_of(database, gift)[0] == "awaited"
    settle(database, event(COMPLETED, session_for(gift, id="cs_bound", payment_intent="pi_1")))
    assert status_of(database, gift)[0] == "confirmed"


Part = tuple[str, int, str]

RETURNS: dict[str, tuple[list[Part], tuple[str, int, str]]] = {
    "in full": ([("re_1", AMOUNT, "succeeded")], ("refunded", 0, "")),
    "three parts": (
        [("re_1", 1_000, "succeeded"), ("re_2", 1_000, "succeeded"), ("re_3", 500, "succeeded")],
        ("partly_refunded", 2_500, ""),
    ),
    "three parts that are all": (
        [("re_1", 1_000, "succeeded"), ("re_2", 3_999, "succeeded"), ("re_3", 1, "succeeded")],
        ("refunded", 0, ""),
    ),
    "pending": ([("re_1", AMOUNT, "pending")], ("confirmed", AMOUNT, "")),
    "pending, then succeeded": (
        [("re_1", 2_000, "pending"), ("re_1", 2_000, "succeeded")],
        ("partly_refunded", 3_000, ""),
    ),
    "failed after it succeeded": (
        [("re_1", 2_000, "succeeded"), ("re_1", 2_000, "failed")],
        ("confirmed", AMOUNT, ""),
    ),
    "canceled": ([("re_1", 2_000, "canceled")], ("confirmed", AMOUNT, "")),
    "more than was paid": (
        [("re_1", 3_000, "succeeded"), ("re_2", 3_000, "succeeded")],
        ("refunded", 0, "returned_more_than_received"),
    ),
}


@pytest.mark.parametrize("name", RETURNS)
def test_how_refunds_change_the_net(database: Database, name: str) -> None:
    """Only refunds that succeeded lower the net, each of them once, and never below zero."""
    gift = give(database)
    session = session_for(gift)
    settle(database, event(COMPLETED, session))
    payment = session["payment_intent"]
    parts, expected = RETURNS[name]
    for refund_id, amount, status in parts:
        refund = refund_of(payment, amount, status, id=f"{refund_id}_{gift.reference}")
        settle(database, event("refund.updated", refund), event("refund.created", refund))
    status, received, net, flags = status_of(database, gift)
    assert (received, (status, net, flags)) == (AMOUNT, expected)


def test_a_refund_in_another_currency_is_set_aside(database: Database) -> None:
    """A refund is set aside if its currency is not the payment's."""
    gift = give(database)
    session = session_for(gift)
    odd = event("refund.created", refund_of(session["payment_intent"], 100, currency="usd"))
    settle(database, event(COMPLETED, session), odd)
    assert event_now(database, odd).reason == "its currency is not the gift's"
    assert status_of(database, gift) == ("confirmed", AMOUNT, AMOUNT, "")


def test_a_refund_of_another_amount_is_set_aside(database: Database) -> None:
    """A refund is set aside if an earlier event gave it another amount."""
    gift = give(database)
    session = session_for(gift)
    refund = refund_of(session["payment_intent"], 1_000)
    odd = event("refund.updated", refund | {"amount": 2_000})
    settle(database, event(COMPLETED, session), event("refund.created", refund))
    settle(database, odd)
    assert event_now(database, odd).state == EventState.SET_ASIDE
    assert status_of(database, gift) == ("partly_refunded", AMOUNT, 4_000, "")
