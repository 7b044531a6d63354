"""Refunds: immediate or delayed, full or partial. Some fail at the bank."""

from typing import Any, Literal

from donate.sandbox.errors import Refusal, missing_parameter
from donate.sandbox.objects.balance import book
from donate.sandbox.objects.payments import new_refund
from donate.sandbox.requests.parameters import choice, integer, metadata, read, text
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

RefundStatus = Literal["succeeded", "pending", "failed"]

REFUND = {
    "amount": integer(1),
    "charge": text(),
    "metadata": metadata,
    "payment_intent": text(),
    "reason": choice("duplicate", "fraudulent", "requested_by_customer"),
}
UNSUPPORTED = (
    "currency customer instructions_email origin refund_application_fee reverse_transfer".split()
)


def create_refund(
    store: Store, parameters: dict[str, Any], status: RefundStatus | None = None
) -> StripeObject:
    """Create a refund; without `status`, the test card decides whether the refund is pending."""
    request = read(parameters, REFUND, unsupported=UNSUPPORTED)
    charge = _charge_to_refund(store, request)
    is_automatic = status is None
    if status is None:
        status = "pending" if _is_slow(charge) else "succeeded"
    amount = request.get("amount", charge["amount"] - charge["amount_refunded"])
    _refuse_too_much(store, charge, amount)

    refund = new_refund(store, charge, amount, "pending", request)
    kind = "refund" if charge["payment_method_details"]["type"] == "card" else "payment_refund"
    transaction = book(
        store,
        refund,
        kind=kind,
        category="refund",
        amount=-amount,
        description=f"Refund of {charge['id']}",
    )
    refund["balance_transaction"] = transaction["id"]
    store.refunds.put(refund)
    if status == "succeeded":
        refund["status"] = "succeeded"
    before = {name: charge[name] for name in ("amount_refunded", "refunded")}
    _add_to_refunded(charge, amount)
    store.announce("refund.created", refund)
    store.announce("charge.refunded", charge, previous=before)
    if status == "failed":
        move_refund(store, refund, "failed")
    if is_automatic and charge["id"] in store.slow_refunds:
        store.schedule(lambda: move_refund(store, refund, "succeeded"))
    if is_automatic and charge["id"] in store.failing_refunds:
        store.schedule(lambda: move_refund(store, refund, "failed"))
    return refund


def move_refund(store: Store, refund: StripeObject, status: RefundStatus) -> StripeObject:
    """End a pending refund with `status`, or make a refund fail after it succeeded."""
    before = refund["status"]
    if before == "failed" or status == "pending":
        raise Refusal(f"A refund that is {before} cannot become {status}.")
    if before == status:
        return refund
    refund["status"] = status
    if status == "failed":
        _undo_refund(store, refund)
        store.announce("refund.failed", refund)
    store.announce("refund.updated", refund, previous={"status": before})
    return refund


def _charge_to_refund(store: Store, request: dict[str, Any]) -> StripeObject:
    if "charge" in request:
        return store.find(store.charges, request["charge"], "charge")
    if "payment_intent" not in request:
        raise missing_parameter("payment_intent")
    intent = store.find(store.payment_intents, request["payment_intent"], "payment_intent")
    if intent["status"] != "succeeded":
        raise Refusal(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            code="payment_intent_unexpected_state",
            is_final=True,
        )
    return store.find(store.charges, intent["latest_charge"])


def _is_slow(charge: StripeObject) -> bool:
    card = charge["payment_method_details"].get("card")
    return card is not None and card["last4"] == "7726"


def _refuse_too_much(store: Store, charge: StripeObject, amount: int) -> None:
    # A charge can be refunded during an inquiry and after a won dispute.
    disputes = (dispute for dispute in store.disputes if dispute["charge"] == charge["id"])
    if any(not dispute["is_charge_refundable"] for dispute in disputes):
        raise Refusal(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
            is_final=True,
        )
    rest = charge["amount"] - charge["amount_refunded"]
    if rest == 0:
        raise Refusal(
            f"Charge {charge['id']} has already been refunded.",
            code="charge_already_refunded",
            is_final=True,
        )
    if amount > rest:
        raise Refusal(
            f"Refund amount ({amount} {charge['currency']}) is greater than unrefunded amount on "
            f"charge ({rest} {charge['currency']})",
            param="amount",
            is_final=True,
        )


def _add_to_refunded(charge: StripeObject, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]


def _undo_refund(store: Store, refund: StripeObject) -> None:
    transaction = book(
        store,
        refund,
        kind="refund_failure",
        category="refund_failure",
        amount=refund["amount"],
    )
    refund["failure_balance_transaction"] = transaction["id"]
    refund["failure_reason"] = "unknown"
    _add_to_refunded(store.find(store.charges, refund["charge"]), -refund["amount"])
