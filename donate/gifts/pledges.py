"""The state and amount of a pledge, computed from its facts. Pure."""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from donate.gifts.facts import Fact, FactKind
from donate.money import Money

_MONTH_PREFIX: Final = "month:"
_ANSWER_SOURCE: Final = re.compile(r"asked:.+:change:([0-9]+)")


class PledgeState(StrEnum):
    """The state of a pledge."""

    NOT_BEGUN = "not_begun"
    ACTIVE = "active"
    NOT_CHARGED_YET = "not_charged_yet"  # in a trial that staff set at Stripe
    PAUSED = "paused"  # the donor paused it
    ON_HOLD = "on_hold"  # Stripe's own "paused": it has no payment method
    PAST_DUE = "past_due"  # the last payment failed; Stripe may try again
    UNPAID = "unpaid"  # Stripe has stopped trying
    UNKNOWN = "unknown"  # a Stripe status that we do not know
    ENDED = "ended"


# https://docs.stripe.com/api/subscriptions/object#subscription_object-status
# Facts recorded without a status belong to active subscriptions.
_BY_STATUS: Final = {
    "": PledgeState.ACTIVE,
    "active": PledgeState.ACTIVE,
    "trialing": PledgeState.NOT_CHARGED_YET,
    "past_due": PledgeState.PAST_DUE,
    "unpaid": PledgeState.UNPAID,
    "paused": PledgeState.ON_HOLD,
}


class EndReason(StrEnum):
    """Why Stripe ended a subscription, if neither the donor nor staff cancelled it."""

    PAYMENT_FAILED = "payment_failed"
    PAYMENT_DISPUTED = "payment_disputed"


@dataclass(frozen=True, slots=True)
class Pledge:
    """A pledge. `each_month` is the amount of the next month; `status` is Stripe's status.

    `is_ending` means that Stripe will stop collecting at `ends_at`, or after the current month if
    `ends_at` is None. `ended_at` and `end_reason` are set once it has ended.
    """

    subscription: str | None
    state: PledgeState
    each_month: Money
    status: str = ""
    is_ending: bool = False
    ends_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: EndReason | None = None

    @property
    def runs(self) -> bool:
        """Whether it has begun and not ended, so the donor can still change it."""
        return self.state not in (PledgeState.NOT_BEGUN, PledgeState.ENDED)


def pledge_of(facts: Iterable[Fact], chosen: Money) -> Pledge:
    """Return the pledge, given the facts of its first gift and the amount chosen for it.

    The latest change counts. If the first debit was refused and the pledge ended, the same gift may
    have started a second subscription.
    """
    facts = sorted(facts, key=_sort_key)
    started = [fact.source_id for fact in facts if fact.kind == FactKind.PLEDGE_STARTED]
    ended = [fact.source_id for fact in facts if fact.kind == FactKind.PLEDGE_ENDED]
    changes = [fact for fact in facts if fact.kind == FactKind.PLEDGE_CHANGED]
    changed = [str(fact.evidence["subscription"]) for fact in changes]
    subscriptions = [*started, *changed, *ended]
    running = [each for each in subscriptions if each not in ended]
    subscription = next(iter(running or subscriptions), None)
    changes = [fact for fact in changes if fact.evidence["subscription"] == subscription]
    last = changes[-1].evidence if changes else {}
    amounts = [fact.amount_minor for fact in changes if fact.amount_minor]
    status, ends_at = str(last.get("status", "")), last.get("ends_at")
    if subscription is None:
        state = PledgeState.NOT_BEGUN
    elif not running:
        state = PledgeState.ENDED
    elif last.get("paused"):
        state = PledgeState.PAUSED
    else:
        state = _BY_STATUS.get(status, PledgeState.UNKNOWN)
    has_ended = state is PledgeState.ENDED
    return Pledge(
        subscription=subscription,
        state=state,
        each_month=Money(amounts[-1], chosen.currency) if amounts else chosen,
        status=status,
        is_ending=not has_ended and bool(last.get("ends_with_the_month") or ends_at),
        ends_at=datetime.fromtimestamp(ends_at, UTC) if ends_at and not has_ended else None,
        **(_ending_of(facts, subscription) if has_ended else {}),
    )


def _ending_of(facts: Iterable[Fact], subscription: str | None) -> dict[str, Any]:
    """Return when a subscription ended and why."""
    ended = next(
        fact
        for fact in facts
        if (fact.kind, fact.source_id) == (FactKind.PLEDGE_ENDED, subscription)
    )
    return {"ended_at": ended.happened_at, "end_reason": end_reason_of(ended)}


def end_reason_of(ended: Fact) -> EndReason | None:
    """Return why a pledge ended, given its PLEDGE_ENDED fact; None if it was cancelled."""
    reason = ended.evidence.get("reason")
    return EndReason(reason) if reason in tuple(EndReason) else None


@dataclass(frozen=True, slots=True)
class RequestedAmount:
    """A monthly amount that a donor requested.

    `stands` is false once Stripe refused it, the donor requested another, or the pledge ended.
    """

    each_month: Money
    stands: bool


def requested_amount(facts: Iterable[Fact], request: str) -> RequestedAmount | None:
    """Return the monthly amount of a change request; None if it requested something else."""
    facts = sorted(facts, key=lambda fact: fact.happened_at)
    requests = [fact for fact in facts if fact.kind == FactKind.PLEDGE_CHANGE_REQUESTED]
    requests = [fact for fact in requests if fact.amount_minor]
    fact = next((fact for fact in requests if fact.source_id == request), None)
    if fact is None or fact.amount_minor is None or fact.currency is None:
        return None
    is_refused = any(
        (other.kind, other.source_id) == (FactKind.PLEDGE_CHANGE_REFUSED, request)
        for other in facts
    )
    has_ended = any(
        other.kind == FactKind.PLEDGE_ENDED and other.happened_at >= fact.happened_at
        for other in facts
    )
    return RequestedAmount(
        each_month=Money(fact.amount_minor, fact.currency),
        stands=fact is requests[-1] and not is_refused and not has_ended,
    )


def change_key(gift_id: uuid.UUID, number: int) -> str:
    """Return the fact source of a donor's change to a pledge. `number` counts from 1."""
    return f"{gift_id}:change:{number}"


def answer_to(change: str) -> str:
    """Return the fact source of Stripe's answer to a change."""
    return f"asked:{change}"


def _sort_key(fact: Fact) -> tuple[datetime, int]:
    """Return the sort key of a fact. Stripe's times are whole seconds, and events arrive late.

    Within one second, Stripe's answer to the donor's last change sorts last.
    """
    answer = _ANSWER_SOURCE.fullmatch(fact.source_id)
    return fact.happened_at, int(answer[1]) if answer else 0


def month_key(invoice_id: str) -> str:
    """Return the `form_key` of the gift that an invoice opens. Forms cannot send such a key."""
    return f"{_MONTH_PREFIX}{invoice_id}"


def invoice_of(form_key: str) -> str | None:
    """Return the invoice that opened a gift; None if a donor opened it."""
    return form_key.removeprefix(_MONTH_PREFIX) if form_key.startswith(_MONTH_PREFIX) else None
