"""Reads a dispute into a fact: an inquiry, which takes no money, or a chargeback, which does. Pure.

All five types of dispute events contain the dispute itself. The fact is determined by the dispute's
fields and not by the event's type, so the events may arrive in any order.
https://docs.stripe.com/disputes/how-disputes-work (read 2026-11-28): a chargeback debits the
account when it is opened, an inquiry does not unless it becomes a chargeback.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from donate.gifts.disputes import round_source
from donate.gifts.evidence import DisputeFee, Evidence
from donate.gifts.facts import FactKind
from donate.stripe_gateway.events.fields import (
    IrrelevantEvent,
    Reading,
    UnusableEvent,
    read_text,
    read_word,
    returned_fact,
    stripe_fact,
)

_MAX_ID_LENGTH: Final = 200
# The statuses of an inquiry: the bank only asks a question, or a chargeback was `prevented`. No
# money moves, unless the dispute has balance transactions.
_INQUIRIES: Final = {
    "warning_needs_response": FactKind.INQUIRY_OPENED,
    "warning_under_review": FactKind.INQUIRY_ANSWERED,
    "warning_closed": FactKind.INQUIRY_CLOSED,
    "prevented": FactKind.INQUIRY_CLOSED,
}
_OUTCOMES: Final = {"won": FactKind.DISPUTE_WON, "lost": FactKind.DISPUTE_LOST}


@dataclass(frozen=True, slots=True)
class _Balance:
    """Whether Stripe took money for a dispute, and how many times all of it came back.

    A round of the dispute ends only when all of the money has come back. A partial return is not
    enough, because Stripe may reinstate the part of the payment that was already refunded
    (https://docs.stripe.com/api/events/types, `charge.dispute.funds_reinstated`).
    """

    was_withdrawn: bool
    times_returned: int
    is_returned: bool


def read_dispute(step: str, dispute: Mapping[str, Any], at: datetime) -> Reading | IrrelevantEvent:
    """Parse a dispute into a Reading. Raises UnusableEvent.

    `step` is the last part of the event's type, such as `created`.
    """
    if dispute.get("payment_intent") is None:
        return IrrelevantEvent("a dispute about a charge that this service did not make")
    payment, status = read_text(dispute, "payment_intent"), read_word(dispute, "status")
    if not status:
        raise UnusableEvent("a dispute without a status")
    balance = _balance_of(dispute, was_withdrawn=step == "funds_withdrawn")
    kind = _kind(status, balance)
    evidence: Evidence = {
        "payment_intent": payment,
        "status": status,
        "reason": read_word(dispute, "reason"),
    }
    due_by = _due_by(dispute)
    if due_by:
        evidence["due_by"] = due_by
    dispute_id = read_text(dispute, "id", _MAX_ID_LENGTH)
    if kind in _INQUIRIES.values():
        return Reading(
            facts=(stripe_fact(kind, dispute_id, at, evidence=evidence),), payment=payment
        )
    evidence["fees"] = _fees(dispute)
    source = round_source(dispute_id, _round(kind, balance))
    return Reading(facts=(returned_fact(kind, source, dispute, at, evidence),), payment=payment)


def _kind(status: str, balance: _Balance) -> FactKind:
    if status in _OUTCOMES:
        return _OUTCOMES[status]
    if status not in _INQUIRIES:
        # The money may come back before the status changes to won.
        return FactKind.DISPUTE_WON if balance.is_returned else FactKind.DISPUTE_OPENED
    if not balance.was_withdrawn:
        return _INQUIRIES[status]
    if balance.is_returned:
        return FactKind.DISPUTE_WON
    is_closed = _INQUIRIES[status] == FactKind.INQUIRY_CLOSED
    return FactKind.DISPUTE_LOST if is_closed else FactKind.DISPUTE_OPENED


def _round(kind: FactKind, balance: _Balance) -> int:
    # A round of the dispute ends when all the money comes back. If the money is taken again, the
    # next round begins.
    if kind == FactKind.DISPUTE_WON:
        return max(1, balance.times_returned)
    return 1 + balance.times_returned


def _balance_of(dispute: Mapping[str, Any], *, was_withdrawn: bool) -> _Balance:
    total = times_returned = 0
    for transaction in sorted(_balance_transactions(dispute), key=_created_at):
        amount = transaction.get("amount")
        if type(amount) is not int:
            continue
        times_returned += total < 0 <= total + amount
        was_withdrawn |= amount < 0
        total += amount
    return _Balance(was_withdrawn, times_returned, is_returned=times_returned > 0 and total >= 0)


def _created_at(transaction: Mapping[str, Any]) -> int:
    created = transaction.get("created")
    return created if type(created) is int else 0


def _fees(dispute: Mapping[str, Any]) -> list[DisputeFee]:
    """Return the fees for a dispute so far, in minor units of our Stripe account's currency."""
    return [
        {"amount_minor": transaction["fee"], "currency": read_word(transaction, "currency").upper()}
        for transaction in _balance_transactions(dispute)
        if type(transaction.get("fee")) is int and transaction["fee"]
    ]


def _balance_transactions(dispute: Mapping[str, Any]) -> list[dict[str, Any]]:
    transactions = dispute.get("balance_transactions")
    return (
        [transaction for transaction in transactions if isinstance(transaction, dict)]
        if isinstance(transactions, list)
        else []
    )


def _due_by(dispute: Mapping[str, Any]) -> str | None:
    details = dispute.get("evidence_details")
    seconds = details.get("due_by") if isinstance(details, dict) else None
    if type(seconds) is not int or not 0 < seconds < 2**33:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat()
