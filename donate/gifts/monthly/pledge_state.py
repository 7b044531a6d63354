"""The state and the monthly amount of a pledge, computed from its facts. Pure functions."""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
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
    NOT_CHARGED_YET = "not_charged_yet"  # Staff set a trial period at Stripe.
    PAUSED = "paused"  # The donor or staff paused the pledge.
    ON_HOLD = "on_hold"  # Stripe paused the pledge: it has no payment method.
    PAST_DUE = "past_due"  # The last payment failed; Stripe may try again.
    UNPAID = "unpaid"  # Stripe has stopped trying to collect.
    UNKNOWN = "unknown"  # Stripe has set a status that this code does not know.
    ENDED = "ended"


# Stripe's statuses: https://docs.stripe.com/api/subscriptions/object#subscription_object-status A
# fact recorded without a status is about an active subscription.
_BY_STATUS: Final = {
    "": PledgeState.ACTIVE,
    "active": PledgeState.ACTIVE,
    "trialing": PledgeState.NOT_CHARGED_YET,
    "past_due": PledgeState.PAST_DUE,
    "unpaid": PledgeState.UNPAID,
    "paused": PledgeState.ON_HOLD,
}


class EndReason(StrEnum):
    """Why Stripe ended a subscription that neither the donor nor staff cancelled."""

    PAYMENT_FAILED = "payment_failed"
    PAYMENT_DISPUTED = "payment_disputed"


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """The card or bank account that pays a pledge. `last4` and `brand` are empty if unknown."""

    id: str
    last4: str = ""
    brand: str = ""


@dataclass(frozen=True, slots=True)
class Pledge:
    """A pledge. `each_month` is the next monthly amount. `status` is Stripe's status.

    Stripe resumes collecting a paused pledge at `resumes_at`, or, if that is None, only when
    somebody resumes the pledge. The current month ends at `month_ends_at`, if Stripe has said so.
    Stripe counts the months from `anchor`. `is_ending` means that Stripe will stop collecting: at
    `ends_at`, or after the current month if `ends_at` is None. `ended_at` and `end_reason` are set
    after the pledge has ended. `last_change` is the fact that determines the state.
    `last_method_id` is the id of the card or account that pays or, if there is none now, that paid
    last.
    """

    subscription: str | None
    state: PledgeState
    each_month: Money
    status: str = ""
    resumes_at: datetime | None = None
    month_ends_at: datetime | None = None
    anchor: datetime | None = None
    payment_method: PaymentMethod | None = None
    last_method_id: str = ""
    last_change: Fact | None = None
    is_ending: bool = False
    ends_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: EndReason | None = None

    @property
    def runs(self) -> bool:
        """Whether the pledge has begun and not ended, so that the donor can change it."""
        return self.state not in (PledgeState.NOT_BEGUN, PledgeState.ENDED)


def pledge_of(facts: Iterable[Fact], chosen: Money) -> Pledge:
    """Return the pledge, given the facts of its first gift and the amount that the donor chose.

    The latest change determines the state. A gift may have two subscriptions: if the first debit is
    refused, the first subscription ends, and the donor may start a second one.
    """
    facts = sorted(facts, key=_sort_key)
    started = [fact.source_id for fact in facts if fact.kind == FactKind.PLEDGE_STARTED]
    ended = [fact.source_id for fact in facts if fact.kind == FactKind.PLEDGE_ENDED]
    changes = [fact for fact in facts if fact.kind == FactKind.PLEDGE_CHANGED]
    changed = [fact.subscription for fact in changes]
    subscriptions = [*started, *changed, *ended]
    running = [each for each in subscriptions if each not in ended]
    subscription = next(iter(running or subscriptions), None)
    changes = [fact for fact in changes if fact.subscription == subscription]
    last = changes[-1] if changes else None
    amounts = [fact.amount_minor for fact in changes if fact.amount_minor]
    status, ends_at = (last.subscription_status, last.ends_at) if last else ("", None)
    if subscription is None:
        state = PledgeState.NOT_BEGUN
    elif not running:
        state = PledgeState.ENDED
    elif last and last.is_paused:
        state = PledgeState.PAUSED
    else:
        state = _BY_STATUS.get(status, PledgeState.UNKNOWN)
    has_ended = state is PledgeState.ENDED
    of_subscription = [fact for fact in facts if fact.subscription in (subscription, "")]
    ends_of_months = [fact.month_ends_at for fact in of_subscription if fact.month_ends_at]
    anchors = [fact.anchor for fact in of_subscription if fact.anchor]
    return Pledge(
        subscription=subscription,
        state=state,
        each_month=Money(amounts[-1], chosen.currency) if amounts else chosen,
        status=status,
        resumes_at=last.resumes_at if last and state is PledgeState.PAUSED else None,
        month_ends_at=ends_of_months[-1] if ends_of_months else None,
        anchor=anchors[-1] if anchors else None,
        payment_method=_payment_method_in(of_subscription),
        last_method_id=next(
            (each.payment_method for each in reversed(of_subscription) if each.payment_method), ""
        ),
        last_change=last,
        is_ending=not has_ended and bool((last and last.ends_with_the_month) or ends_at),
        ends_at=None if has_ended else ends_at,
        **(_ending_of(facts, subscription) if has_ended else {}),
    )


def _payment_method_in(facts: Iterable[Fact]) -> PaymentMethod | None:
    """Return the card or account that pays now, with its last digits if any fact has them."""
    facts = list(facts)
    ids = [fact.payment_method for fact in facts if fact.payment_method is not None]
    if not ids or not ids[-1]:
        return None
    named = (fact for fact in facts if fact.payment_method == ids[-1] and fact.last4)
    for fact in named:
        return PaymentMethod(ids[-1], fact.last4, fact.card_brand)
    return PaymentMethod(ids[-1])


def _ending_of(facts: Iterable[Fact], subscription: str | None) -> dict[str, Any]:
    """Return when and why this subscription ended, as fields of Pledge."""
    ended = next(
        fact
        for fact in facts
        if (fact.kind, fact.source_id) == (FactKind.PLEDGE_ENDED, subscription)
    )
    return {"ended_at": ended.happened_at, "end_reason": end_reason_of(ended)}


def end_reason_of(ended: Fact) -> EndReason | None:
    """Return why Stripe ended a pledge; None if a person cancelled it."""
    return EndReason(ended.reason) if ended.reason in tuple(EndReason) else None


def change_key(gift_id: uuid.UUID, number: int) -> str:
    """Return the source of the fact that records a change request. `number` counts from 1."""
    return f"{gift_id}:change:{number}"


def answer_to(change: str) -> str:
    """Return the source of a fact that records Stripe's answer to the change request `change`."""
    return f"asked:{change}"


def _sort_key(fact: Fact) -> tuple[datetime, int]:
    """Return the sort key of a fact: its time, then the number of the change request it answers.

    Stripe's times are whole seconds, and events may arrive late, so facts of the same second may be
    recorded in any order. The answer to the donor's latest change request sorts last.
    """
    answer = _ANSWER_SOURCE.fullmatch(fact.source_id)
    return fact.happened_at, int(answer[1]) if answer else 0


def month_key(invoice_id: str) -> str:
    """Return the form key of a gift that is opened for an invoice. No form can send such a key."""
    return f"{_MONTH_PREFIX}{invoice_id}"


def invoice_of(form_key: str) -> str | None:
    """Return the invoice that opened a gift, from its form key; None if a donor opened the gift."""
    return form_key.removeprefix(_MONTH_PREFIX) if form_key.startswith(_MONTH_PREFIX) else None
