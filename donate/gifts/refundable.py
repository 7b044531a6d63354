"""What can still go back of each payment of a gift, and what became of each refund asked for here.

Pure. A request counts as gone until it is answered: two clerks can never promise the same money.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from donate.gifts.disputes import disputes_of
from donate.gifts.facts import Fact, FactKind


class RequestState(StrEnum):
    """How far a refund that staff asked for has come."""

    WAITING = "waiting"  # nobody has answered: it may have been made, or not
    REFUSED = "refused"  # it was not made
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # it was made, and came back


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """A refund that staff asked for. `code` and Stripe's `message` say why it was refused."""

    fact: Fact
    state: RequestState
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment, in minor units of the gift's currency.

    `intent` is what Stripe refunds: the payment intent; None as long as nobody told its name.
    """

    intent: str | None
    paid_at: datetime
    received_minor: int
    left_minor: int


_OURS: Final = re.compile(r":refund:([0-9]{1,6})\Z")
_ANSWERS: Final = {
    FactKind.REFUND_FAILED: RequestState.FAILED,
    FactKind.REFUND_SUCCEEDED: RequestState.SUCCEEDED,
    FactKind.REFUND_STARTED: RequestState.STARTED,
}


def requests_of(facts: Iterable[Fact]) -> list[RefundRequest]:
    """Return the refunds asked for here, the newest first. What Stripe made outranks a refusal."""
    facts = list(facts)
    told: dict[tuple[str, int | None], RequestState] = {}
    # The last to write wins: an end outranks a beginning, and failing outranks all.
    for kind, state in reversed(_ANSWERS.items()):
        told |= {_answered(f): state for f in facts if f.kind == kind}
    refused = {f.source_id: f for f in facts if f.kind == FactKind.REFUND_REFUSED}
    found = []
    for fact in facts:
        if fact.kind != FactKind.REFUND_REQUESTED:
            continue
        no = refused.get(fact.source_id)
        end = told.get((fact.source_id, fact.amount_minor))
        if end:
            found.append(RefundRequest(fact, end))
        elif no:
            code, message = (str(no.evidence.get(name, "")) for name in ("code", "message"))
            found.append(RefundRequest(fact, RequestState.REFUSED, code, message))
        else:
            found.append(RefundRequest(fact, RequestState.WAITING))
    return sorted(found, key=_number, reverse=True)


def payments_of(facts: Iterable[Fact]) -> list[Payment]:
    """Return the payments that came through Stripe, the newest first, and what is left of each."""
    facts = list(facts)
    by_kind: dict[FactKind, dict[str, Fact]] = {kind: {} for kind in FactKind}
    for fact in facts:
        by_kind[fact.kind][fact.source_id] = fact
    intents = {
        str(named.evidence.get("invoice")): intent
        for intent, named in by_kind[FactKind.PAYMENT_NAMED].items()
    }
    outside: dict[str, int] = {}
    for fact in by_kind[FactKind.PAID_OUTSIDE].values():
        invoice = str(fact.evidence.get("invoice"))
        outside[invoice] = outside.get(invoice, 0) + (fact.amount_minor or 0)
    gone = _gone(facts, by_kind)
    gone += [r.fact for r in requests_of(facts) if r.state == RequestState.WAITING]
    found = []
    for source, paid in by_kind[FactKind.PAYMENT_SUCCEEDED].items():
        intent = intents.get(source, None if source.startswith("in_") else source)
        received = (paid.amount_minor or 0) - outside.get(source, 0)
        if received <= 0:
            continue  # Stripe has nothing of it to send back
        away = sum(f.amount_minor or 0 for f in gone if _payment_of(f) in (None, intent, source))
        left = max(0, received - away)
        found.append(Payment(intent, paid.happened_at, received, left))
    return sorted(found, key=lambda payment: payment.paid_at, reverse=True)


def failed_refunds(facts: Iterable[Fact]) -> list[Fact]:
    """Return the refunds that came back to us and that staff have not dealt with, oldest first."""
    facts = list(facts)
    done = {fact.source_id for fact in facts if fact.kind == FactKind.REFUND_FOLLOWED_UP}
    failed = (f for f in facts if f.kind == FactKind.REFUND_FAILED and f.source_id not in done)
    return sorted(failed, key=lambda fact: (fact.happened_at, fact.source_id))


def next_number(facts: Iterable[Fact]) -> int:
    """Return the number of the next request: after a restored backup, Stripe may know of more."""
    return 1 + max(_number_in(name) for f in facts for name in (f.source_id, _answered(f)[0]))


def _answered(fact: Fact) -> tuple[str, int | None]:
    """Return which request a refund bears, and its amount: another amount is another refund."""
    return str(fact.evidence.get("request", "")), fact.amount_minor


def _number(request: RefundRequest) -> int:
    return _number_in(request.fact.source_id)


def _number_in(name: str) -> int:
    found = _OURS.search(name)
    return int(found[1]) if found else 0


def _gone(facts: list[Fact], by_kind: Mapping[FactKind, dict[str, Fact]]) -> list[Fact]:
    """Return one fact for each refund under way or made, and each dispute open or lost."""
    refunds = by_kind[FactKind.REFUND_STARTED] | by_kind[FactKind.REFUND_SUCCEEDED]
    back = by_kind[FactKind.REFUND_FAILED]
    gone = [fact for source, fact in refunds.items() if source not in back]
    return gone + [dispute.fact for dispute in disputes_of(facts) if dispute.has_money]


def _payment_of(fact: Fact) -> str | None:
    # Who does not say which payment it was counts against each: rather too little goes back.
    named = fact.evidence.get("payment_intent") or fact.evidence.get("payment")
    return named if isinstance(named, str) else None
