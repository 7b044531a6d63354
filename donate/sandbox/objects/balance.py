"""Balance transactions of the pretend Stripe account, with Stripe's fees.

Fees: https://stripe.com/en-ca/pricing. Currencies are never exchanged: each payment stays in its
own currency.
"""

from typing import Any

from donate.sandbox.currencies import decimals_of
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

CARD_RATE_PER_MILLE = 29
CARD_FIXED_FEE = 30
BANK_DEBIT_RATE_PER_MILLE = 10
BANK_DEBIT_FIXED_FEE = 40
BANK_DEBIT_MAX_FEE = 500
DISPUTE_FEE = 1_500
DAYS_UNTIL_AVAILABLE = 3

_DAY_S = 86_400


def payment_fee(amount: int, currency: str, method: str) -> int:
    """Return Stripe Canada's fee in minor units; half a unit is rounded up."""
    unit = 10 if decimals_of(currency) == 3 else 1
    if method == "acss_debit":
        fee = _share(amount, BANK_DEBIT_RATE_PER_MILLE) + BANK_DEBIT_FIXED_FEE * unit
        return min(fee, BANK_DEBIT_MAX_FEE * unit)
    return _share(amount, CARD_RATE_PER_MILLE) + CARD_FIXED_FEE * unit


def _share(amount: int, per_mille: int) -> int:
    return (amount * per_mille + 500) // 1_000


def book(
    store: Store,
    source: StripeObject,
    *,
    kind: str,
    category: str,
    amount: int,
    fee: int = 0,
    fee_description: str = "Stripe processing fees",
    description: str | None = None,
) -> StripeObject:
    """Add a balance transaction; `amount` is negative when money leaves."""
    currency = source["currency"]
    fee_details = [
        {
            "amount": fee,
            "application": None,
            "currency": currency,
            "description": fee_description,
            "type": "stripe_fee",
        }
    ]
    transaction: dict[str, Any] = {
        "id": store.new_id("txn_3"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": _midnight_after(store.now(), DAYS_UNTIL_AVAILABLE),
        "balance_type": "payments",
        "created": store.now(),
        "currency": currency,
        "description": description,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": fee_details if fee else [],
        "net": amount - fee,
        "reporting_category": category,
        "source": source["id"],
        "status": "pending",
        "type": kind,
    }
    store.balance_transactions.put(transaction)
    return transaction


def book_payment(store: Store, charge: StripeObject) -> None:
    method = charge["payment_method_details"]["type"]
    fee = payment_fee(charge["amount"], charge["currency"], method)
    kind = "charge" if method == "card" else "payment"
    transaction = book(
        store,
        charge,
        kind=kind,
        category="charge",
        amount=charge["amount"],
        fee=fee,
        description=charge["description"],
    )
    charge["balance_transaction"] = transaction["id"]


def as_of(transaction: StripeObject, now: int) -> StripeObject:
    """Return a balance transaction with its status at this time."""
    available = transaction["available_on"] <= now
    return {**transaction, "status": "available" if available else "pending"}


def _midnight_after(moment: int, days: int) -> int:
    return (moment // _DAY_S + days) * _DAY_S
