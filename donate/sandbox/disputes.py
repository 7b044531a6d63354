"""Disputes: the bank takes a payment back at once, and gives it back only if we win."""

from typing import Literal

from donate.sandbox.balance import DISPUTE_FEE, book
from donate.sandbox.errors import Refusal
from donate.sandbox.objects import new_dispute
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

DisputeOutcome = Literal["won", "lost"]


def open_dispute(store: Store, intent: StripeObject, reason: str = "fraudulent") -> StripeObject:
    charge = store.charges.get(intent["latest_charge"] or "")
    if charge is None or charge["status"] != "succeeded" or charge["disputed"]:
        raise Refusal("Only a successful charge can be disputed, and only once.")
    charge["disputed"] = True
    dispute = new_dispute(store, charge, reason)
    store.disputes.put(dispute)
    withdrawn = book(
        store,
        dispute,
        kind="adjustment",
        category="dispute",
        amount=-charge["amount"],
        fee=DISPUTE_FEE,
        fee_description="Dispute fee",
        description=f"Chargeback withdrawal for {charge['id']}",
    )
    dispute["balance_transactions"].append(withdrawn)
    store.announce("charge.dispute.created", dispute)
    store.announce("charge.dispute.funds_withdrawn", dispute)
    return dispute


def close_dispute(store: Store, dispute: StripeObject, outcome: DisputeOutcome) -> StripeObject:
    before = dispute["status"]
    if before in ("won", "lost"):
        raise Refusal(f"This dispute is already {before}.")
    dispute["status"] = outcome
    if outcome == "won":
        # Stripe keeps the dispute fee all the same: https://docs.stripe.com/disputes/how-disputes-work
        reinstated = book(
            store,
            dispute,
            kind="adjustment",
            category="dispute_reversal",
            amount=dispute["amount"],
            description=f"Chargeback reversal for {dispute['charge']}",
        )
        dispute["balance_transactions"].append(reinstated)
        store.announce("charge.dispute.funds_reinstated", dispute)
    store.announce("charge.dispute.closed", dispute, previous={"status": before})
    return dispute
