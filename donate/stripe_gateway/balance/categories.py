"""Maps each balance transaction to its meaning in the charity's books. Pure.

Stripe's `reporting_category` decides where it says more than `type`. For example, a refund of an
uncaptured part, or an adjustment for a dispute, cannot be recognized by `type` alone. Sources:
https://docs.stripe.com/reports/balance-transaction-types and
https://docs.stripe.com/reports/reporting-categories
"""

from enum import StrEnum
from typing import Final

from donate.errors import N_


class BalanceKind(StrEnum):
    """The meaning of a balance transaction in the books. Pages list the kinds in this order."""

    GIFT = "gift"
    PAYMENT_FAILED = "payment_failed"
    """A bank debit that had succeeded, but that the donor's bank returned later."""
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"
    UNCAPTURED = "uncaptured"
    """The part of a card authorization that was never charged. It is not a refund."""
    DISPUTE = "dispute"
    DISPUTE_REVERSAL = "dispute_reversal"
    FEE = "fee"
    CONVERSION_FEE = "conversion_fee"
    FEE_CREDIT = "fee_credit"
    TAX = "tax"
    ADJUSTMENT = "adjustment"
    HELD = "held"
    """Money that Stripe holds back or releases. It still belongs to the charity."""
    UNCLAIMED = "unclaimed"
    """A bank transfer to Stripe that belongs to no payment yet."""
    OWN_MONEY = "own_money"
    """The charity's own money: sent to Stripe or returned by Stripe, or given to Stripe Climate.

    It is never a donation that was received.
    """
    LOAN = "loan"
    PLATFORM = "platform"
    """Only platforms with connected accounts have these, so staff have to look into them."""
    UNEXPECTED = "unexpected"
    """A type that Stripe documents, but for products that this service does not use."""
    PAYOUT = "payout"
    PAYOUT_FAILED = "payout_failed"
    """A payout that failed or was canceled, so its money is back in the Stripe balance."""
    UNKNOWN = "unknown"
    """A type that this version of the service does not know."""


KIND_TITLES: Final[dict[BalanceKind, str]] = {
    BalanceKind.GIFT: N_("Gifts"),
    BalanceKind.PAYMENT_FAILED: N_("Debits returned by the bank"),
    BalanceKind.REFUND: N_("Refunds"),
    BalanceKind.REFUND_FAILED: N_("Refunds that failed"),
    BalanceKind.UNCAPTURED: N_("Amounts never charged"),
    BalanceKind.DISPUTE: N_("Disputes"),
    BalanceKind.DISPUTE_REVERSAL: N_("Disputes won or withdrawn"),
    BalanceKind.FEE: N_("Stripe’s fees billed separately"),
    BalanceKind.CONVERSION_FEE: N_("Currency conversion fees"),
    BalanceKind.FEE_CREDIT: N_("Fee credits"),
    BalanceKind.TAX: N_("Taxes on fees billed separately"),
    BalanceKind.ADJUSTMENT: N_("Other adjustments by Stripe"),
    BalanceKind.HELD: N_("Held back or released by Stripe"),
    BalanceKind.UNCLAIMED: N_("Bank transfers not matched by Stripe"),
    BalanceKind.OWN_MONEY: N_("Our own money"),
    BalanceKind.LOAN: N_("Loans from Stripe"),
    BalanceKind.PLATFORM: N_("Connect platform: please check"),
    BalanceKind.UNEXPECTED: N_("Other Stripe products: please check"),
    BalanceKind.PAYOUT: N_("Payouts"),
    BalanceKind.PAYOUT_FAILED: N_("Payouts that failed"),
    BalanceKind.UNKNOWN: N_("Unknown to this service: please check"),
}

NEEDS_A_LOOK: Final = frozenset(
    {
        BalanceKind.CONVERSION_FEE,
        BalanceKind.UNCLAIMED,
        BalanceKind.LOAN,
        BalanceKind.PLATFORM,
        BalanceKind.UNEXPECTED,
        BalanceKind.UNKNOWN,
    }
)
"""The kinds that a charity in one currency does not expect, so staff should look into them."""

# Maps a pair of type and reporting category to its kind, if the category says more than the type
# does.
_BY_BOTH: Final[dict[tuple[str, str], BalanceKind]] = {
    ("refund", "partial_capture_reversal"): BalanceKind.UNCAPTURED,
    ("payment_refund", "partial_capture_reversal"): BalanceKind.UNCAPTURED,
    ("adjustment", "dispute"): BalanceKind.DISPUTE,
    ("adjustment", "dispute_reversal"): BalanceKind.DISPUTE_REVERSAL,
    ("adjustment", "refund_failure"): BalanceKind.REFUND_FAILED,
    ("adjustment", "charge_failure"): BalanceKind.PAYMENT_FAILED,
    ("adjustment", "fee"): BalanceKind.FEE,
    ("adjustment", "tax"): BalanceKind.TAX,
    ("adjustment", "network_cost"): BalanceKind.FEE,
    ("adjustment", "charge"): BalanceKind.ADJUSTMENT,
    ("adjustment", "other_adjustment"): BalanceKind.ADJUSTMENT,
    ("adjustment", "risk_reserved_funds"): BalanceKind.HELD,
    ("adjustment", "connect_reserved_funds"): BalanceKind.HELD,
    ("adjustment", "platform_earning"): BalanceKind.PLATFORM,
    ("adjustment", "platform_earning_refund"): BalanceKind.PLATFORM,
}
_TYPES: Final[dict[BalanceKind, str]] = {
    BalanceKind.GIFT: "charge payment",
    BalanceKind.PAYMENT_FAILED: "payment_failure_refund payment_reversal",
    BalanceKind.REFUND: "refund payment_refund",
    BalanceKind.REFUND_FAILED: "refund_failure",
    BalanceKind.ADJUSTMENT: "adjustment",
    BalanceKind.FEE: "stripe_fee",
    BalanceKind.TAX: "tax_fee",
    BalanceKind.CONVERSION_FEE: "stripe_fx_fee",
    BalanceKind.FEE_CREDIT: "fee_credit_funding",
    BalanceKind.PAYOUT: "payout",
    BalanceKind.PAYOUT_FAILED: "payout_failure payout_cancel",
    BalanceKind.HELD: (
        "payout_minimum_balance_hold payout_minimum_balance_release reserve_hold reserve_release "
        "reserved_funds reserve_transaction payment_network_reserve_hold "
        "payment_network_reserve_release"
    ),
    BalanceKind.UNCLAIMED: "payment_unreconciled",
    BalanceKind.OWN_MONEY: (
        "topup topup_reversal contribution climate_order_purchase climate_order_refund"
    ),
    BalanceKind.LOAN: "advance advance_funding anticipation_repayment",
    BalanceKind.PLATFORM: (
        "transfer transfer_refund transfer_cancel transfer_failure application_fee "
        "application_fee_refund connect_collection_transfer"
    ),
    BalanceKind.UNEXPECTED: (
        "issuing_authorization_hold issuing_authorization_release issuing_dispute "
        "issuing_dispute_provisional_credit issuing_dispute_provisional_credit_reversal "
        "issuing_transaction obligation_outbound obligation_reversal_inbound "
        "stripe_balance_payment_debit stripe_balance_payment_debit_reversal inbound_transfer "
        "inbound_transfer_reversal tax_fund"
    ),
}
KIND_OF_TYPE: Final[dict[str, BalanceKind]] = {
    name: kind for kind, names in _TYPES.items() for name in names.split()
}
"""Maps each type that Stripe's API documents to its kind."""


def balance_kind(type_: str, reporting_category: str) -> BalanceKind:
    """Return the meaning of this type and reporting category in the books."""
    exact = _BY_BOTH.get((type_, reporting_category))
    return exact or KIND_OF_TYPE.get(type_, BalanceKind.UNKNOWN)
