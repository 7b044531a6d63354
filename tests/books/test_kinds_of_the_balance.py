"""What each type of transaction that Stripe documents means, on pages and in the books."""

from typing import Final

import pytest

from donate.books.journal.balance_rules import balance_rule
from donate.books.journal.roles import AccountRole as Role
from donate.stripe_gateway.balance.categories import (
    KIND_OF_TYPE,
    NEEDS_A_LOOK,
    BalanceKind as Kind,
    balance_kind,
)

# The rows of Stripe's documents: category, types, kind, account.
ROWS: Final = (
    ("charge", "charge payment", Kind.GIFT, Role.STRIPE_RECEIVABLE),
    ("charge_failure", "payment_failure_refund", Kind.PAYMENT_FAILED, Role.STRIPE_RECEIVABLE),
    ("payment_reversal", "payment_reversal", Kind.PAYMENT_FAILED, Role.STRIPE_RECEIVABLE),
    ("refund", "refund payment_refund", Kind.REFUND, Role.STRIPE_RECEIVABLE),
    ("partial_capture_reversal", "refund", Kind.UNCAPTURED, Role.STRIPE_RECEIVABLE),
    ("refund_failure", "refund_failure adjustment", Kind.REFUND_FAILED, Role.STRIPE_RECEIVABLE),
    ("dispute", "adjustment", Kind.DISPUTE, Role.STRIPE_RECEIVABLE),
    ("dispute_reversal", "adjustment", Kind.DISPUTE_REVERSAL, Role.STRIPE_RECEIVABLE),
    ("fee", "adjustment stripe_fee", Kind.FEE, Role.STRIPE_FEES),
    ("other_adjustment", "adjustment", Kind.ADJUSTMENT, Role.SUSPENSE),
    ("tax", "tax_fee", Kind.TAX, Role.FEE_TAX),
    ("fee", "stripe_fx_fee", Kind.CONVERSION_FEE, Role.STRIPE_FEES),
    ("fee_credit", "fee_credit_funding", Kind.FEE_CREDIT, Role.STRIPE_FEES),
    ("payout", "payout", Kind.PAYOUT, Role.PAYOUTS_IN_TRANSIT),
    (
        "payout_reversal",
        "payout_failure payout_cancel",
        Kind.PAYOUT_FAILED,
        Role.PAYOUTS_IN_TRANSIT,
    ),
    (
        "",
        "payout_minimum_balance_hold payout_minimum_balance_release",
        Kind.HELD,
        Role.STRIPE_HELD,
    ),
    ("topup", "topup", Kind.OWN_MONEY, Role.PAYOUTS_IN_TRANSIT),
    ("topup_reversal", "topup_reversal", Kind.OWN_MONEY, Role.PAYOUTS_IN_TRANSIT),
    ("risk_reserved_funds", "reserve_hold reserve_release", Kind.HELD, Role.STRIPE_HELD),
    ("connect_reserved_funds", "reserved_funds reserve_transaction", Kind.HELD, Role.STRIPE_HELD),
    (
        "",
        "payment_network_reserve_hold payment_network_reserve_release",
        Kind.HELD,
        Role.STRIPE_HELD,
    ),
    ("unreconciled_customer_funds", "payment_unreconciled", Kind.UNCLAIMED, Role.UNIDENTIFIED),
    ("contribution", "contribution", Kind.OWN_MONEY, Role.CLIMATE),
    (
        "climate_order_purchase",
        "climate_order_purchase climate_order_refund",
        Kind.OWN_MONEY,
        Role.CLIMATE,
    ),
    (
        "transfer",
        "transfer transfer_refund transfer_cancel transfer_failure",
        Kind.PLATFORM,
        Role.SUSPENSE,
    ),
    (
        "platform_earning",
        "application_fee application_fee_refund connect_collection_transfer",
        Kind.PLATFORM,
        Role.SUSPENSE,
    ),
    ("advance", "advance advance_funding anticipation_repayment", Kind.LOAN, Role.STRIPE_LOAN),
    (
        "",
        (
            "issuing_authorization_hold issuing_authorization_release issuing_dispute "
            "issuing_dispute_provisional_credit issuing_dispute_provisional_credit_reversal "
            "issuing_transaction obligation_outbound obligation_reversal_inbound "
            "stripe_balance_payment_debit stripe_balance_payment_debit_reversal inbound_transfer "
            "inbound_transfer_reversal tax_fund"
        ),
        Kind.UNEXPECTED,
        Role.SUSPENSE,
    ),
    ("something_new", "brand_new_type", Kind.UNKNOWN, Role.SUSPENSE),
)
CASES: Final = [
    (type_, category, kind, role) for category, types, kind, role in ROWS for type_ in types.split()
]
TOLD: Final = {
    *(Kind.CONVERSION_FEE, Kind.UNCLAIMED, Kind.LOAN, Kind.PLATFORM, Kind.UNEXPECTED),
    Kind.UNKNOWN,
}


@pytest.mark.parametrize(("type_", "category", "kind", "role"), CASES)
def test_each_type_has_its_meaning_and_its_account(
    type_: str, category: str, kind: Kind, role: Role
) -> None:
    """Pages name it, the journal books it, and staff are told of what a charity does not expect."""
    assert balance_kind(type_, category) is kind
    assert balance_rule(type_, category).role is role
    assert (kind in NEEDS_A_LOOK) == (kind in TOLD)


def test_no_known_type_is_left_out() -> None:
    """The table has each type that the service knows; another test compares these with the SDK."""
    assert KIND_OF_TYPE.keys() <= {type_ for type_, *_ in CASES}
