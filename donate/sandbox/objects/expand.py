"""`expand[]`: replaces ids with their objects.

https://docs.stripe.com/api/expanding_objects
"""

from collections.abc import Callable
from itertools import islice
from typing import Any

from donate.sandbox.copies import deep_copy
from donate.sandbox.errors import Refusal
from donate.sandbox.objects.balance import as_of
from donate.sandbox.shelf import Shelf, StripeObject
from donate.sandbox.store import Store

MAX_DEPTH = 4
INNER_PAGE = 10


def answer_with(store: Store, result: StripeObject, paths: list[str]) -> StripeObject:
    """Return a copy of `result` as it is now, expanded along each path."""
    answer = _current(store, deep_copy(result))
    if answer.get("object") == "list":
        answer["data"] = [_current(store, item) for item in answer["data"]]
    for path in paths:
        steps = path.split(".")
        if len(steps) > MAX_DEPTH:
            raise Refusal(f"You cannot expand more than {MAX_DEPTH} levels of a property.")
        _expand(store, answer, steps, path)
    return answer


def answers(store: Store, **objects: StripeObject | None) -> dict[str, StripeObject | None]:
    """Return these objects as API answers show them; an invoice, for example, with its payments."""
    return {
        name: thing and answer_with(store, thing, ["payments"] if name == "invoice" else [])
        for name, thing in objects.items()
    }


def line_item_list(store: Store, session_id: str) -> dict[str, Any]:
    return {
        "object": "list",
        "data": deep_copy(store.line_items[session_id]),
        "has_more": False,
        "url": f"/v1/checkout/sessions/{session_id}/line_items",
    }


def payment_list(store: Store, invoice_id: str) -> dict[str, Any]:
    """Return an invoice's list of payments: one item, or none for a draft.

    All attempts to pay an invoice count as one payment.
    """
    payment = store.payments_of_invoices.get(invoice_id)
    return {
        "object": "list",
        "data": [deep_copy(payment)] if payment else [],
        "has_more": False,
        "url": f"/v1/invoice_payments?invoice={invoice_id}",
    }


def _refund_list(store: Store, charge_id: str) -> dict[str, Any]:
    """Return a list of a charge's ten newest refunds. The list's URL leads to the other ones."""
    refunds = (refund for refund in store.refunds.newest_first() if refund["charge"] == charge_id)
    newest = deep_copy(list(islice(refunds, INNER_PAGE + 1)))
    return {
        "object": "list",
        "data": newest[:INNER_PAGE],
        "has_more": len(newest) > INNER_PAGE,
        "url": f"/v1/refunds?charge={charge_id}",
    }


def _expand(store: Store, thing: StripeObject, steps: list[str], path: str) -> None:
    name, rest = steps[0], steps[1:]
    if name == "data" and thing.get("object") == "list":
        for item in thing["data"]:
            _expand(store, item, rest, path)
        return
    if name == "line_items" and thing.get("object") == "checkout.session":
        thing[name] = line_item_list(store, thing["id"])
        return
    if name == "refunds" and thing.get("object") == "charge":
        thing[name] = _refund_list(store, thing["id"])
        return
    if name == "payments" and thing.get("object") == "invoice":
        thing[name] = payment_list(store, thing["id"])
    if name not in thing or not _is_expandable(thing[name], rest):
        raise Refusal(f"This property cannot be expanded ({path}).", param="expand")
    if isinstance(thing[name], str):
        target = store.find(_SHELVES[thing[name].partition("_")[0]](store), thing[name])
        thing[name] = _current(store, deep_copy(target))
    if rest and thing[name] is not None:
        _expand(store, thing[name], rest, path)


def _is_expandable(value: Any, rest: list[str]) -> bool:
    if value is None:
        return True
    if isinstance(value, dict):
        # A dict can be expanded if it is a Stripe object, or if the path goes on to a field in it.
        return "object" in value or bool(rest)
    return isinstance(value, str) and value.partition("_")[0] in _SHELVES


# The store's shelf for each kind of expandable object, by the prefix of the ids.
_SHELVES: dict[str, Callable[[Store], Shelf]] = {
    "ba": lambda store: store.bank_accounts,
    "ch": lambda store: store.charges,
    "cus": lambda store: store.customers,
    "du": lambda store: store.disputes,
    "in": lambda store: store.invoices,
    "inpay": lambda store: store.invoice_payments,
    "pi": lambda store: store.payment_intents,
    "pm": lambda store: store.payment_methods,
    "po": lambda store: store.payouts,
    "prod": lambda store: store.products,
    "py": lambda store: store.charges,
    "pyr": lambda store: store.refunds,
    "re": lambda store: store.refunds,
    "seti": lambda store: store.setup_intents,
    "sub": lambda store: store.subscriptions,
    "txn": lambda store: store.balance_transactions,
}


def _current(store: Store, thing: StripeObject) -> StripeObject:
    if thing.get("object") == "balance_transaction":
        return as_of(thing, store.now())
    if thing.get("object") == "bank_account":
        # Leave out `created`, which only the class `Shelf` needs to sort objects.
        return {name: value for name, value in thing.items() if name != "created"}
    return thing
