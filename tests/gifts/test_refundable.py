"""How much of each payment can still be refunded, and the state of each refund request."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Unpack

import pytest

from donate.gifts.evidence import Evidence
from donate.gifts.facts import Fact, FactKind
from donate.gifts.refundable import failed_refunds, next_number, payments_of, requests_of
from donate.gifts.status import status_of
from tests.gifts.samples import case_id

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def fact(
    kind: FactKind,
    source: str,
    amount: int | None = None,
    *,
    at: datetime = NOW,
    **evidence: Unpack[Evidence],
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
REQUESTED = fact(FactKind.REFUND_REQUESTED, "g:refund:1", 2_000, payment="pi_1", reason="duplicate")
PAYMENT: dict[str, Any] = {"payment_intent": "pi_1"}
NUMBER: dict[str, Any] = {"payment_intent": 7}
ANSWER = PAYMENT | {"request": "g:refund:1"}


@pytest.mark.parametrize(
    ("facts", "left"),
    [
        ([], 5_000),
        ([REQUESTED], 3_000),
        ([REQUESTED, fact(FactKind.REFUND_REFUSED, "g:refund:1", code="amount")], 5_000),
        ([REQUESTED, fact(FactKind.REFUND_STARTED, "re_1", 2_000, **ANSWER)], 3_000),
        ([REQUESTED, fact(FactKind.REFUND_SUCCEEDED, "re_1", 2_000, **ANSWER)], 3_000),
        ([REQUESTED, fact(FactKind.REFUND_SUCCEEDED, "re_1", 2_000, **PAYMENT)], 1_000),
        ([fact(FactKind.REFUND_STARTED, "re_1", 2_000, **PAYMENT)], 3_000),
        ([fact(FactKind.REFUND_SUCCEEDED, "re_1", 6_000, **PAYMENT)], 0),
        ([fact(FactKind.REFUND_SUCCEEDED, "re_1", 2_000, payment_intent="pi_2")], 5_000),
        ([fact(FactKind.REFUND_SUCCEEDED, "re_1", 2_000)], 3_000),
        ([fact(FactKind.REFUND_SUCCEEDED, "re_1", 2_000, **NUMBER)], 3_000),
        ([fact(FactKind.REFUND_SUCCEEDED, "re_1", None, **PAYMENT)], 5_000),
        ([fact(FactKind.REFUND_SUCCEEDED, "re_1", 4_999, **PAYMENT)], 1),
        (
            [
                fact(FactKind.REFUND_STARTED, "re_1", 2_000, **PAYMENT),
                fact(FactKind.REFUND_SUCCEEDED, "re_1", 2_000, **PAYMENT),
                fact(FactKind.REFUND_FAILED, "re_2", 500, **PAYMENT),
            ],
            3_000,
        ),
        ([fact(FactKind.REFUND_REQUESTED, "g:refund:1", 2_000, payment="pi_2")], 5_000),
        ([fact(FactKind.DISPUTE_OPENED, "du_1", 5_000, **PAYMENT)], 0),
        ([fact(FactKind.DISPUTE_LOST, "du_1", 1_000, **PAYMENT)], 4_000),
    ],
    ids=case_id,
)
def test_money_under_way_cannot_be_refunded(facts: list[Fact], left: int) -> None:
    """Money that is refunded, being refunded, requested or disputed cannot be refunded again."""
    (payment,) = payments_of([PAID, *facts])
    assert payment.left_minor == left


def test_money_that_came_back_can_be_refunded_again() -> None:
    """After its refund failed and its dispute was won, a payment can be refunded in full again."""
    facts = [
        fact(FactKind.REFUND_STARTED, "re_1", 2_000, **ANSWER),
        fact(FactKind.REFUND_SUCCEEDED, "re_1", 2_000, **ANSWER),
        fact(FactKind.REFUND_FAILED, "re_1", 2_000, **ANSWER),
        fact(FactKind.DISPUTE_OPENED, "du_1", 5_000, **PAYMENT),
        fact(FactKind.DISPUTE_WON, "du_1", 5_000, **PAYMENT),
    ]
    (payment,) = payments_of([PAID, REQUESTED, *facts])
    assert payment.left_minor == 5_000


def test_a_month_is_refunded_by_the_payment_that_paid_its_invoice() -> None:
    """A month of a pledge is refunded through the payment intent that paid the month's invoice."""
    month = fact(FactKind.PAYMENT_SUCCEEDED, "in_1", 5_000)
    (unnamed,) = payments_of([month])
    assert (unnamed.intent, unnamed.left_minor) == (None, 5_000)
    named = fact(FactKind.PAYMENT_NAMED, "pi_9", invoice="in_1")
    refund = fact(FactKind.REFUND_SUCCEEDED, "re_1", 2_000, payment_intent="pi_9")
    (payment,) = payments_of([month, named, refund])
    assert (payment.intent, payment.left_minor) == ("pi_9", 3_000)


def outside(source: str, amount: int | None, invoice: str = "in_1") -> Fact:
    return fact(FactKind.PAID_OUTSIDE, source, amount, invoice=invoice)


@pytest.mark.parametrize(
    ("amount", "facts", "received"),
    [
        pytest.param(5_000, [], [5_000], id="all through Stripe"),
        pytest.param(1, [], [1], id="the smallest payment"),
        pytest.param(5_000, [outside("a", 4_999)], [1], id="all but a cent outside"),
        pytest.param(5_000, [outside("a", 5_000)], [], id="all outside"),
        pytest.param(5_000, [outside("a", 5_001)], [], id="more than all outside"),
        pytest.param(5_000, [outside("a", 1_000), outside("b", 500)], [3_500], id="two outside"),
        pytest.param(5_000, [outside("a", 1_000, "in_2")], [5_000], id="for another invoice"),
        pytest.param(5_000, [outside("a", None)], [5_000], id="unknown amount outside"),
        pytest.param(None, [], [], id="unknown amount"),
    ],
)
def test_only_money_through_stripe_can_be_refunded(
    amount: int | None, facts: list[Fact], received: list[int]
) -> None:
    """The part of an invoice that was paid outside Stripe cannot be refunded through Stripe."""
    payments = payments_of([fact(FactKind.PAYMENT_SUCCEEDED, "in_1", amount), *facts])
    assert [payment.received_minor for payment in payments] == received
    assert [payment.left_minor for payment in payments] == received


def test_the_newest_payment_comes_first() -> None:
    """A gift's newest payment is listed first, because it is usually the one paid by mistake."""
    later = fact(FactKind.PAYMENT_SUCCEEDED, "pi_2", 100, at=NOW + timedelta(1))
    assert [payment.intent for payment in payments_of([PAID, later])] == ["pi_2", "pi_1"]


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        ([], "waiting"),
        ([FactKind.REFUND_REFUSED], "refused"),
        ([FactKind.REFUND_STARTED], "started"),
        ([FactKind.REFUND_STARTED, FactKind.REFUND_SUCCEEDED], "succeeded"),
        ([FactKind.REFUND_STARTED, FactKind.REFUND_FAILED], "failed"),
        ([FactKind.REFUND_SUCCEEDED, FactKind.REFUND_FAILED], "failed"),
        ([FactKind.REFUND_REFUSED, FactKind.REFUND_SUCCEEDED], "succeeded"),
    ],
    ids=case_id,
)
def test_the_order_of_facts_does_not_change_a_request(kinds: list[FactKind], state: str) -> None:
    """A refund request has the same state in any order of its facts."""
    facts = [PAID, REQUESTED]
    for kind in kinds:
        is_ours = kind == FactKind.REFUND_REFUSED
        facts.append(fact(kind, "g:refund:1") if is_ours else fact(kind, "re_1", 2_000, **ANSWER))
    for seed in range(10):
        Random(seed).shuffle(facts)
        assert [str(request.state) for request in requests_of(facts)] == [state]


def test_the_newest_request_comes_first() -> None:
    """Refund requests are listed by descending number, so that 10 comes before 9."""
    facts = [fact(FactKind.REFUND_REQUESTED, f"g:refund:{n}", 100, payment="pi_1") for n in (9, 11)]
    facts.insert(1, fact(FactKind.REFUND_REQUESTED, "g:refund:10", 100, payment="pi_1"))
    refusals = [
        fact(FactKind.REFUND_REFUSED, "g:refund:9", code="amount"),
        fact(FactKind.REFUND_REFUSED, "g:refund:10"),
    ]
    requests = requests_of([PAID, *facts, *refusals])
    assert [(row.fact.source_id, str(row.state), row.code) for row in requests] == [
        ("g:refund:11", "waiting", ""),
        ("g:refund:10", "refused", ""),
        ("g:refund:9", "refused", "amount"),
    ]


def test_a_refund_of_another_amount_is_another_refund() -> None:
    """A refund does not complete a refund request with the same number but another amount.

    Two requests can have the same number after a backup of the database was restored.
    """
    other = fact(FactKind.REFUND_SUCCEEDED, "re_1", 1_500, **ANSWER)
    (request,) = requests_of([PAID, REQUESTED, other])
    assert str(request.state) == "waiting"
    (payment,) = payments_of([PAID, REQUESTED, other])
    assert payment.left_minor == 1_500


@pytest.mark.parametrize(
    ("facts", "number"),
    [
        pytest.param([PAID], 1, id="none yet"),
        pytest.param([PAID, REQUESTED], 2, id="after the first"),
        pytest.param([fact(FactKind.REFUND_REQUESTED, "g:refund:9", 1), REQUESTED], 10, id="nine"),
        pytest.param(
            [REQUESTED, fact(FactKind.REFUND_STARTED, "re_1", 1, request="g:refund:4")],
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
    """A new refund request gets a higher number than all that we or Stripe know of."""
    assert next_number(facts) == number


def test_a_failed_refund_is_listed_until_followed_up() -> None:
    """Failed refunds are listed until staff mark them as followed up, oldest first."""
    failed = [
        fact(FactKind.REFUND_FAILED, "re_2", 2_000, **PAYMENT),
        fact(FactKind.REFUND_FAILED, "re_1", 2_000, **PAYMENT),
        fact(FactKind.REFUND_FAILED, "re_3", 2_000, at=NOW - timedelta(1), **PAYMENT),
        fact(FactKind.REFUND_FAILED, "re_4", 2_000, **PAYMENT),
    ]
    facts = [PAID, REQUESTED, fact(FactKind.REFUND_STARTED, "re_1", 2_000, **PAYMENT), *failed]
    followed_up = fact(FactKind.REFUND_FOLLOWED_UP, "re_4")
    open_refunds = failed_refunds([*facts, followed_up])
    assert [(refund.kind, refund.source_id) for refund in open_refunds] == [
        (FactKind.REFUND_FAILED, name) for name in ("re_3", "re_1", "re_2")
    ]


def test_refund_requests_and_refusals_move_no_money() -> None:
    """A refund request and its refusal do not change the gift's status, amounts or flags."""
    refused = fact(FactKind.REFUND_REFUSED, "g:refund:1", code="amount")
    opened = fact(FactKind.GIFT_OPENED, "g", 5_000)
    assert status_of([opened, PAID, REQUESTED, refused]) == status_of([opened, PAID])
