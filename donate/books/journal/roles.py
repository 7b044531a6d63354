"""The roles of the journal's accounts. The rules refer to accounts by these roles."""

from enum import StrEnum
from typing import Final, NamedTuple


class AccountRole(StrEnum):
    """The role of an account. The charity's chart of accounts gives each role a number and a name.

    The money of a gift is first booked as *receivable*: from Stripe, as a transfer, or as cheques
    and cash. It leaves the receivable account once Stripe or the bank shows the money. So the
    balance of a receivable account is the money that was recorded but not seen yet.
    """

    BANK = "bank"
    STRIPE_CLEARING = "stripe_clearing"
    """Stripe's payments balance. This account's balance always equals Stripe's."""
    STRIPE_HELD = "stripe_held"
    """Reserves, and the other balances that Stripe keeps for the charity."""
    PAYOUTS_IN_TRANSIT = "payouts_in_transit"
    """Payouts that left Stripe but have not reached the bank, and top-ups the other way."""
    OWN_TRANSFERS = "own_transfers"
    """Transfers between the charity's own bank accounts."""
    STRIPE_RECEIVABLE = "stripe_receivable"
    TRANSFERS_RECEIVABLE = "transfers_receivable"
    """Gifts by e-Transfer and giving code."""
    UNDEPOSITED = "undeposited"
    """Cheques and cash that are not at the bank yet."""
    CURRENCY_EXCHANGE = "currency_exchange"
    """Money that Stripe exchanged. Each currency has its own account, so that each balances.

    The account of the gift's currency is debited with what was given, and that of the other
    currency credited with what came of it. The two balances are never added up.
    """
    SUSPENSE = "suspense"
    """Stripe transactions for which there is no rule. A person moves each to the right account."""
    UNIDENTIFIED = "unidentified"
    """Money at the bank that nobody has explained yet."""
    STRIPE_LOAN = "stripe_loan"
    """Loans from Stripe Capital."""
    DONATIONS = "donations"
    REFUNDS = "refunds"
    DISPUTES = "disputes"
    INTEREST = "interest"
    OTHER_RECEIPTS = "other_receipts"
    """Money received at the bank that staff marked as not being a gift."""
    OTHER_PAYMENTS = "other_payments"
    """Money paid from the bank that has nothing to do with gifts."""
    BANK_FEES = "bank_fees"
    STRIPE_FEES = "stripe_fees"
    FEE_TAX = "fee_tax"
    """Tax on Stripe's fees. If the charity recovers it, this is an asset, otherwise an expense."""
    CLIMATE = "climate"
    """The charity's payments to Stripe Climate.

    They are not donations that the charity received.
    """


BY_FUND: Final = frozenset({AccountRole.DONATIONS, AccountRole.REFUNDS, AccountRole.DISPUTES})
"""The roles that a chart of accounts may split by fund."""

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
        AccountRole.CURRENCY_EXCHANGE,
        AccountRole.SUSPENSE,
        AccountRole.UNIDENTIFIED,
    }
)
"""Roles whose balance is compared with another figure. So each of them needs its own account."""


class AccountKey(NamedTuple):
    """An account in the journal: its role, its currency, and a bank account or fund, if any."""

    role: AccountRole
    currency: str
    part: str = ""
