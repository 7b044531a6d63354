"""Payouts and balance transactions are read from Stripe's JSON without a guess."""

from datetime import date
from typing import Any

import pytest

from donate.stripe_gateway.balance.parser import (
    is_listed,
    read_balance_transaction,
    read_payout,
)
from donate.stripe_gateway.events.fields import UnusableEvent
from tests.stripe_gateway.balance.payouts import ASKED, charge, payout, transaction


def test_a_payout_is_read() -> None:
    """A payout has its amount, its day in UTC, its trace, and when we asked for it."""
    row = read_payout(payout(-1_250, id="po_9", failure_code="no_account"), ASKED)
    assert (row["payout_id"], row["amount_minor"], row["currency"]) == ("po_9", -1_250, "CAD")
    assert (row["arrives_on"], row["trace_id"]) == (date(2026, 3, 4), "TRACE-1")
    assert (row["failure_code"], row["read_at"]) == ("no_account", ASKED)


def test_a_payout_without_a_trace_is_read() -> None:
    """A bank may give no trace for days, and an old API version has none at all."""
    for trace in (None, {"status": "pending", "value": None}):
        assert read_payout(payout(trace_id=trace), ASKED)["trace_id"] == ""


def test_an_expanded_object_counts_as_its_id() -> None:
    """Stripe writes another object as an id or expanded, and both mean the same."""
    row = read_payout(payout(original_payout={"id": "po_1", "object": "payout"}), ASKED)
    assert row["original_payout"] == "po_1"


@pytest.mark.parametrize(
    ("more", "listed"),
    [
        pytest.param({}, True, id="reconciled"),
        pytest.param({"status": "in_transit"}, True, id="reconciled before it is paid"),
        pytest.param({"reconciliation_status": "in_progress"}, False, id="too early"),
        pytest.param({"reconciliation_status": None}, True, id="old API version"),
        pytest.param({"reconciliation_status": None, "status": "pending"}, False, id="old, open"),
        pytest.param({"automatic": False}, False, id="manual"),
        pytest.param({"method": "instant"}, False, id="instant"),
    ],
)
def test_only_automatic_payouts_are_listed(more: dict[str, Any], listed: bool) -> None:
    """Stripe lists the transactions of an automatic payout once it is reconciled."""
    assert is_listed(read_payout(payout(**more), ASKED)) is listed


def test_a_transaction_is_read() -> None:
    """A transaction has gross, fee, the tax in it and net as Stripe states them."""
    row = read_balance_transaction(transaction(5_000, 198, tax=23, source=charge("pi_7")), ASKED)
    assert [row[f"{name}_minor"] for name in ("amount", "fee", "tax", "net")] == [
        *(5_000, 198, 23, 4_802)
    ]
    assert (row["payment"], row["source_id"]) == ("pi_7", "ch_of_pi_7")
    assert (row["original_minor"], row["original_currency"], row["exchange_rate"]) == (0, "", "")


def test_a_source_need_not_be_a_payment() -> None:
    """The source may be an id, a payout, or missing; then there is no payment."""
    for source in ("po_1", {"id": "po_1", "object": "payout"}, None):
        assert read_balance_transaction(transaction(source=source), ASKED)["payment"] == ""


@pytest.mark.parametrize(
    "more",
    [
        {"net": 1},
        {"amount": "5000"},
        {"amount": 50.5},
        {"fee": None},
        {"amount": 10**16, "net": 10**16},
        {"currency": "zzz"},
        {"type": None},
        {"id": None},
        {"created": -1},
        {"available_on": None},
        {"fee_details": None},
        {"fee_details": [{"type": "tax", "amount": "1", "currency": "cad"}]},
        {"fee_details": ["tax"]},
        {"source": 7},
    ],
)
def test_a_malformed_transaction_is_refused(more: dict[str, Any]) -> None:
    """A missing or malformed field is refused, with a reason, and never guessed."""
    with pytest.raises(UnusableEvent, match=r"\w"):
        read_balance_transaction(transaction() | more, ASKED)


@pytest.mark.parametrize(
    "more",
    [
        {"amount": None},
        {"automatic": None},
        {"arrival_date": "soon"},
        {"status": ""},
        {"currency": None},
        {"method": None},
        {"id": "po 1"},
    ],
)
def test_a_malformed_payout_is_refused(more: dict[str, Any]) -> None:
    """A missing or malformed field is refused, with a reason, and never guessed."""
    with pytest.raises(UnusableEvent, match=r"\w"):
        read_payout(payout() | more, ASKED)


def test_a_card_number_in_a_description_is_not_stored() -> None:
    """A description with a card number is replaced, and control characters become spaces."""
    row = read_balance_transaction(transaction(description="Pay 4242 4242 4242 4242"), ASKED)
    assert "4242" not in row["description"]
    assert (
        read_balance_transaction(transaction(description="a\x00b"), ASKED)["description"] == "a b"
    )
