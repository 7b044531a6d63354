"""Disputes: a bank inquires about a payment, or holds its money until the dispute ends.

An inquiry moves no money. When it becomes a chargeback, it keeps its id, and Stripe sends no second
charge.dispute.created event: https://docs.stripe.com/disputes/how-disputes-work
"""

from typing import Any, Literal

from donate.sandbox.errors import Refusal
from donate.sandbox.objects.balance import DISPUTE_FEE, book, fee_detail
from donate.sandbox.objects.exchange import settled
from donate.sandbox.objects.payments import new_dispute
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

DisputeOutcome = Literal["won", "lost", "warning_closed"]
INQUIRY = ("warning_needs_response", "warning_under_review")
CHARGEBACK = ("needs_response", "under_review")
# A dispute has at most two balance transactions: https://docs.stripe.com/api/disputes/object
MAX_TRANSACTIONS = 2


def open_dispute(
    store: Store,
    intent: StripeObject,
    reason: str = "fraudulent",
    *,
    amount: int | None = None,
    inquiry: bool = False,
) -> StripeObject:
    charge = store.charges.get(intent["latest_charge"] or "")
    if charge is None or charge["status"] != "succeeded" or charge["disputed"]:
        raise Refusal("Only a successful charge can be disputed, and only once.")
    charge["disputed"] = True
    dispute = new_dispute(store, charge, reason)
    dispute["amount"] = amount or dispute["amount"]
    store.disputes.put(dispute)
    if inquiry:
        dispute.update(status="warning_needs_response", is_charge_refundable=True)
        _set_case(dispute, "inquiry")
        store.announce("charge.dispute.created", dispute)
        return dispute
    _move_money(store, dispute, -dispute["amount"])
    store.announce("charge.dispute.created", dispute)
    store.announce("charge.dispute.funds_withdrawn", dispute)
    return dispute


def answer_dispute(store: Store, dispute: StripeObject) -> StripeObject:
    """Move a dispute to review, after staff answered it in the Dashboard."""
    before = dispute["status"]
    if not before.endswith("needs_response"):
        raise Refusal(f"This dispute is {before}, so it cannot be answered.")
    dispute["status"] = before.replace("needs_response", "under_review")
    store.announce("charge.dispute.updated", dispute, previous={"status": before})
    return dispute


def escalate_inquiry(store: Store, dispute: StripeObject) -> StripeObject:
    """Turn an inquiry into a chargeback with the same id, which takes the money."""
    if dispute["status"] not in (*INQUIRY, "warning_closed"):
        raise Refusal(f"This dispute is {dispute['status']}; only an inquiry can be escalated.")
    before: dict[str, Any] = {"status": dispute["status"], "is_charge_refundable": True}
    dispute.update(status="needs_response", is_charge_refundable=False)
    _set_case(dispute, "chargeback")
    store.announce("charge.dispute.updated", dispute, previous=before)
    _move_money(store, dispute, -dispute["amount"])
    store.announce("charge.dispute.funds_withdrawn", dispute)
    return dispute


def close_dispute(store: Store, dispute: StripeObject, outcome: DisputeOutcome) -> StripeObject:
    before = dispute["status"]
    allowed = INQUIRY if outcome == "warning_closed" else CHARGEBACK
    if before not in allowed:
        raise Refusal(f"This dispute is {before}, so it cannot become {outcome}.")
    return _end(store, dispute, outcome)


def revise_dispute(store: Store, dispute: StripeObject, outcome: DisputeOutcome) -> StripeObject:
    """Reverse the bank's decision.

    Stripe did so in a live account: https://github.com/Automattic/woocommerce-payments/issues/4931
    """
    before = dispute["status"]
    if {before, outcome} != {"won", "lost"}:
        raise Refusal(f"This dispute is {before}, so it cannot be revised to {outcome}.")
    if outcome == "lost":
        _move_money(store, dispute, -dispute["amount"])
        store.announce("charge.dispute.funds_withdrawn", dispute)
    return _end(store, dispute, outcome)


def _end(store: Store, dispute: StripeObject, outcome: DisputeOutcome) -> StripeObject:
    before = dispute["status"]
    dispute["status"] = outcome
    if outcome == "won":
        # Return only the amount, because Stripe keeps the dispute's fee even if the dispute is won:
        # https://docs.stripe.com/disputes/how-disputes-work
        _move_money(store, dispute, dispute["amount"])
        store.announce("charge.dispute.funds_reinstated", dispute)
    dispute["is_charge_refundable"] = outcome != "lost"
    store.announce("charge.dispute.closed", dispute, previous={"status": before})
    return dispute


def _move_money(store: Store, dispute: StripeObject, amount: int) -> None:
    is_withdrawal = amount < 0
    has_fee = is_withdrawal and not dispute["balance_transactions"]
    direction = "withdrawal" if is_withdrawal else "reversal"
    currency = settled(store, amount, dispute["currency"]).currency
    transaction = book(
        store,
        dispute,
        kind="adjustment",
        category="dispute" if is_withdrawal else "dispute_reversal",
        amount=amount,
        fees=[fee_detail(DISPUTE_FEE, currency, "Dispute fee")] if has_fee else [],
        description=f"Chargeback {direction} for {dispute['charge']}",
    )
    if len(dispute["balance_transactions"]) < MAX_TRANSACTIONS:
        dispute["balance_transactions"].append(transaction)


def _set_case(dispute: StripeObject, case: str) -> None:
    card = dispute["payment_method_details"].get("card")
    if card is not None:
        card["case_type"] = case
