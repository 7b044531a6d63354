"""Reads a dispute into a fact: an inquiry, which takes no money, or a chargeback, which does. Pure.

All five events of a dispute carry the same object, so its own fields decide, whichever event was
heard first. https://docs.stripe.com/disputes/how-disputes-work (read 2026-11-28): a chargeback
debits the account when it is opened, an inquiry does not unless it becomes a chargeback.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from donate.gifts.disputes import round_source
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

_LONGEST_ID: Final = 200
# The bank only asks, or `prevented` that it became more: no money moves, unless Stripe shows that.
_INQUIRIES: Final = {
    "warning_needs_response": FactKind.INQUIRY_OPENED,
    "warning_under_review": FactKind.INQUIRY_ANSWERED,
    "warning_closed": FactKind.INQUIRY_CLOSED,
    "prevented": FactKind.INQUIRY_CLOSED,
}
_ENDS: Final = {"won": FactKind.DISPUTE_WON, "lost": FactKind.DISPUTE_LOST}


@dataclass(frozen=True, slots=True)
class _Moves:
    """Whether Stripe took money for a dispute, and how often all of it came back.

    A part that comes back ends nothing: so Stripe accounts for what was refunded before
    (https://docs.stripe.com/api/events/types, `charge.dispute.funds_reinstated`).
    """

    taken: bool
    given_back: int
    with_us: bool


def read_dispute(step: str, found: Mapping[str, Any], at: datetime) -> Reading | IrrelevantEvent:
    """Return what a dispute tells. Raises Unusable."""
    if found.get("payment_intent") is None:
        return IrrelevantEvent("a dispute about a charge that this service did not make")
    payment, status = read_text(found, "payment_intent"), read_word(found, "status")
    if not status:
        raise UnusableEvent("a dispute without a status")
    moves = _moves(found, was_taken=step == "funds_withdrawn")
    kind = _kind(status, moves)
    evidence: dict[str, Any] = {
        "payment_intent": payment,
        "status": status,
        "reason": read_word(found, "reason"),
    }
    due_by = _due_by(found)
    if due_by:
        evidence["due_by"] = due_by
    dispute_id = read_text(found, "id", _LONGEST_ID)
    if kind in _INQUIRIES.values():
        return Reading(
            facts=(stripe_fact(kind, dispute_id, at, evidence=evidence),), payment=payment
        )
    evidence["fees"] = _fees(found)
    source = round_source(dispute_id, _round(kind, moves))
    return Reading(facts=(returned_fact(kind, source, found, at, evidence),), payment=payment)


def _kind(status: str, moves: _Moves) -> FactKind:
    if status in _ENDS:
        return _ENDS[status]
    if status not in _INQUIRIES:
        # All of the money may come back before the status says that we have won.
        return FactKind.DISPUTE_WON if moves.with_us else FactKind.DISPUTE_OPENED
    if not moves.taken:
        return _INQUIRIES[status]
    if moves.with_us:
        return FactKind.DISPUTE_WON
    over = _INQUIRIES[status] == FactKind.INQUIRY_CLOSED
    return FactKind.DISPUTE_LOST if over else FactKind.DISPUTE_OPENED


def _round(kind: FactKind, moves: _Moves) -> int:
    # What is open or lost after money came back is a round later than that.
    if kind == FactKind.DISPUTE_WON:
        return max(1, moves.given_back)
    return 1 + moves.given_back


def _moves(found: Mapping[str, Any], *, was_taken: bool) -> _Moves:
    balance = given_back = 0
    for move in sorted(_objects(found), key=_made_at):
        amount = move.get("amount")
        if type(amount) is not int:
            continue
        given_back += balance < 0 <= balance + amount
        was_taken |= amount < 0
        balance += amount
    return _Moves(was_taken, given_back, with_us=given_back > 0 and balance >= 0)


def _made_at(move: Mapping[str, Any]) -> int:
    created = move.get("created")
    return created if type(created) is int else 0


def _fees(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what Stripe charged for a dispute so far, in minor units of our account's currency."""
    return [
        {"amount_minor": move["fee"], "currency": read_word(move, "currency").upper()}
        for move in _objects(found)
        if type(move.get("fee")) is int and move["fee"]
    ]


def _objects(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    moves = found.get("balance_transactions")
    return [move for move in moves if isinstance(move, dict)] if isinstance(moves, list) else []


def _due_by(found: Mapping[str, Any]) -> str | None:
    details = found.get("evidence_details")
    seconds = details.get("due_by") if isinstance(details, dict) else None
    if type(seconds) is not int or not 0 < seconds < 2**33:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat()
