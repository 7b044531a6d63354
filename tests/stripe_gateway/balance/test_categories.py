"""What each kind of balance transaction means in the charity's books."""

import inspect
import re

import pytest
import stripe

from donate.stripe_gateway.balance.categories import (
    KIND_OF_TYPE,
    KIND_TITLES,
    BalanceKind,
    balance_kind,
)


@pytest.mark.parametrize(
    ("type_", "category", "kind"),
    [
        ("charge", "charge", BalanceKind.GIFT),
        ("payment", "charge", BalanceKind.GIFT),
        ("payment_failure_refund", "charge_failure", BalanceKind.PAYMENT_FAILED),
        ("payment_reversal", "payment_reversal", BalanceKind.PAYMENT_FAILED),
        ("refund", "refund", BalanceKind.REFUND),
        ("payment_refund", "refund", BalanceKind.REFUND),
        ("refund", "partial_capture_reversal", BalanceKind.UNCAPTURED),
        ("refund_failure", "refund_failure", BalanceKind.REFUND_FAILED),
        ("adjustment", "refund_failure", BalanceKind.REFUND_FAILED),
        ("adjustment", "dispute", BalanceKind.DISPUTE),
        ("adjustment", "dispute_reversal", BalanceKind.DISPUTE_REVERSAL),
        ("adjustment", "fee", BalanceKind.FEE),
        ("adjustment", "other_adjustment", BalanceKind.ADJUSTMENT),
        ("adjustment", "something_new", BalanceKind.ADJUSTMENT),
        ("stripe_fee", "fee", BalanceKind.FEE),
        ("tax_fee", "tax", BalanceKind.TAX),
        ("stripe_fx_fee", "fee", BalanceKind.CONVERSION_FEE),
        ("fee_credit_funding", "fee_credit", BalanceKind.FEE_CREDIT),
        ("payout", "payout", BalanceKind.PAYOUT),
        ("payout_failure", "payout_reversal", BalanceKind.PAYOUT_FAILED),
        ("payout_cancel", "payout_reversal", BalanceKind.PAYOUT_FAILED),
        ("payout_minimum_balance_hold", "", BalanceKind.HELD),
        ("reserve_release", "risk_reserved_funds", BalanceKind.HELD),
        ("topup", "topup", BalanceKind.OWN_MONEY),
        ("contribution", "contribution", BalanceKind.OWN_MONEY),
        ("payment_unreconciled", "unreconciled_customer_funds", BalanceKind.UNCLAIMED),
        ("transfer", "transfer", BalanceKind.PLATFORM),
        ("application_fee", "platform_earning", BalanceKind.PLATFORM),
        ("advance", "advance", BalanceKind.LOAN),
        ("issuing_transaction", "issuing_transaction", BalanceKind.UNEXPECTED),
        ("brand_new_type", "charge", BalanceKind.UNKNOWN),
    ],
)
def test_type_and_category_decide(type_: str, category: str, kind: BalanceKind) -> None:
    """The type decides what a transaction is, and the category where it says more."""
    assert balance_kind(type_, category) is kind


def test_every_type_that_stripe_describes_is_known() -> None:
    """Each type in the SDK's description of balance transactions has a kind of its own."""
    source = inspect.getsource(stripe.BalanceTransaction)
    block = source[source.index("\n    type: ") :]
    types = set(re.findall(r'"([a-z_]+)"', block[: block.index("]")]))
    assert len(types) >= 50
    assert types - KIND_OF_TYPE.keys() == set()


def test_every_kind_has_a_title() -> None:
    """Pages have a title for each kind, and no two are the same."""
    assert set(KIND_TITLES) == set(BalanceKind)
    assert len(set(KIND_TITLES.values())) == len(BalanceKind)
