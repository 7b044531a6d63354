"""The status, amounts and flags of a gift are computed from its facts."""

from datetime import timedelta
from typing import Any

import pytest

from donate.gifts.facts import Fact, FactKind
from donate.gifts.status import Flag, StatusName, status_of
from tests.gifts.samples import NOW, case_id, fact, paid

K = FactKind
OPENED = fact(K.GIFT_OPENED, "gift", 5_000)
CHECKOUT = fact(K.CHECKOUT_OPENED, "cs_1")
EXPIRED = fact(K.CHECKOUT_EXPIRED, "cs_1")
PROCESSING = fact(K.PAYMENT_PROCESSING, "cs_1")
FAILED = fact(K.PAYMENT_FAILED, "cs_1")
DECLINED = fact(K.PAYMENT_DECLINED, "ch_1")
REFUSED = fact(K.CHECKOUT_REFUSED, "gift:1")
TRANSFER = fact(K.TRANSFER_RECEIVED, "C1AB", 5_000)
ANNOUNCED = fact(K.TRANSFER_ANNOUNCED, "gift")
LAPSED = fact(K.GIFT_LAPSED, "gift")
UNDONE = fact(K.TRANSFER_UNDONE, "C1AB", 5_000)
PAID = paid()


def refund(amount_minor: int, source_id: str = "re_1", kind: FactKind = K.REFUND_SUCCEEDED) -> Fact:
    return fact(kind, source_id, amount_minor)


def dispute(kind: FactKind, amount_minor: int = 5_000, **more: Any) -> Fact:
    return fact(kind, more.pop("source_id", "dp_1"), amount_minor, **more)


def inquiry(kind: FactKind, minutes: int = 0) -> Fact:
    return fact(kind, "dp_1", happened_at=NOW + timedelta(minutes=minutes))


LATER: dict[str, Any] = {"happened_at": NOW + timedelta(minutes=30)}
AGAIN: dict[str, Any] = {"source_id": "dp_1:2"}
TWICE = [OPENED, PAID, paid("pi_2")]


@pytest.mark.parametrize(
    ("facts", "name", "received", "net", "flags"),
    [
        ([], "awaited", 0, 0, ""),
        ([OPENED], "awaited", 0, 0, ""),
        ([OPENED, REFUSED], "awaited", 0, 0, ""),
        ([OPENED, CHECKOUT], "awaited", 0, 0, ""),
        ([OPENED, CHECKOUT, DECLINED], "awaited", 0, 0, ""),
        ([OPENED, CHECKOUT, PROCESSING], "processing", 0, 0, ""),
        ([OPENED, CHECKOUT, PROCESSING, FAILED], "failed", 0, 0, ""),
        ([OPENED, CHECKOUT, EXPIRED], "lapsed", 0, 0, ""),
        ([OPENED, CHECKOUT, EXPIRED, fact(K.CHECKOUT_OPENED, "cs_2")], "awaited", 0, 0, ""),
        ([OPENED, CHECKOUT, FAILED, fact(K.CHECKOUT_OPENED, "cs_2")], "awaited", 0, 0, ""),
        ([OPENED, CHECKOUT, PAID], "confirmed", 5_000, 5_000, ""),
        ([OPENED, CHECKOUT, PROCESSING, PAID], "confirmed", 5_000, 5_000, ""),
        ([OPENED, CHECKOUT, EXPIRED, PAID], "confirmed", 5_000, 5_000, ""),
        ([OPENED, CHECKOUT, FAILED, PAID], "confirmed", 5_000, 5_000, ""),
        ([OPENED, PAID, DECLINED], "confirmed", 5_000, 5_000, ""),
        ([OPENED, TRANSFER], "confirmed", 5_000, 5_000, ""),
        ([OPENED, TRANSFER, UNDONE], "awaited", 0, 0, ""),
        ([OPENED, UNDONE], "awaited", 0, 0, ""),
        ([OPENED, ANNOUNCED], "awaited", 0, 0, ""),
        ([OPENED, LAPSED], "lapsed", 0, 0, ""),
        ([OPENED, LAPSED, TRANSFER], "confirmed", 5_000, 5_000, ""),
        ([OPENED, LAPSED, TRANSFER, UNDONE], "lapsed", 0, 0, ""),
        (
            [OPENED, *(fact(K.TRANSFER_RECEIVED, part, 2_500) for part in "ab")],
            "confirmed",
            5_000,
            5_000,
            "",
        ),
        ([OPENED, paid(amount_minor=4_000)], "confirmed", 4_000, 4_000, "amount_differs"),
        (
            [OPENED, PAID, paid("pi_2")],
            "confirmed",
            10_000,
            10_000,
            "amount_differs paid_more_than_once",
        ),
        (
            [OPENED, PAID, fact(K.TRANSFER_RECEIVED, "pi_1", 5_000)],
            "confirmed",
            10_000,
            10_000,
            "amount_differs paid_more_than_once",
        ),
        ([OPENED, PAID, refund(1_000, kind=K.REFUND_STARTED)], "confirmed", 5_000, 5_000, ""),
        ([OPENED, PAID, refund(1_000)], "partly_refunded", 5_000, 4_000, ""),
        (
            [OPENED, PAID, *(refund(1_000, f"re_{n}") for n in range(3))],
            "partly_refunded",
            5_000,
            2_000,
            "",
        ),
        ([OPENED, PAID, refund(5_000)], "refunded", 5_000, 0, ""),
        (
            [OPENED, PAID, refund(5_000), refund(5_000, kind=K.REFUND_FAILED)],
            "confirmed",
            5_000,
            5_000,
            "",
        ),
        (
            [OPENED, PAID, refund(3_000), refund(3_000, "re_2")],
            "refunded",
            5_000,
            0,
            "returned_more_than_received",
        ),
        ([OPENED, refund(5_000)], "awaited", 0, 0, "returned_more_than_received"),
        ([OPENED, PAID, dispute(K.DISPUTE_OPENED)], "disputed", 5_000, 0, ""),
        ([OPENED, PAID, dispute(K.DISPUTE_OPENED, 2_000)], "disputed", 5_000, 3_000, ""),
        (
            [OPENED, PAID, dispute(K.DISPUTE_OPENED), dispute(K.DISPUTE_WON)],
            "confirmed",
            5_000,
            5_000,
            "",
        ),
        ([OPENED, PAID, dispute(K.DISPUTE_WON)], "confirmed", 5_000, 5_000, ""),
        (
            [OPENED, PAID, dispute(K.DISPUTE_OPENED), dispute(K.DISPUTE_LOST)],
            "charged_back",
            5_000,
            0,
            "",
        ),
        ([OPENED, PAID, refund(1_000), dispute(K.DISPUTE_OPENED, 4_000)], "disputed", 5_000, 0, ""),
        # The gift was paid twice, and part of the money went back.
        ([*TWICE, refund(5_000)], "confirmed", 10_000, 5_000, ""),
        ([*TWICE, dispute(K.DISPUTE_LOST)], "confirmed", 10_000, 5_000, ""),
        ([*TWICE, dispute(K.DISPUTE_OPENED)], "disputed", 10_000, 5_000, ""),
        ([*TWICE, refund(2_500), refund(2_500, "re_2")], "confirmed", 10_000, 5_000, ""),
        (
            [*TWICE, refund(4_999)],
            "confirmed",
            10_000,
            5_001,
            "amount_differs paid_more_than_once",
        ),
        ([*TWICE, refund(5_001)], "partly_refunded", 10_000, 4_999, ""),
        ([*TWICE, refund(5_000), refund(5_000, "re_2")], "refunded", 10_000, 0, ""),
        (
            [*TWICE, refund(5_000), refund(5_000, kind=K.REFUND_FAILED)],
            "confirmed",
            10_000,
            10_000,
            "amount_differs paid_more_than_once",
        ),
        ([*TWICE[1:], refund(5_000)], "partly_refunded", 10_000, 5_000, "paid_more_than_once"),
        (
            [OPENED, paid(amount_minor=4_000), refund(1_000)],
            "partly_refunded",
            4_000,
            3_000,
            "amount_differs",
        ),
        # An inquiry takes no money; a later chargeback of the same dispute does.
        ([OPENED, PAID, inquiry(K.INQUIRY_OPENED)], "confirmed", 5_000, 5_000, ""),
        ([OPENED, PAID, inquiry(K.INQUIRY_ANSWERED)], "confirmed", 5_000, 5_000, ""),
        (
            [OPENED, PAID, inquiry(K.INQUIRY_OPENED), inquiry(K.INQUIRY_CLOSED)],
            "confirmed",
            5_000,
            5_000,
            "",
        ),
        (
            [OPENED, PAID, inquiry(K.INQUIRY_OPENED), dispute(K.DISPUTE_OPENED)],
            "disputed",
            5_000,
            0,
            "",
        ),
        (
            [OPENED, PAID, inquiry(K.INQUIRY_CLOSED), dispute(K.DISPUTE_OPENED, **LATER)],
            "disputed",
            5_000,
            0,
            "",
        ),
        (
            [OPENED, PAID, dispute(K.DISPUTE_OPENED), inquiry(K.INQUIRY_CLOSED, minutes=1)],
            "confirmed",
            5_000,
            5_000,
            "",
        ),
        # In these cases, the result of a dispute changes, or the dispute begins another round.
        (
            [OPENED, PAID, dispute(K.DISPUTE_LOST), dispute(K.DISPUTE_WON, **LATER)],
            "confirmed",
            5_000,
            5_000,
            "",
        ),
        (
            [OPENED, PAID, dispute(K.DISPUTE_LOST, **LATER), dispute(K.DISPUTE_WON)],
            "charged_back",
            5_000,
            0,
            "",
        ),
        (
            [OPENED, PAID, dispute(K.DISPUTE_OPENED, **LATER), dispute(K.DISPUTE_LOST)],
            "charged_back",
            5_000,
            0,
            "",
        ),
        (
            [OPENED, PAID, dispute(K.DISPUTE_WON, **LATER), dispute(K.DISPUTE_OPENED, **AGAIN)],
            "disputed",
            5_000,
            0,
            "",
        ),
        (
            [OPENED, PAID, dispute(K.DISPUTE_WON, **LATER), dispute(K.DISPUTE_LOST, **AGAIN)],
            "charged_back",
            5_000,
            0,
            "",
        ),
        (
            [
                *(OPENED, PAID, dispute(K.DISPUTE_LOST), dispute(K.DISPUTE_WON)),
                *(dispute(K.DISPUTE_LOST, **AGAIN), dispute(K.DISPUTE_WON, **AGAIN)),
            ],
            "confirmed",
            5_000,
            5_000,
            "",
        ),
    ],
    ids=case_id,
)
def test_what_facts_mean(facts: list[Fact], name: str, received: int, net: int, flags: str) -> None:
    """The facts of a gift give its status, the amounts received and net, and its flags."""
    status = status_of(facts)
    assert (status.name, status.received_minor, status.net_minor) == (name, received, net)
    assert " ".join(sorted(status.flags)) == flags


def test_every_status_is_in_the_table() -> None:
    """The table of `test_what_facts_mean` has every status and every flag at least once."""
    table = test_what_facts_mean.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {row[1] for row in table} == set(StatusName)
    assert {flag for row in table for flag in row[4].split()} == set(Flag)


def test_a_gift_is_received_at_its_earliest_payment() -> None:
    """A gift is received at the time of its earliest payment that was not undone."""
    late, early = paid("pi_2", happened_at=NOW + timedelta(days=1)), PAID
    undone = fact(K.TRANSFER_RECEIVED, "C1AB", 5_000, happened_at=NOW - timedelta(days=1))
    assert status_of([OPENED, late, early]).received_at == NOW
    assert status_of([OPENED, late, undone, UNDONE]).received_at == NOW + timedelta(days=1)
    assert status_of([OPENED, CHECKOUT]).received_at is None
