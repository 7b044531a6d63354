"""The routes of the balance: its amounts, its transactions, and payouts."""

from typing import Any

from donate.sandbox.currencies import currency_code
from donate.sandbox.endpoints.lists import (
    Filter,
    created_filter,
    equal_texts,
    equals,
    is_within,
    page,
)
from donate.sandbox.endpoints.routes import create_route, retrieve_route, route
from donate.sandbox.errors import Refusal
from donate.sandbox.payouts.payouts import (
    available_balance,
    cancel_payout,
    instant_fee,
    new_payout,
    pending_balance,
)
from donate.sandbox.requests.parameters import (
    Check,
    choice,
    integer,
    metadata,
    metadata_change,
    only,
    read,
    text,
)
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

_TRANSACTIONS = "/v1/balance_transactions"
_PAYOUTS = "/v1/payouts"
# A new account's balance has only CAD, the settlement currency of Stripe accounts in Canada.
_OWN_CURRENCY = "cad"
_PAYOUT = {
    "amount": integer(1),
    "currency": currency_code,
    "description": text(),
    "destination": text(),
    "metadata": metadata,
    "method": choice("instant", "standard"),
    "source_type": only("card"),
    "statement_descriptor": text(max_length=22),
}


def _retrieve_balance(store: Store, parameters: dict[str, Any], _: str) -> StripeObject:
    read(parameters, {})
    available, pending = available_balance(store), pending_balance(store)
    currencies = sorted({_OWN_CURRENCY, *pending})
    return {
        "object": "balance",
        "available": [_amount(currency, available.get(currency, 0)) for currency in currencies],
        "livemode": False,
        "pending": [_amount(currency, pending.get(currency, 0)) for currency in currencies],
    }


def _amount(currency: str, amount: int) -> StripeObject:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


def _list_transactions(store: Store, parameters: dict[str, Any], _: str) -> StripeObject:
    filters: dict[str, tuple[Check, Filter]] = {
        **equal_texts("currency", "source", "type"),
        "payout": (
            lambda value, path: _itemised_payout(store, text()(value, path)),
            lambda transaction, payout: store.payout_of.get(transaction["id"]) == payout["id"],
        ),
    }
    return page(store.balance_transactions, _TRANSACTIONS, parameters, filters)


def _itemised_payout(store: Store, payout_id: str) -> StripeObject:
    """Return a payout whose transactions can be listed. Raises Refusal for any other payout.

    Stripe's refusal of a manual payout is quoted in
    https://github.com/proudcity/wp-proudcity/issues/993. The error code for a payout that is not
    itemised yet is in https://docs.stripe.com/error-codes.
    """
    payout = store.find(store.payouts, payout_id, "payout")
    if not payout["automatic"]:
        raise Refusal(
            "Balance transaction history can only be filtered on automatic transfers, not manual.",
            param="payout",
        )
    if payout["reconciliation_status"] != "completed":
        raise Refusal(
            "Reconciliation isn't ready for this payout. Try again later.",
            code="payout_reconciliation_not_ready",
            param="payout",
        )
    return payout


def _list_payouts(store: Store, parameters: dict[str, Any], _: str) -> StripeObject:
    filters: dict[str, tuple[Check, Filter]] = {
        "arrival_date": (
            created_filter,
            lambda payout, bounds: is_within(payout["arrival_date"], bounds),
        ),
        "status": (choice("canceled", "failed", "paid", "pending"), equals("status")),
        **equal_texts("destination"),
    }
    return page(store.payouts, _PAYOUTS, parameters, filters)


def _create_payout(store: Store, parameters: dict[str, Any]) -> StripeObject:
    request = read(
        parameters, _PAYOUT, required=["amount", "currency"], unsupported=["payout_method"]
    )
    amount, currency = request.pop("amount"), request.pop("currency")
    request.pop("expand", None)
    if "destination" in request:
        store.find(store.bank_accounts, request["destination"], "destination")
    fee = instant_fee(amount) if request.get("method") == "instant" else 0
    if available_balance(store).get(currency, 0) < amount + fee:
        # Stripe's message is quoted in https://github.com/stripe/stripe-node/issues/1147.
        raise Refusal(
            "You have insufficient funds in your Stripe account for this transfer. Your card "
            "balance is too low.  You can use the /v1/balance endpoint to view your Stripe balance "
            "(for more details, see stripe.com/docs/api#balance).",
            code="balance_insufficient",
            is_final=True,
        )
    return new_payout(store, amount, currency, automatic=False, **request)


def _change_payout(store: Store, parameters: dict[str, Any], payout_id: str) -> StripeObject:
    payout = store.find(store.payouts, payout_id, "payout")
    changes = read(parameters, {"metadata": metadata_change}).get("metadata")
    if changes is not None:
        merged = {**payout["metadata"], **changes} if changes else {}
        payout["metadata"] = {name: value for name, value in merged.items() if value is not None}
    return payout


def _cancel_payout(store: Store, parameters: dict[str, Any], payout_id: str) -> StripeObject:
    read(parameters, {})
    return cancel_payout(store, store.find(store.payouts, payout_id, "payout"))


BALANCE_ROUTES = (
    route("GET", "/v1/balance", _retrieve_balance),
    route("GET", _TRANSACTIONS, _list_transactions),
    retrieve_route(_TRANSACTIONS, lambda store: store.balance_transactions, "id"),
    route("GET", _PAYOUTS, _list_payouts),
    create_route(_PAYOUTS, _create_payout),
    retrieve_route(_PAYOUTS, lambda store: store.payouts, "payout"),
    route("POST", f"{_PAYOUTS}/{{id}}", _change_payout),
    route("POST", f"{_PAYOUTS}/{{id}}/cancel", _cancel_payout),
)
