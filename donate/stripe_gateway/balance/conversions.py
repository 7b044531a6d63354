"""Reads the amount of a converted balance transaction in the gift's currency. Pure.

Stripe converts a payment if the account has no bank account in its currency. A refund or a dispute
is converted back at the rate of its own day, so it costs more or less than the payment brought:
https://docs.stripe.com/currencies/conversions, https://docs.stripe.com/currencies/disputes-refunds
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from donate.stripe_gateway.events.fields import UnusableEvent, read_currency

ABOUT_PAYMENTS: Final = ("charge", "refund", "dispute")
"""The objects about a gift's money that a balance transaction may have as its source."""


def read_original(transaction: Mapping[str, Any]) -> tuple[int, str]:
    """Return the amount and the currency of the source, if its currency is another one.

    The source has to be expanded. The amount is in minor units, with the sign of the transaction's
    amount. Returns 0 and "" if nothing was converted. Raises UnusableEvent.
    """
    source = transaction.get("source")
    if not isinstance(source, Mapping) or source.get("object") not in ABOUT_PAYMENTS:
        return 0, ""
    is_converted = transaction.get("exchange_rate") is not None or "currency" in source
    if not is_converted or read_currency(source) == read_currency(transaction):
        return 0, ""
    amount = source.get("amount")
    if type(amount) is not int or amount < 0:
        raise UnusableEvent("source.amount is not a usable amount")
    settled = transaction["amount"]
    if settled == 0 or not _carries(transaction, source):
        return 0, read_currency(source)
    return (amount if settled > 0 else -amount), read_currency(source)


def _carries(transaction: Mapping[str, Any], source: Mapping[str, Any]) -> bool:
    """Return whether the transaction moves the source's amount, and does not only correct the rate.

    A converted dispute may have two withdrawals. The second one only corrects the rate:
    https://github.com/alphagov/pay-connector/pull/5011. But after the money was returned, another
    withdrawal moves the amount again.
    """
    listed = source.get("balance_transactions")
    is_out = False
    for one in _oldest_first(listed if isinstance(listed, list) else []):
        carries: bool = is_out == (one["amount"] > 0)
        if one["id"] == transaction.get("id"):
            return carries
        is_out = is_out != carries
    return True


def _oldest_first(listed: Iterable[Any]) -> list[Mapping[str, Any]]:
    usable = (
        one
        for one in listed
        if isinstance(one, Mapping)
        and type(one.get("amount")) is int
        and type(one.get("created")) is int
        and isinstance(one.get("id"), str)
    )
    # Stripe lists them in order; sorting keeps the order of equal times.
    return sorted(usable, key=lambda one: one["created"])
