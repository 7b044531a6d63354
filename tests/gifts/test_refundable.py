"""What is left of each payment, and what became of each refund asked for: from facts alone."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from donate.gifts.facts import Fact, FactKind
from donate.gifts.refundable import payments_of, requests_of
from donate.gifts.status import status_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def fact(kind: FactKind, source: str, amount: int | None = None, **evidence: Any) -> Fact:
    return Fact(
        kind=kind,
        source_id=source,
        happened_at=NOW,
        actor="stripe",
        amount_minor=amount,
        currency="CAD" if amount else None,
        evidence=evidence,
    )


PAID = fact(FactKind.PAYMENT_SUCCEEDED, "pi_1", 5_000)
ASKED = fact(FactKind.REFUND_REQUESTED, "g:refund:1", 2_000, payment="pi_1", reason="duplicate")
ABOUT = {"payment_intent": "pi_1"}
ANSWER = ABOUT | {"request": "g:refund:1"}


@pytest.mark.parametrize(
    ("told", "left"),
    [
        ([], 5_000),
        ([ASKED], 3_000),
        ([ASKED, fact(FactKind.REFUND_REFUSED, "g:refund:1", code="amount")], 5_000),
        ([ASKED, fact(FactKind.REFUND_STARTED, "re_1", 2_000, **ANSWER)], 3_000),
        ([ASKED, fact(FactKind.REFUND_SUCCEEDED, "re_1", 2_000, **ANSWER)], 3_000),
        ([ASKED, fact(FactKind.REFUND_SUCCEEDED, "re_1", 2_000, **ABOUT)], 1_000),
        ([fact(FactKind.REFUND_STARTED, "re_1", 2_000, **ABOUT)], 3_000),
        ([fact(FactKind.REFUND_SUCCEEDED, "re_1", 6_000, **ABOUT)], 0),
        ([fact(FactKind.REFUND_SUCCEEDED, "re_1", 2_000, payment_intent="pi_2")], 5_000),
        ([fact(FactKind.REFUND_SUCCEEDED, "re_1", 2_000)], 3_000),
        ([fact(FactKind.DISPUTE_OPENED, "du_1", 5_000, **ABOUT)], 0),
        ([fact(FactKind.DISPUTE_LOST, "du_1", 1_000, **ABOUT)], 4_000),
    ],
)
def test_what_is_under_way_is_not_left(told: list[Fact], left: int) -> None:
    """What was received less what went back, is on its way back, is disputed or is asked for."""
    (payment,) = payments_of([PAID, *told])
    assert payment.left_minor == left


def test_what_came_back_is_left_again() -> None:
    """A refund that failed and a dispute that was won leave the payment whole."""
    told = [
        fact(FactKind.REFUND_STARTED, "re_1", 2_000, **ANSWER),
        fact(FactKind.REFUND_SUCCEEDED, "re_1", 2_000, **ANSWER),
        fact(FactKind.REFUND_FAILED, "re_1", 2_000, **ANSWER),
        fact(FactKind.DISPUTE_OPENED, "du_1", 5_000, **ABOUT),
        fact(FactKind.DISPUTE_WON, "du_1", 5_000, **ABOUT),
    ]
    (payment,) = payments_of([PAID, ASKED, *told])
    assert payment.left_minor == 5_000


def test_a_month_is_refunded_by_the_payment_that_paid_its_invoice() -> None:
    """A month is recorded by its invoice; Stripe refunds the payment intent that paid it."""
    month = fact(FactKind.PAYMENT_SUCCEEDED, "in_1", 5_000)
    (unnamed,) = payments_of([month])
    assert (unnamed.intent, unnamed.left_minor) == (None, 5_000)
    named = fact(FactKind.PAYMENT_NAMED, "pi_9", invoice="in_1")
    back = fact(FactKind.REFUND_SUCCEEDED, "re_1", 2_000, payment_intent="pi_9")
    (payment,) = payments_of([month, named, back])
    assert (payment.intent, payment.left_minor) == ("pi_9", 3_000)


def test_the_newest_payment_comes_first() -> None:
    """Of two payments the later one is offered first: it is the one too many."""
    later = Fact(FactKind.PAYMENT_SUCCEEDED, "pi_2", NOW + timedelta(1), "stripe", 100, "CAD")
    assert [payment.intent for payment in payments_of([PAID, later])] == ["pi_2", "pi_1"]


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ([], "waiting"),
        ([FactKind.REFUND_REFUSED], "refused"),
        ([FactKind.REFUND_STARTED], "started"),
        ([FactKind.REFUND_STARTED, FactKind.REFUND_SUCCEEDED], "succeeded"),
        ([FactKind.REFUND_STARTED, FactKind.REFUND_FAILED], "failed"),
        ([FactKind.REFUND_SUCCEEDED, FactKind.REFUND_FAILED], "failed"),
        ([FactKind.REFUND_REFUSED, FactKind.REFUND_SUCCEEDED], "succeeded"),
    ],
)
def test_in_any_order_a_request_ends_the_same(told: list[FactKind], state: str) -> None:
    """The end outranks the beginning, and what Stripe made outranks a refusal we recorded."""
    facts = [PAID, ASKED]
    for kind in told:
        ours = kind == FactKind.REFUND_REFUSED
        facts.append(fact(kind, "g:refund:1") if ours else fact(kind, "re_1", 2_000, **ANSWER))
    for seed in range(10):
        Random(seed).shuffle(facts)
        assert [str(request.state) for request in requests_of(facts)] == [state]


def test_asking_and_being_refused_move_no_money() -> None:
    """Neither changes what a gift is: its status, amounts and flags stay as they were."""
    refused = fact(FactKind.REFUND_REFUSED, "g:refund:1", code="amount")
    opened = fact(FactKind.GIFT_OPENED, "g", 5_000)
    assert status_of([opened, PAID, ASKED, refused]) == status_of([opened, PAID])
