"""The accounts that the rules of the journal know, by what they are for."""

from enum import StrEnum
from typing import Final, NamedTuple


class AccountRole(StrEnum):
    """What an account is for. The charity's chart gives each role a number and a name.

    The money of a gift is first *receivable*: from Stripe, as a transfer, or as cheques and cash.
    It leaves that account when Stripe or the bank shows it, so the balance of a receivable is what
    was recorded and has not been seen yet.
    """

    BANK = "bank"
    STRIPE_CLEARING = "stripe_clearing"
    """Stripe's balance for payments. The account has the same balance on every day."""
    STRIPE_HELD = "stripe_held"
    """Reserves, and the other balances that Stripe keeps for the charity."""
    PAYOUTS_IN_TRANSIT = "payouts_in_transit"
    """Payouts that left Stripe and did not reach the bank yet, and top-ups the other way."""
    OWN_TRANSFERS = "own_transfers"
    """Transfers between the charity's own bank accounts."""
    STRIPE_RECEIVABLE = "stripe_receivable"
    TRANSFERS_RECEIVABLE = "transfers_receivable"
    """Gifts by e-Transfer and giving code."""
    UNDEPOSITED = "undeposited"
    """Cheques and cash that are not at the bank yet."""
    SUSPENSE = "suspense"
    """Amounts of Stripe that the rules do not know. A person moves them to their account."""
    UNIDENTIFIED = "unidentified"
    """Money at the bank that nobody could explain yet."""
    STRIPE_LOAN = "stripe_loan"
    """Loans from Stripe Capital."""
    DONATIONS = "donations"
    REFUNDS = "refunds"
    DISPUTES = "disputes"
    INTEREST = "interest"
    OTHER_RECEIPTS = "other_receipts"
    """Money in at the bank that staff marked as no gift."""
    OTHER_PAYMENTS = "other_payments"
    """Money out at the bank that has nothing to do with gifts."""
    BANK_FEES = "bank_fees"
    STRIPE_FEES = "stripe_fees"
    FEE_TAX = "fee_tax"
    """Tax on Stripe's fees. If the charity recovers it, this is an asset, otherwise an expense."""
    CLIMATE = "climate"
    """Contributions of the charity to Stripe Climate; they are no donations received."""


BY_FUND: Final = frozenset({AccountRole.DONATIONS, AccountRole.REFUNDS, AccountRole.DISPUTES})
"""The roles that a chart may split by fund."""

CONTROL: Final = frozenset(
    {
        AccountRole.BANK,
        AccountRole.STRIPE_CLEARING,
        AccountRole.STRIPE_HELD,
        AccountRole.PAYOUTS_IN_TRANSIT,
        AccountRole.OWN_TRANSFERS,
        AccountRole.STRIPE_RECEIVABLE,
        AccountRole.TRANSFERS_RECEIVABLE,
        AccountRole.UNDEPOSITED,
        AccountRole.SUSPENSE,
        AccountRole.UNIDENTIFIED,
    }
)
"""The roles whose balance is compared with something, so each needs an account of its own."""


class AccountKey(NamedTuple):
    """An account of the journal: its role, its currency, and a bank account or fund, if any."""

    role: AccountRole
    currency: str
    part: str = ""
