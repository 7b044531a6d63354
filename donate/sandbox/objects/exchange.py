"""Exchanges money into the currency in which the account settles, if it settles in only one.

Stripe states a rate with each converted transaction. Refunds and disputes, too, are converted at
the rate of their own day: https://docs.stripe.com/currencies/conversions
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from donate.sandbox.currencies import decimals_of
from donate.sandbox.store import Store

_DAY_S = 86_400
# The approximate value of a unit in US dollars. A unit of any other currency is worth a dollar.
_IN_DOLLARS = {
    "aud": "0.6613",
    "cad": "0.7341",
    "chf": "1.1304",
    "eur": "1.0862",
    "gbp": "1.2718",
    "jpy": "0.0067",
    "krw": "0.00072",
    "kwd": "3.2511",
    "mxn": "0.0545",
}


class Settled(NamedTuple):
    """The amount by which a payment, refund or dispute changes the balance, in minor units.

    `exchange_rate` is None if nothing was exchanged.
    """

    amount: int
    currency: str
    exchange_rate: float | None


def settled(store: Store, amount: int, currency: str) -> Settled:
    """Return an amount of a payment, refund or dispute, exchanged at today's rate if necessary."""
    into = store.settles_in or currency
    if into == currency:
        return Settled(amount, currency, None)
    rate = _rate(currency, into, store.now() // _DAY_S)
    exact = amount * rate * Decimal(10) ** (decimals_of(into) - decimals_of(currency))
    rounded = int(exact.quantize(Decimal(1), ROUND_HALF_UP))
    if decimals_of(into) == 3:
        rounded = round(rounded, -1)
    return Settled(rounded, into, float(rate))


def _rate(currency: str, into: str, day: int) -> Decimal:
    """Return the exchange rate on a day, counted from 1970. It changes a little each day."""
    worth = [Decimal(_IN_DOLLARS.get(each, "1")) for each in (currency, into)]
    moved = 1 + Decimal(day % 7 - 3) / 500
    return (worth[0] / worth[1] * moved).quantize(Decimal("0.000001"))
