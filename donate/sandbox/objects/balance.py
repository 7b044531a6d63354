"""The balance transactions of the pretend Stripe account, with Stripe's fees.

Fees: https://stripe.com/en-ca/pricing. Each payment stays in its own currency, unless the account
settles in a single one. Fees are in the currency of the balance.
"""

from typing import Any

from donate.sandbox.currencies import decimals_of
from donate.sandbox.objects.exchange import Settled, settled
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

CARD_RATE_PER_MILLE = 29
CARD_FIXED_FEE = 30
BANK_DEBIT_RATE_PER_MILLE = 10
BANK_DEBIT_FIXED_FEE = 40
BANK_DEBIT_MAX_FEE = 500
DISPUTE_FEE = 1_500

DAY_S = 86_400


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
    fees: list[StripeObject] | None = None,
    description: str | None = None,
    available_on: int | None = None,
) -> StripeObject:
    """Add a balance transaction; `amount` is negative when money leaves.

    The amount is in the currency of the source, and is exchanged if the account settles in another
    one. The net amount is available at `available_on`, by default after the account's settlement
    delay.
    """
    days = store.payout_schedule.delay_days
    money = Settled(amount, source["currency"], None)
    if source["object"] != "payout":
        money = settled(store, *money[:2])
    return book_line(
        store,
        amount=money.amount,
        available_on=midnight_after(store.now(), days) if available_on is None else available_on,
        currency=money.currency,
        exchange_rate=money.exchange_rate,
        description=description,
        fee_details=fees or [],
        reporting_category=category,
        source=source["id"],
        type=kind,
    )


def fee_detail(
    amount: int, currency: str, description: str, kind: str = "stripe_fee"
) -> StripeObject:
    return {
        "amount": amount,
        "application": None,
        "currency": currency,
        "description": description,
        "type": kind,
    }


def book_line(store: Store, *, amount: int, **fields: Any) -> StripeObject:
    """Add a balance transaction with these fields. Its fee is the sum of `fee_details`."""
    fee = sum(detail["amount"] for detail in fields["fee_details"])
    transaction: dict[str, Any] = {
        "id": store.new_id("txn_3"),
        "object": "balance_transaction",
        "amount": amount,
        "balance_type": "payments",
        "created": store.now(),
        "exchange_rate": None,
        "fee": fee,
        "net": amount - fee,
        "status": "pending",
        **fields,
    }
    store.balance_transactions.put(transaction)
    store.not_paid_out[transaction["id"]] = transaction
    return transaction


def book_payment(store: Store, charge: StripeObject) -> None:
    method = charge["payment_method_details"]["type"]
    money = settled(store, charge["amount"], charge["currency"])
    fee = payment_fee(money.amount, money.currency, method)
    kind = "charge" if method == "card" else "payment"
    transaction = book(
        store,
        charge,
        kind=kind,
        category="charge",
        amount=charge["amount"],
        fees=[fee_detail(fee, money.currency, "Stripe processing fees")],
        description=charge["description"],
    )
    charge["balance_transaction"] = transaction["id"]


def as_of(transaction: StripeObject, now: int) -> StripeObject:
    """Return a copy of a balance transaction with its status at this time, in unix seconds."""
    available = transaction["available_on"] <= now
    return {**transaction, "status": "available" if available else "pending"}


def midnight_after(moment: int, days: int) -> int:
    """Return the midnight (UTC) that begins the day `days` days after `moment`."""
    return (moment // DAY_S + days) * DAY_S
