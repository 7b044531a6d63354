"""Manual and instant payouts at the sandbox, and the lists and pages that show payouts."""

from typing import Any

import pytest
import stripe

from tests.sandbox.paid_account import PaidAccount, amounts


def test_a_manual_payout_is_not_itemised(account: PaidAccount) -> None:
    """Stripe does not tell which transactions a manual payout includes."""
    manual = manual_payout(account)
    assert (manual.automatic, manual.reconciliation_status) == (False, "not_applicable")
    with pytest.raises(stripe.InvalidRequestError, match="only be filtered on automatic"):
        account.lines(payout=manual.id)
    assert [line.id for line in account.lines(source=manual.id)] == [manual.balance_transaction]


def test_a_pending_manual_payout_can_be_canceled(account: PaidAccount) -> None:
    """Canceling a pending manual payout puts its money back; later it cannot be canceled."""
    payouts = account.client.v1.payouts
    manual = manual_payout(account)
    canceled = payouts.cancel(manual.id)
    assert canceled.status == "canceled"
    types = [line.type for line in account.lines(source=manual.id)]
    assert sorted(types) == ["payout", "payout_cancel"]
    assert amounts(account, "available") == {"cad": 2_397}
    with pytest.raises(stripe.InvalidRequestError):
        payouts.cancel(manual.id)


def test_an_instant_payout_costs_a_fee(account: PaidAccount) -> None:
    """An instant payout arrives at once, and its fee is in its balance transaction."""
    instant = manual_payout(account, amount=1_000, method="instant")
    own = account.client.v1.balance_transactions.retrieve(instant.balance_transaction)
    assert (own.amount, own.fee, own.net) == (-1_000, 60, -1_060)
    account.go_to(account.now + 3_600)
    assert account.client.v1.payouts.retrieve(instant.id).status == "paid"


def test_a_payout_needs_money(account: PaidAccount) -> None:
    """A payout of more than the available balance is refused."""
    with pytest.raises(stripe.InvalidRequestError) as refused:
        account.client.v1.payouts.create({"amount": 100, "currency": "cad"})
    assert refused.value.code == "balance_insufficient"


def test_payouts_are_found_by_status_and_arrival(account: PaidAccount) -> None:
    """The list of payouts can be narrowed by status and by the date of arrival."""
    account.pay(2_500)
    account.wait(3)
    account.pay(1_000)
    account.wait(3)
    first, second = account.payouts()
    assert [payout.id for payout in account.payouts(status="paid")] == [first.id]
    later: Any = {"gt": first.arrival_date}
    assert [payout.id for payout in account.payouts(arrival_date=later)] == [second.id]


def test_metadata_of_a_payout_can_be_changed(account: PaidAccount) -> None:
    """A payout's metadata is the only part of it that can be changed."""
    manual = manual_payout(account, metadata={"month": "August", "by": "staff"})
    changed = account.client.v1.payouts.update(manual.id, {"metadata": {"by": "", "note": "x"}})
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"month": "August", "note": "x"}


@pytest.mark.parametrize(("path", "name"), [("balance", "balance"), ("payouts", "payout")])
def test_a_key_needs_permission_for_payouts(account: PaidAccount, path: str, name: str) -> None:
    """A restricted key reads the balance and payouts only with permissions of these names."""
    account.sandbox.control("POST", "/_sandbox/account", permissions={name: "none"})
    with pytest.raises(stripe.PermissionError, match=f"'{name}_read'"):
        account.client.raw_request("get", f"/v1/{path}")
    assert account.lines() == []
    account.sandbox.control("POST", "/_sandbox/account", permissions={})


def test_the_front_page_shows_balance_and_payouts(account: PaidAccount) -> None:
    """The sandbox's front page shows the balance of each currency and the payouts."""
    account.pay(2_500)
    account.wait(5)
    account.pay(1_000)
    page = account.sandbox.http.get("/").text
    (payout,) = account.payouts()
    for text in (payout.id, "23.97", "2026-08-07", "9.41"):
        assert text in page


def manual_payout(account: PaidAccount, amount: int = 2_397, **more: Any) -> Any:
    """Pay 25.00 CAD, wait until the net amount is available, and pay it out by hand."""
    account.sandbox.control("POST", "/_sandbox/payouts/schedule", interval="manual", delay_days=2)
    account.pay(2_500)
    account.wait(2)
    params: Any = {"amount": amount, "currency": "cad", **more}
    return account.client.v1.payouts.create(params)
