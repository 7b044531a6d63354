"""How the parser reads the setup session in which a donor agrees to monthly debits."""

from typing import Any

import pytest

from donate.gifts.facts import FactKind
from donate.stripe_gateway.events.fields import IrrelevantEvent, UnusableEvent
from tests.stripe_gateway.parsing import GIFT, METADATA, facts, read, reading


def agreement(**more: Any) -> dict[str, Any]:
    options = {"acss_debit": {"currency": "cad"}}
    names = {"id": "cs_1", "mode": "setup", "client_reference_id": METADATA["reference"]}
    rest = {"payment_status": "no_payment_required", "payment_method_options": options}
    return names | rest | {"metadata": METADATA} | more


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        ("completed", FactKind.PAYMENT_PROCESSING),
        ("async_payment_failed", FactKind.PAYMENT_FAILED),
        ("expired", FactKind.CHECKOUT_EXPIRED),
    ],
)
def test_how_a_setup_session_is_read(step: str, kind: FactKind) -> None:
    """A setup session that completes makes the gift processing; it may also fail or expire."""
    result = reading(f"checkout.session.{step}", agreement())
    assert facts(result) == [("checkout_opened", "cs_1", None), (kind, "cs_1", None)]
    assert str(result.gift_id) == GIFT
    assert result.facts[0].evidence == {"attempt": 2}
    assert result.facts[1].evidence == ({"agreement": "cs_1"} if step == "completed" else {})
    assert result.claim
    claim = result.claim
    assert (claim.attempt, claim.session_id, claim.monthly) == (2, "cs_1", True)
    assert (result.claim.amount_minor, result.claim.currency) == (None, "CAD")


@pytest.mark.parametrize(
    ("step", "more"),
    [
        ("completed", {"metadata": {}}),
        ("completed", {"metadata": None}),
        ("async_payment_succeeded", {}),
    ],
    ids=["others", "no metadata", "another step"],
)
def test_which_setup_sessions_are_ignored(step: str, more: dict[str, Any]) -> None:
    """A setup session without our metadata, or with an unknown event type, is ignored."""
    assert isinstance(read(f"checkout.session.{step}", agreement(**more)), IrrelevantEvent)


@pytest.mark.parametrize(
    "more",
    [
        {"payment_status": "paid"},
        {"payment_status": None},
        {"payment_method_options": None},
        {"payment_method_options": {"acss_debit": None}},
        {"metadata": METADATA | {"attempt": None}},
        {"client_reference_id": None},
    ],
    ids=["paid", "no status", "no options", "no debits", "no attempt", "no reference"],
)
def test_an_invalid_setup_session_is_unusable(more: dict[str, Any]) -> None:
    """A setup session is unusable if it is marked as paid or lacks a field that we need."""
    with pytest.raises(UnusableEvent):
        read("checkout.session.completed", agreement(**more))
