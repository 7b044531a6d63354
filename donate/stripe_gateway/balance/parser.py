"""Turns Stripe's JSON of payouts and balance transactions, with their fees, into rows. Pure.

A missing or malformed field is never guessed: the parser raises UnusableEvent.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from donate.gifts.choosing.card_numbers import holds_card_number
from donate.stripe_gateway.balance.conversions import ABOUT_PAYMENTS, read_original
from donate.stripe_gateway.events.fields import (
    UnusableEvent,
    is_id,
    read_currency,
    read_instant,
    read_text,
    read_word,
)

# An upper limit that no balance reaches. A database column holds 18 digits.
_MOST: Final = 10**15
_MOST_DESCRIPTION: Final = 500
_MOST_FEE_DETAILS: Final = 20
_HIDDEN: Final = "(contains a card number)"
_PAYMENT_INTENT: Final = "pi_"
AUTOMATIC_METHOD: Final = "standard"
"""The method of scheduled payouts. Stripe never lists the transactions of an instant payout."""

Row = dict[str, Any]
"""Maps the names of a table's columns to their values."""


def read_payout(payout: Mapping[str, Any], asked_at: datetime) -> Row:
    """Return the columns of a `StripePayout`, except `is_complete`.

    `asked_at` is when we requested the payout from Stripe. Raises UnusableEvent.
    """
    automatic = payout.get("automatic")
    if not isinstance(automatic, bool):
        raise UnusableEvent("automatic is missing or odd")
    trace = payout.get("trace_id")
    trace = trace if isinstance(trace, Mapping) else {}
    return {
        "payout_id": read_text(payout, "id"),
        "amount_minor": _signed(payout, "amount"),
        "currency": read_currency(payout),
        "status": _word(payout, "status"),
        "automatic": automatic,
        "method": _word(payout, "method"),
        # This field is missing in accounts whose API version is older than 2022-08.
        "reconciliation_status": read_word(payout, "reconciliation_status"),
        "arrives_on": read_instant(payout, "arrival_date").date(),
        "trace_id": read_word(trace, "value"),
        "trace_status": read_word(trace, "status"),
        "failure_code": read_word(payout, "failure_code"),
        "balance_transaction": _id_in(payout, "balance_transaction"),
        "failure_balance_transaction": _id_in(payout, "failure_balance_transaction"),
        "original_payout": _id_in(payout, "original_payout"),
        "reversed_by": _id_in(payout, "reversed_by"),
        "created_at": read_instant(payout, "created"),
        "read_at": asked_at,
    }


def read_balance_transaction(transaction: Mapping[str, Any], asked_at: datetime) -> Row:
    """Return the columns of a `BalanceTransaction`, except its payout and gift.

    The transaction needs its `source` expanded, because the source names the payment. Raises
    UnusableEvent.
    """
    amount, fee = _signed(transaction, "amount"), _signed(transaction, "fee")
    net = _signed(transaction, "net")
    if net != amount - fee:
        raise UnusableEvent("net is not a usable amount")
    details = _fee_details(transaction)
    source = transaction.get("source")
    original_minor, original_currency = read_original(transaction)
    return {
        "txn_id": read_text(transaction, "id"),
        "type": _word(transaction, "type"),
        "reporting_category": read_word(transaction, "reporting_category"),
        "balance_type": read_word(transaction, "balance_type"),
        "amount_minor": amount,
        "fee_minor": fee,
        "tax_minor": sum(each["amount"] for each in details if each["type"] == "tax"),
        "net_minor": net,
        "currency": read_currency(transaction),
        "created_at": read_instant(transaction, "created"),
        "available_at": read_instant(transaction, "available_on"),
        "source_id": _id_in(transaction, "source"),
        "payment": _payment_of(source) if isinstance(source, Mapping) else "",
        "fee_details": details,
        "description": _description(transaction.get("description")),
        "exchange_rate": _rate(transaction.get("exchange_rate")),
        "original_minor": original_minor,
        "original_currency": original_currency,
        "read_at": asked_at,
    }


def payout_of_event(payout: Mapping[str, Any]) -> str:
    """Return the id of the payout that an event is about. Raises UnusableEvent."""
    return read_text(payout, "id")


def is_listed(payout: Row) -> bool:
    """Whether Stripe already lists all transactions of a payout.

    Only those of automatic payouts are listed, and only once their reconciliation is completed:
    https://docs.stripe.com/payouts/reconciliation. Before that, Stripe refuses with the code
    payout_reconciliation_not_ready: https://docs.stripe.com/error-codes
    """
    status = payout["reconciliation_status"]
    is_ready = status == "completed" or (not status and payout["status"] == "paid")
    return payout["automatic"] and payout["method"] == AUTOMATIC_METHOD and is_ready


def _payment_of(source: Mapping[str, Any]) -> str:
    """Return the payment intent of a charge, refund or dispute; "" for any other source."""
    if source.get("object") not in ABOUT_PAYMENTS:
        return ""
    intent = source.get("payment_intent")
    if isinstance(intent, Mapping):
        intent = intent.get("id")
    return str(intent) if is_id(intent) and str(intent).startswith(_PAYMENT_INTENT) else ""


def _fee_details(transaction: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = transaction.get("fee_details")
    if not isinstance(found, list) or len(found) > _MOST_FEE_DETAILS:
        raise UnusableEvent("fee_details is missing or odd")
    details: list[dict[str, Any]] = []
    for each in found:
        if not isinstance(each, Mapping):
            raise UnusableEvent("fee_details is missing or odd")
        details.append(
            {
                "type": _word(each, "type"),
                "amount": _signed(each, "amount"),
                "currency": read_currency(each),
                "description": _description(each.get("description")),
            }
        )
    return details


def _signed(fields: Mapping[str, Any], key: str) -> int:
    value = fields.get(key)
    if type(value) is not int or abs(value) > _MOST:
        raise UnusableEvent(f"{key} is not a usable amount")
    return value


def _word(fields: Mapping[str, Any], key: str) -> str:
    word = read_word(fields, key)
    if not word:
        raise UnusableEvent(f"{key} is missing or odd")
    return word


def _id_in(fields: Mapping[str, Any], key: str) -> str:
    """Return the id of a referenced object, expanded or not, or "" if there is none."""
    value = fields.get(key)
    if value is None:
        return ""
    return read_text(value if isinstance(value, Mapping) else {"id": value}, "id")


def _description(value: Any) -> str:
    """Return a description for staff to read, without control characters and card numbers."""
    if not isinstance(value, str):
        return ""
    shown = "".join(letter if letter.isprintable() else " " for letter in value)
    return _HIDDEN if holds_card_number(shown) else shown[:_MOST_DESCRIPTION].strip()


def _rate(value: Any) -> str:
    """Return an exchange rate as text. It is shown to staff, and never used to compute money."""
    is_number = type(value) in (int, float)
    return str(value)[:40] if is_number else ""
