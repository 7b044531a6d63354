"""Which facts the parser reads from each type of event, and which events it ignores."""

from typing import Any

import pytest

from donate.stripe_gateway.events.fields import Claim, IrrelevantEvent, Reading
from tests.stripe_gateway.examples import (
    AT,
    CHARGE,
    COMPLETED,
    CREATED,
    DECLINE,
    DISPUTE,
    EXPIRED,
    FAILED,
    GIFT_ID,
    LATER,
    REFUND,
    SESSION,
    read,
)


def label(value: Any) -> str:
    """Return a short id for a test case."""
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return f"{value['object']} {value['status']}" if isinstance(value, dict) else str(value)


def facts(reading: Reading | IrrelevantEvent) -> list[tuple[str, str, int | None]]:

    assert isinstance(reading, Reading)
    assert {(fact.happened_at, fact.actor) for fact in reading.facts} == {(AT, "stripe")}
    return [(str(fact.kind), fact.source_id, fact.amount_minor) for fact in reading.facts]


@pytest.mark.parametrize(
    ("kind", "payment_status", "expected"),
    [
        (COMPLETED, "paid", ("payment_succeeded", "pi_1", 5_000)),
        (COMPLETED, "unpaid", ("payment_processing", "cs_test_1", None)),
        (LATER, "paid", ("payment_succeeded", "pi_1", 5_000)),
        (FAILED, "unpaid", ("payment_failed", "cs_test_1", None)),
        (EXPIRED, "unpaid", ("checkout_expired", "cs_test_1", None)),
    ],
    ids=label,
)
def test_how_a_session_is_read(
    kind: str, payment_status: str, expected: tuple[str, str, int | None]
) -> None:
    """A session event gives two facts, and a `Claim` with what it says about its gift."""
    reading = read(kind, SESSION, payment_status=payment_status)
    assert facts(reading) == [("checkout_opened", "cs_test_1", None), expected]
    assert isinstance(reading, Reading)
    assert (reading.gift_id, reading.payment) == (GIFT_ID, None)
    assert reading.claim == Claim("LWCAN-7KQ4M2X", False, "CAD", 5_000, "cs_test_1", 1)
    assert reading.facts[0].evidence == {"attempt": 1}


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        ("refund.created", REFUND, ("refund_succeeded", "re_1", 1_000)),
        ("refund.updated", REFUND | {"status": "pending"}, ("refund_started", "re_1", 1_000)),
        (
            "refund.created",
            REFUND | {"status": "requires_action"},
            ("refund_started", "re_1", 1_000),
        ),
        ("refund.failed", REFUND | {"status": "failed"}, ("refund_failed", "re_1", 1_000)),
        (
            "charge.refund.updated",
            REFUND | {"status": "canceled"},
            ("refund_failed", "re_1", 1_000),
        ),
        ("charge.dispute.created", DISPUTE, ("dispute_opened", "dp_1", 1_000)),
        ("charge.dispute.closed", DISPUTE | {"status": "won"}, ("dispute_won", "dp_1", 1_000)),
        ("charge.dispute.closed", DISPUTE | {"status": "lost"}, ("dispute_lost", "dp_1", 1_000)),
        ("charge.dispute.created", DISPUTE | {"status": "lost"}, ("dispute_lost", "dp_1", 1_000)),
    ],
    ids=label,
)
def test_how_a_refund_or_dispute_is_read(
    kind: str, content: dict[str, Any], expected: tuple[str, str, int]
) -> None:
    """An event about a refund or dispute gives one fact and names the payment."""
    reading = read(kind, content)
    assert facts(reading) == [expected]
    assert isinstance(reading, Reading)
    assert (reading.gift_id, reading.payment, reading.claim) == (None, "pi_1", None)
    assert {fact.currency for fact in reading.facts} == {"CAD"}


def balance_of(*amounts: int) -> dict[str, Any]:
    """Return a dispute's balance transactions with these amounts, a minute apart."""
    moves = [
        {"amount": amount, "created": CREATED + 60 * n, "currency": "cad", "fee": 0}
        for n, amount in enumerate(amounts)
    ]
    return {"balance_transactions": moves}


@pytest.mark.parametrize(
    ("step", "status", "moves", "expected"),
    [
        ("created", "warning_needs_response", (), ("inquiry_opened", "dp_1", None)),
        ("updated", "warning_under_review", (), ("inquiry_answered", "dp_1", None)),
        ("closed", "warning_closed", (), ("inquiry_closed", "dp_1", None)),
        ("closed", "prevented", (), ("inquiry_closed", "dp_1", None)),
        # Once money has moved, an inquiry is a dispute, even if Stripe's status still says inquiry.
        ("funds_withdrawn", "warning_needs_response", (), ("dispute_opened", "dp_1", 1_000)),
        ("updated", "warning_under_review", (-1_000,), ("dispute_opened", "dp_1", 1_000)),
        ("updated", "needs_response", (), ("dispute_opened", "dp_1", 1_000)),
        ("funds_withdrawn", "needs_response", (-1_000,), ("dispute_opened", "dp_1", 1_000)),
        ("closed", "prevented", (-1_000,), ("dispute_lost", "dp_1", 1_000)),
        ("closed", "warning_closed", (-1_000, 1_000), ("dispute_won", "dp_1", 1_000)),
        # Won and lost disputes, and disputes that begin another round after their end.
        ("closed", "lost", (-1_000,), ("dispute_lost", "dp_1", 1_000)),
        ("funds_reinstated", "won", (-1_000, 1_000), ("dispute_won", "dp_1", 1_000)),
        ("updated", "won", (-1_000,), ("dispute_won", "dp_1", 1_000)),
        ("funds_reinstated", "under_review", (-1_000, 1_000), ("dispute_won", "dp_1", 1_000)),
        ("updated", "lost", (-1_000, 1_000), ("dispute_lost", "dp_1:2", 1_000)),
        ("updated", "under_review", (-1_000, 1_000, -1_000), ("dispute_opened", "dp_1:2", 1_000)),
        ("closed", "won", (-1_000, 1_000, -1_000, 1_000), ("dispute_won", "dp_1:2", 1_000)),
        # If only a part of the money comes back, the dispute has not ended.
        ("funds_reinstated", "needs_response", (-1_000, 200), ("dispute_opened", "dp_1", 1_000)),
        ("closed", "lost", (-1_000, 200), ("dispute_lost", "dp_1", 1_000)),
    ],
    ids=label,
)
def test_how_each_step_of_a_dispute_is_read(
    step: str, status: str, moves: tuple[int, ...], expected: tuple[str, str, int | None]
) -> None:
    """An inquiry becomes a dispute when money moves; the next withdrawal begins a new round."""
    reading = read(f"charge.dispute.{step}", DISPUTE | {"status": status} | balance_of(*moves))
    assert facts(reading) == [expected]


def test_the_deadline_of_a_dispute_is_kept() -> None:
    """The bank's deadline for an answer is in the fact's evidence, if it is a valid time."""
    for due_by, kept in ((CREATED, AT.isoformat()), (None, None), (-1, None), ("soon", None)):
        reading = read(
            "charge.dispute.created",
            DISPUTE | {"status": "warning_needs_response", "evidence_details": {"due_by": due_by}},
        )
        assert isinstance(reading, Reading)
        assert reading.facts[0].evidence.get("due_by") == kept


@pytest.mark.parametrize(
    ("kind", "content", "source_id", "evidence"),
    [
        (
            "payment_intent.payment_failed",
            DECLINE,
            "ch_1",
            {"code": "card_declined", "decline_code": "insufficient_funds"},
        ),
        ("payment_intent.payment_failed", DECLINE | {"latest_charge": None}, "evt_1", None),
        ("payment_intent.payment_failed", DECLINE | {"latest_charge": "x" * 999}, "evt_1", None),
        ("payment_intent.payment_failed", DECLINE | {"latest_charge": "\x00"}, "evt_1", None),
        ("payment_intent.payment_failed", DECLINE | {"last_payment_error": None}, "ch_1", {}),
        ("payment_intent.payment_failed", DECLINE | {"last_payment_error": [1]}, "ch_1", {}),
        ("charge.failed", CHARGE, "ch_1", {"code": "expired"}),
    ],
    ids=[
        "a charge",
        "no charge",
        "a long charge id",
        "an odd charge id",
        "no error",
        "an odd error",
        "a failed charge",
    ],
)
def test_how_a_declined_payment_is_read(
    kind: str, content: dict[str, Any], source_id: str, evidence: dict[str, str] | None
) -> None:
    """A declined payment gives one fact without an amount; the charge's id is its source."""
    reading = read(kind, content)
    assert facts(reading) == [("payment_declined", source_id, None)]
    assert isinstance(reading, Reading)
    assert reading.gift_id == GIFT_ID
    assert evidence is None or reading.facts[0].evidence == evidence


@pytest.mark.parametrize(
    "kind", ["customer.created", "x", "charge", "charge.refunded", "refund", "."]
)
def test_an_unknown_event_type_is_ignored(kind: str) -> None:
    """An event of an unknown type is ignored."""
    assert isinstance(read(kind, {}), IrrelevantEvent)


@pytest.mark.parametrize(
    ("kind", "content", "more"),
    [
        (COMPLETED, SESSION, {"metadata": {}}),
        (COMPLETED, SESSION, {"metadata": None}),
        (COMPLETED, SESSION, {"metadata": {"order": "7"}, "mode": "subscription"}),
        ("refund.created", REFUND, {"payment_intent": None}),
        ("charge.dispute.created", DISPUTE, {"payment_intent": None}),
        ("payment_intent.payment_failed", DECLINE, {"metadata": {}}),
        ("checkout.session.something_new", SESSION, {}),
    ],
    ids=[
        "empty metadata",
        "no metadata",
        "another system",
        "a refund without a payment",
        "a dispute without a payment",
        "a decline without a gift",
        "an unknown step",
    ],
)
def test_an_event_of_another_program_is_ignored(
    kind: str, content: dict[str, Any], more: dict[str, Any]
) -> None:
    """An event about a payment that this service did not begin is ignored."""
    assert isinstance(read(kind, content, **more), IrrelevantEvent)
