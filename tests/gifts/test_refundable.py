"""What is left of each payment, and what became of each refund asked for: from facts alone."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from donate.gifts.facts import Fact, FactKind
from donate.gifts.refundable import failed_refunds, next_number, payments_of, requests_of
from donate.gifts.status import status_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def fact(
    kind: FactKind, source: str, amount: int | None = None, *, at: datetime = NOW, **evidence: Any
) -> Fact:
    return Fact(
        kind=kind,
        source_id=source,
        happened_at=at,
        actor="stripe",
        amount_minor=amount,
        currency="CAD" if amount else None,
        evidence=evidence,
    )


PAID = fact(FactKind.PAYMENT_SUCCEEDED, "pi_1", 5_000)
ASKED = fact(FactKind.REFUND_REQUESTED, "g:refund:1", 2_000, payment="pi_1", reason="duplicate")
ABOUT: dict[str, Any] = {"payment_intent": "pi_1"}
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
        ([fact(FactKind.REFUND_SUCCEEDED, "re_1", 2_000, payment_intent=7)], 3_000),
        ([fact(FactKind.REFUND_SUCCEEDED, "re_1", None, **ABOUT)], 5_000),
        ([fact(FactKind.REFUND_SUCCEEDED, "re_1", 4_999, **ABOUT)], 1),
        (
            [
                fact(FactKind.REFUND_STARTED, "re_1", 2_000, **ABOUT),
                fact(FactKind.REFUND_SUCCEEDED, "re_1", 2_000, **ABOUT),
                fact(FactKind.REFUND_FAILED, "re_2", 500, **ABOUT),
            ],
            3_000,
        ),
        ([fact(FactKind.REFUND_REQUESTED, "g:refund:1", 2_000, payment="pi_2")], 5_000),
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


def outside(source: str, amount: int | None, invoice: str = "in_1") -> Fact:
    return fact(FactKind.PAID_OUTSIDE, source, amount, invoice=invoice)


@pytest.mark.parametrize(
    ("paid", "told", "received"),
    [
        pytest.param(5_000, [], [5_000], id="all through Stripe"),
        pytest.param(1, [], [1], id="the smallest payment"),
        pytest.param(5_000, [outside("a", 4_999)], [1], id="all but a cent outside"),
        pytest.param(5_000, [outside("a", 5_000)], [], id="all outside"),
        pytest.param(5_000, [outside("a", 5_001)], [], id="more than all outside"),
        pytest.param(5_000, [outside("a", 1_000), outside("b", 500)], [3_500], id="two outside"),
        pytest.param(5_000, [outside("a", 1_000, "in_2")], [5_000], id="for another invoice"),
        pytest.param(5_000, [outside("a", None)], [5_000], id="nobody said how much outside"),
        pytest.param(None, [], [], id="nobody said how much"),
    ],
)
def test_only_what_came_through_stripe_can_go_back_through_it(
    paid: int | None, told: list[Fact], received: list[int]
) -> None:
    """What was paid outside Stripe is not offered, and a payment with nothing else is left out."""
    payments = payments_of([fact(FactKind.PAYMENT_SUCCEEDED, "in_1", paid), *told])
    assert [payment.received_minor for payment in payments] == received
    assert [payment.left_minor for payment in payments] == received


def test_the_newest_payment_comes_first() -> None:
    """Of two payments the later one is offered first: it is the one too many."""
    later = fact(FactKind.PAYMENT_SUCCEEDED, "pi_2", 100, at=NOW + timedelta(1))
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


def test_the_newest_request_comes_first() -> None:
    """Requests are listed by their numbers, counted and not spelt, with what became of each."""
    asked = [fact(FactKind.REFUND_REQUESTED, f"g:refund:{n}", 100, payment="pi_1") for n in (9, 11)]
    asked.insert(1, fact(FactKind.REFUND_REQUESTED, "g:refund:10", 100, payment="pi_1"))
    told = [
        fact(FactKind.REFUND_REFUSED, "g:refund:9", code="amount"),
        fact(FactKind.REFUND_REFUSED, "g:refund:10"),
    ]
    found = requests_of([PAID, *asked, *told])
    assert [(one.fact.source_id, str(one.state), one.code) for one in found] == [
        ("g:refund:11", "waiting", ""),
        ("g:refund:10", "refused", ""),
        ("g:refund:9", "refused", "amount"),
    ]


def test_a_refund_of_another_amount_is_another_refund() -> None:
    """After a restored backup a number is used twice: only the amount tells the two apart."""
    other = fact(FactKind.REFUND_SUCCEEDED, "re_1", 1_500, **ANSWER)
    (request,) = requests_of([PAID, ASKED, other])
    assert str(request.state) == "waiting"
    (payment,) = payments_of([PAID, ASKED, other])
    assert payment.left_minor == 1_500


@pytest.mark.parametrize(
    ("facts", "number"),
    [
        pytest.param([PAID], 1, id="none yet"),
        pytest.param([PAID, ASKED], 2, id="after the first"),
        pytest.param([fact(FactKind.REFUND_REQUESTED, "g:refund:9", 1), ASKED], 10, id="nine"),
        pytest.param(
            [ASKED, fact(FactKind.REFUND_STARTED, "re_1", 1, request="g:refund:4")],
            5,
            id="Stripe knows of more",
        ),
        pytest.param([fact(FactKind.REFUND_REFUSED, "g:refund:3")], 4, id="refused"),
        pytest.param([fact(FactKind.REFUND_REQUESTED, "g:refund:999999", 1)], 1_000_000, id="long"),
        pytest.param(
            [fact(FactKind.REFUND_STARTED, "re_1", 1, request="g:refund:1234567")],
            1,
            id="too long to be ours",
        ),
        pytest.param(
            [fact(FactKind.REFUND_STARTED, "re_1", 1, request="g:refund:4\n")], 1, id="not ours"
        ),
    ],
)
def test_a_number_is_never_given_twice(facts: list[Fact], number: int) -> None:
    """The next request has a number above all that we or Stripe know of."""
    assert next_number(facts) == number


def test_a_failed_refund_stands_until_staff_dealt_with_it() -> None:
    """Refunds that failed are listed oldest first, of one moment by name; no other fact is."""
    failed = [
        fact(FactKind.REFUND_FAILED, "re_2", 2_000, **ABOUT),
        fact(FactKind.REFUND_FAILED, "re_1", 2_000, **ABOUT),
        fact(FactKind.REFUND_FAILED, "re_3", 2_000, at=NOW - timedelta(1), **ABOUT),
        fact(FactKind.REFUND_FAILED, "re_4", 2_000, **ABOUT),
    ]
    facts = [PAID, ASKED, fact(FactKind.REFUND_STARTED, "re_1", 2_000, **ABOUT), *failed]
    done = fact(FactKind.REFUND_FOLLOWED_UP, "re_4")
    found = failed_refunds([*facts, done])
    assert [(one.kind, one.source_id) for one in found] == [
        (FactKind.REFUND_FAILED, name) for name in ("re_3", "re_1", "re_2")
    ]


def test_asking_and_being_refused_move_no_money() -> None:
    """Neither changes what a gift is: its status, amounts and flags stay as they were."""
    refused = fact(FactKind.REFUND_REFUSED, "g:refund:1", code="amount")
    opened = fact(FactKind.GIFT_OPENED, "g", 5_000)
    assert status_of([opened, PAID, ASKED, refused]) == status_of([opened, PAID])
