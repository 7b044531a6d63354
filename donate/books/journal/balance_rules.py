"""The account for each kind of transaction in Stripe's balance.

Stripe's category decides, because Stripe made the categories for accounting
(https://docs.stripe.com/reports/reporting-categories). The type decides if the category is missing
or unknown (https://docs.stripe.com/reports/balance-transaction-types). A test compares both lists
with Stripe's SDK. The other side of each entry is the Stripe clearing account, which is debited if
the amount is positive and credited if it is negative. The fee of a transaction is booked
separately, as Stripe reports it. A transaction without a rule is booked to the suspense account,
under Stripe's name for it.
"""

from dataclasses import dataclass
from typing import Final

from donate.books.journal.roles import AccountRole as Role
from donate.errors import N_


@dataclass(frozen=True, slots=True)
class BalanceRule:
    """A rule for some categories and types of transactions: their account, and the text of a line.

    `title` is a msgid. If `is_expected` is false, this charity should never have such a
    transaction. It is then booked to the suspense account, where a person looks at it.
    """

    role: Role
    title: str
    categories: tuple[str, ...]
    types: tuple[str, ...]
    is_expected: bool = True


UNKNOWN: Final = BalanceRule(
    Role.SUSPENSE, N_("Stripe: %(name)s, to be assigned"), (), (), is_expected=False
)

RULES: Final = (
    # Stripe calls every payment that is not by card a `payment`, also a debit of a bank account.
    BalanceRule(
        Role.STRIPE_RECEIVABLE, N_("Payments by donors"), ("charge",), ("charge", "payment")
    ),
    # A bank account was debited successfully, but the bank took the money back later.
    BalanceRule(
        Role.STRIPE_RECEIVABLE,
        N_("Returned payments"),
        ("charge_failure",),
        ("payment_failure_refund", "payment_reversal"),
    ),
    # A card was charged less than the authorized amount. This is not a refund.
    BalanceRule(
        Role.STRIPE_RECEIVABLE,
        N_("Uncaptured parts of payments"),
        ("partial_capture_reversal",),
        (),
    ),
    # Stripe keeps the fee of the payment, and may charge a fee for the refund. Book only the fees
    # that Stripe reports.
    BalanceRule(Role.STRIPE_RECEIVABLE, N_("Refunds"), ("refund",), ("refund", "payment_refund")),
    # A refund did not reach the donor, so the charity has the money again, and still owes it.
    BalanceRule(
        Role.STRIPE_RECEIVABLE, N_("Failed refunds"), ("refund_failure",), ("refund_failure",)
    ),
    # Several transactions may belong to one dispute.
    BalanceRule(Role.STRIPE_RECEIVABLE, N_("Disputes"), ("dispute",), ()),
    BalanceRule(Role.STRIPE_RECEIVABLE, N_("Disputes won"), ("dispute_reversal",), ()),
    BalanceRule(
        Role.STRIPE_FEES,
        N_("Stripe fees"),
        ("fee", "network_cost"),
        ("stripe_fee", "stripe_fx_fee", "fee_credit_funding"),
    ),
    BalanceRule(Role.FEE_TAX, N_("Tax on Stripe fees"), ("tax",), ("tax_fee",)),
    # A payout moves the charity's own money, so it is not income.
    BalanceRule(Role.PAYOUTS_IN_TRANSIT, N_("Payouts"), ("payout",), ("payout",)),
    BalanceRule(
        Role.PAYOUTS_IN_TRANSIT,
        N_("Returned payouts"),
        ("payout_reversal",),
        ("payout_failure", "payout_cancel"),
    ),
    BalanceRule(Role.PAYOUTS_IN_TRANSIT, N_("Stripe top-ups"), ("topup",), ("topup",)),
    BalanceRule(
        Role.PAYOUTS_IN_TRANSIT,
        N_("Returned top-ups"),
        ("topup_reversal",),
        ("topup_reversal",),
    ),
    BalanceRule(
        Role.STRIPE_HELD,
        N_("Stripe reserves"),
        ("risk_reserved_funds", "connect_reserved_funds"),
        (
            *("reserve_hold", "reserve_release", "reserve_transaction", "reserved_funds"),
            *("payment_network_reserve_hold", "payment_network_reserve_release"),
            *("payout_minimum_balance_hold", "payout_minimum_balance_release"),
        ),
    ),
    # Bank transfers to Stripe that belong to no payment.
    BalanceRule(
        Role.UNIDENTIFIED,
        N_("Transfers to Stripe without a payment"),
        ("unreconciled_customer_funds",),
        ("payment_unreconciled",),
    ),
    # Despite its name, a contribution is the charity's own payment to Stripe Climate.
    BalanceRule(
        Role.CLIMATE,
        N_("Stripe Climate"),
        ("contribution", "climate_order_purchase", "climate_order_refund"),
        ("contribution", "climate_order_purchase", "climate_order_refund"),
    ),
    BalanceRule(
        Role.STRIPE_LOAN,
        N_("Stripe Capital loan"),
        (
            *("advance", "advance_funding", "anticipation_repayment"),
            *("financing_payout", "financing_payout_reversal"),
            *("financing_paydown", "financing_paydown_reversal"),
        ),
        ("advance", "advance_funding", "anticipation_repayment"),
    ),
    # If Stripe gave an adjustment no other category, a person has to say what it is. The others
    # come from Stripe Connect, Issuing and Treasury, which this service does not use.
    BalanceRule(
        Role.SUSPENSE,
        UNKNOWN.title,
        (
            *("other_adjustment", "transfer", "transfer_reversal"),
            *("platform_earning", "platform_earning_refund", "connect_collection_transfer"),
            *("issuing_authorization_hold", "issuing_authorization_release"),
            *("issuing_dispute", "issuing_transaction"),
        ),
        (
            *("adjustment", "transfer", "transfer_cancel", "transfer_failure", "transfer_refund"),
            *("application_fee", "application_fee_refund", "connect_collection_transfer"),
            *("issuing_authorization_hold", "issuing_authorization_release", "issuing_dispute"),
            *("issuing_dispute_provisional_credit", "issuing_transaction"),
            *("issuing_dispute_provisional_credit_reversal", "tax_fund"),
            *("obligation_outbound", "obligation_reversal_inbound"),
            *("stripe_balance_payment_debit", "stripe_balance_payment_debit_reversal"),
            *("inbound_transfer", "inbound_transfer_reversal"),
        ),
        is_expected=False,
    ),
)

_BY_CATEGORY: Final = {category: rule for rule in RULES for category in rule.categories}
_BY_TYPE: Final = {type_: rule for rule in RULES for type_ in rule.types}


def balance_rule(type_: str, category: str) -> BalanceRule:
    """Return the rule for a transaction of Stripe's balance; UNKNOWN if there is none."""
    return _BY_CATEGORY.get(category) or _BY_TYPE.get(type_, UNKNOWN)


def balance_name(type_: str, category: str) -> str:
    """Return Stripe's own name for a transaction: its type, and its category if that differs."""
    return f"{type_} ({category})" if category not in ("", type_) else type_
