"""An account's answers to disputes, and how test mode decides them.

https://docs.stripe.com/api/disputes/update and https://docs.stripe.com/testing#evidence
"""

from typing import Any

from donate.sandbox.charging import disputes
from donate.sandbox.charging.disputes import DisputeOutcome, close_dispute, escalate_inquiry
from donate.sandbox.errors import Refusal, not_in_this_sandbox
from donate.sandbox.requests.parameters import boolean, read, record, text
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

_ANSWER = {"evidence": record({"uncategorized_text": text(max_length=20_000)}), "submit": boolean}
_OUTCOMES: dict[str, DisputeOutcome] = {"winning_evidence": "won", "losing_evidence": "lost"}


def answer_dispute(store: Store, parameters: dict[str, Any], dispute_id: str) -> StripeObject:
    """Record the evidence, and schedule the bank's decision for a moment later."""
    request = read(parameters, _ANSWER, required=["evidence"])
    dispute = _open_dispute(store, dispute_id)
    evidence = request["evidence"].get("uncategorized_text", "")
    is_escalation = evidence == "escalate_inquiry_evidence"
    if not is_escalation and evidence not in _OUTCOMES:
        raise not_in_this_sandbox("evidence[uncategorized_text]", evidence)
    disputes.answer_dispute(store, dispute)
    if is_escalation:
        store.schedule(lambda: escalate_inquiry(store, dispute))
    else:
        store.schedule(lambda: close_dispute(store, dispute, _OUTCOMES[evidence]))
    return dispute


def accept_dispute(store: Store, parameters: dict[str, Any], dispute_id: str) -> StripeObject:
    read(parameters, {})
    return close_dispute(store, _open_dispute(store, dispute_id), "lost")


def _open_dispute(store: Store, dispute_id: str) -> StripeObject:
    dispute = store.find(store.disputes, dispute_id, "dispute")
    if dispute["status"] in ("won", "lost"):
        raise Refusal("This dispute is already closed")
    return dispute
