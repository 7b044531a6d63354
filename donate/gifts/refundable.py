"""How much of each payment can still be refunded, and the state of each refund request.

All functions are pure. A request that Stripe has not answered counts as refunded, so that two
members of staff cannot refund the same money.
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
    """The state of a refund that staff requested."""

    WAITING = "waiting"  # Stripe has not answered; the refund may exist or not.
    REFUSED = "refused"  # Stripe did not make the refund.
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # Stripe made the refund, but the donor's bank sent the money back.


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """A refund that staff requested. `code` and `message` say why Stripe refused, if it did."""

    fact: Fact
    state: RequestState
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment, in minor units of the gift's currency.

    `intent` is the payment intent to refund; None if Stripe has not said yet which one paid an
    invoice.
    """

    intent: str | None
    paid_at: datetime
    received_minor: int
    left_minor: int


_REQUEST_NUMBER: Final = re.compile(r":refund:([0-9]{1,6})\Z")
_ANSWERS: Final = {
    FactKind.REFUND_FAILED: RequestState.FAILED,
    FactKind.REFUND_SUCCEEDED: RequestState.SUCCEEDED,
    FactKind.REFUND_STARTED: RequestState.STARTED,
}


def requests_of(facts: Iterable[Fact]) -> list[RefundRequest]:
    """Return the refund requests, newest first. A refund that Stripe made outranks a refusal."""
    facts = list(facts)
    states: dict[tuple[str, int | None], RequestState] = {}
    # The last kind in this loop wins: a success outranks a start, and a failure outranks both.
    for kind, state in reversed(_ANSWERS.items()):
        states |= {_answered(f): state for f in facts if f.kind == kind}
    refusals = {f.source_id: f for f in facts if f.kind == FactKind.REFUND_REFUSED}
    requests = []
    for fact in facts:
        if fact.kind != FactKind.REFUND_REQUESTED:
            continue
        refusal = refusals.get(fact.source_id)
        answer = states.get((fact.source_id, fact.amount_minor))
        if answer:
            requests.append(RefundRequest(fact, answer))
        elif refusal:
            code, message = refusal.refusal_code, refusal.refusal_message
            requests.append(RefundRequest(fact, RequestState.REFUSED, code, message))
        else:
            requests.append(RefundRequest(fact, RequestState.WAITING))
    return sorted(requests, key=_number, reverse=True)


def payments_of(facts: Iterable[Fact]) -> list[Payment]:
    """Return the payments made through Stripe, newest first, each with its refundable amount."""
    facts = list(facts)
    by_kind: dict[FactKind, dict[str, Fact]] = {kind: {} for kind in FactKind}
    for fact in facts:
        by_kind[fact.kind][fact.source_id] = fact
    intents = {named.invoice: intent for intent, named in by_kind[FactKind.PAYMENT_NAMED].items()}
    outside: dict[str | None, int] = {}
    for fact in by_kind[FactKind.PAID_OUTSIDE].values():
        outside[fact.invoice] = outside.get(fact.invoice, 0) + (fact.amount_minor or 0)
    gone = _gone(facts, by_kind)
    gone += [r.fact for r in requests_of(facts) if r.state == RequestState.WAITING]
    payments = []
    for source, paid in by_kind[FactKind.PAYMENT_SUCCEEDED].items():
        intent = intents.get(source, None if source.startswith("in_") else source)
        received = (paid.amount_minor or 0) - outside.get(source, 0)
        if received <= 0:
            continue  # The whole invoice was paid outside Stripe.
        # A refund or dispute that names no payment reduces what is left of every payment, so that
        # we never refund too much.
        taken = sum(f.amount_minor or 0 for f in gone if f.payment in (None, intent, source))
        left = max(0, received - taken)
        payments.append(Payment(intent, paid.happened_at, received, left))
    return sorted(payments, key=lambda payment: payment.paid_at, reverse=True)


def failed_refunds(facts: Iterable[Fact]) -> list[Fact]:
    """Return the failed refunds that staff have not dealt with, oldest first."""
    facts = list(facts)
    done = {fact.source_id for fact in facts if fact.kind == FactKind.REFUND_FOLLOWED_UP}
    failed = (f for f in facts if f.kind == FactKind.REFUND_FAILED and f.source_id not in done)
    return sorted(failed, key=lambda fact: (fact.happened_at, fact.source_id))


def next_number(facts: Iterable[Fact]) -> int:
    """Return the number of the next refund request.

    A request also counts if only a refund at Stripe mentions it: after a backup was restored, the
    facts about recent requests may be missing.
    """
    return 1 + max(_number_in(name) for f in facts for name in (f.source_id, _answered(f)[0]))


def _answered(fact: Fact) -> tuple[str, int | None]:
    """Return the refund request that a fact about Stripe's refund names, and the refund's amount.

    After a backup was restored, two requests may have the same number. The amount tells them apart.
    """
    return fact.request, fact.amount_minor


def _number(request: RefundRequest) -> int:
    return _number_in(request.fact.source_id)


def _number_in(name: str) -> int:
    match = _REQUEST_NUMBER.search(name)
    return int(match[1]) if match else 0


def _gone(facts: list[Fact], by_kind: Mapping[FactKind, dict[str, Fact]]) -> list[Fact]:
    """Return a fact for each refund that started or succeeded, and each open or lost dispute."""
    refunds = by_kind[FactKind.REFUND_STARTED] | by_kind[FactKind.REFUND_SUCCEEDED]
    failed = by_kind[FactKind.REFUND_FAILED]
    gone = [fact for source, fact in refunds.items() if source not in failed]
    return gone + [dispute.fact for dispute in disputes_of(facts) if dispute.has_money]
