"""How the parser reads a session without money, in which a donor agrees to monthly debits."""

from typing import Any

import pytest

from donate.gifts.facts import FactKind
from donate.stripe_gateway.events.fields import IrrelevantEvent, UnusableEvent
from tests.stripe_gateway.readings import GIFT, METADATA, facts, read, reading


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
def test_what_an_agreement_tells(step: str, kind: FactKind) -> None:
    """A session without money means processing when completed; otherwise it failed or expired."""
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
def test_which_agreements_are_none_of_ours(step: str, more: dict[str, Any]) -> None:
    """A session without our gift, or with an unknown step, is ignored."""
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
def test_an_odd_agreement_is_never_guessed(more: dict[str, Any]) -> None:
    """A session that holds money although it should not, or lacks a field, is left to staff."""
    with pytest.raises(UnusableEvent):
        read("checkout.session.completed", agreement(**more))
