"""What the facts say of a monthly promise: whether it runs, and for how much. Pure."""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from donate.gifts.facts import Fact, FactKind
from donate.money import Money

_MONTH: Final = "month:"
_ANSWER: Final = re.compile(r"asked:.+:change:([0-9]+)")


class PledgeState(StrEnum):
    """What a pledge is, in one word."""

    NOT_BEGUN = "not_begun"
    ACTIVE = "active"
    NOT_CHARGED_YET = "not_charged_yet"  # a trial that staff gave
    PAUSED = "paused"  # the donor let it rest
    ON_HOLD = "on_hold"  # Stripe's own "paused": no way to pay is known
    PAST_DUE = "past_due"  # the last payment failed; Stripe may try again
    UNPAID = "unpaid"  # Stripe has stopped trying
    UNKNOWN = "unknown"  # a status of Stripe's that we do not know
    ENDED = "ended"


# https://docs.stripe.com/api/subscriptions/object#subscription_object-status
# A fact that was recorded without a status is of a subscription that ran.
_BY_STATUS: Final = {
    "": PledgeState.ACTIVE,
    "active": PledgeState.ACTIVE,
    "trialing": PledgeState.NOT_CHARGED_YET,
    "past_due": PledgeState.PAST_DUE,
    "unpaid": PledgeState.UNPAID,
    "paused": PledgeState.ON_HOLD,
}


class EndReason(StrEnum):
    """Why Stripe ended a subscription, where it is more than that somebody wanted it."""

    PAYMENT_FAILED = "payment_failed"
    PAYMENT_DISPUTED = "payment_disputed"


@dataclass(frozen=True, slots=True)
class Pledge:
    """A monthly promise. `each_month` is what the next month is about, `status` Stripe's word.

    `is_ending` tells that Stripe will stop collecting: at `ends_at`, or with the running month
    where no moment was told. `ended_at` and `end_reason` tell of what has ended.
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
        """Whether there is something left to change."""
        return self.state not in (PledgeState.NOT_BEGUN, PledgeState.ENDED)


def pledge_of(facts: Iterable[Fact], chosen: Money) -> Pledge:
    """Say what a pledge is, given the facts about the gift that began it and what was chosen then.

    Of several changes the one that happened last counts. One that ended because its first debit was
    refused may have begun anew since, with the same gift.
    """
    known = sorted(facts, key=_when)
    begun = [fact.source_id for fact in known if fact.kind == FactKind.PLEDGE_STARTED]
    ended = [fact.source_id for fact in known if fact.kind == FactKind.PLEDGE_ENDED]
    changes = [fact for fact in known if fact.kind == FactKind.PLEDGE_CHANGED]
    changed = [str(fact.evidence["subscription"]) for fact in changes]
    named = [*begun, *changed, *ended]
    running = [one for one in named if one not in ended]
    subscription = next(iter(running or named), None)
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
        **(_ending_of(known, subscription) if has_ended else {}),
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
    """Return why a pledge ended, given the fact that it did; None where somebody wanted it."""
    reason = ended.evidence.get("reason")
    return EndReason(reason) if reason in tuple(EndReason) else None


@dataclass(frozen=True, slots=True)
class RequestedAmount:
    """What a donor asked each month to be. It `stands` until it is refused, replaced, or over."""

    each_month: Money
    stands: bool


def requested_amount(facts: Iterable[Fact], request: str) -> RequestedAmount | None:
    """Say what a request asked each month to be; None where it asked for something else."""
    known = sorted(facts, key=lambda fact: fact.happened_at)
    asked = [fact for fact in known if fact.kind == FactKind.PLEDGE_CHANGE_REQUESTED]
    asked = [fact for fact in asked if fact.amount_minor]
    mine = next((fact for fact in asked if fact.source_id == request), None)
    if mine is None or mine.amount_minor is None or mine.currency is None:
        return None
    is_refused = any(
        (fact.kind, fact.source_id) == (FactKind.PLEDGE_CHANGE_REFUSED, request) for fact in known
    )
    is_over = any(
        fact.kind == FactKind.PLEDGE_ENDED and fact.happened_at >= mine.happened_at
        for fact in known
    )
    return RequestedAmount(
        each_month=Money(mine.amount_minor, mine.currency),
        stands=mine is asked[-1] and not is_refused and not is_over,
    )


def change_key(gift_id: uuid.UUID, number: int) -> str:
    """Return the name of a donor's change to the pledge that a gift began, counted from 1."""
    return f"{gift_id}:change:{number}"


def answer_to(change: str) -> str:
    """Return the name of what Stripe answered to a change, given that change's name."""
    return f"asked:{change}"


def _when(fact: Fact) -> tuple[datetime, int]:
    """Say when something happened, to sort by. Stripe tells whole seconds, and events come late.

    Within a second, what Stripe answered to the donor's last change is what came last.
    """
    answer = _ANSWER.fullmatch(fact.source_id)
    return fact.happened_at, int(answer[1]) if answer else 0


def month_key(invoice_id: str) -> str:
    """Return the `form_key` of the gift that an invoice opens. No form can send one like it."""
    return f"{_MONTH}{invoice_id}"


def invoice_of(form_key: str) -> str | None:
    """Return the invoice that opened a gift; None for one that a donor opened."""
    return form_key.removeprefix(_MONTH) if form_key.startswith(_MONTH) else None
