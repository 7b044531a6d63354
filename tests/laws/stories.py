"""Stories of gifts: the events that Stripe sends about a gift, and the state that must follow.

Stories are random, and the same seed gives the same stories.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from donate.gifts.models import Gift
from donate.storage.database import Database
from tests.stripe_gateway.gifts_and_events import (
    AMOUNT,
    NOW,
    dispute_of,
    event,
    give,
    refund_of,
    session_for,
)
from tests.stripe_gateway.months import (
    BASIL,
    BEFORE_BASIL,
    TODAY,
    first_session,
    invoice_event,
    invoice_payment_event,
    subscription_event,
)

Event = dict[str, Any]
End = tuple[str, int, int]
"""A gift's status, received amount and net amount."""

SESSION: Final = "checkout.session"
AWAITED: Final[End] = ("awaited", 0, 0)
NOTHING: Final[End] = ("failed", 0, 0)
WHOLE: Final[End] = ("confirmed", AMOUNT, AMOUNT)


@dataclass
class Story:
    """A gift, Stripe's events about it, and its final state.

    If the gift began a pledge, `months` has the final states of the later months' gifts.
    """

    gift: Gift
    events: list[Event]
    end: End
    months: list[End] = field(default_factory=list)


def draw_story(database: Database, rng: Random) -> Story:
    """Open a gift, and draw a story for it."""
    return rng.choice(STORIES)(database, rng)


def paid_by_card(database: Database, rng: Random) -> Story:
    """Draw a story of a card payment, perhaps first declined, perhaps refunded or disputed."""
    gift = give(database)
    session = session_for(gift)
    events = [event(f"{SESSION}.completed", session)]
    if rng.random() < 0.3:
        events.insert(0, _declined(gift))
    returned, end = _returns(session["payment_intent"], rng)
    return Story(gift, events + returned, end)


def paid_late(database: Database, rng: Random) -> Story:
    """Draw a story of a bank debit that takes days, and then arrives or fails."""
    gift = give(database)
    session = session_for(gift)
    started = event(f"{SESSION}.completed", session | {"payment_status": "unpaid"})
    if rng.random() < 0.4:
        failed = event(f"{SESSION}.async_payment_failed", session | {"payment_status": "unpaid"})
        return Story(gift, [started, failed, _declined(gift)], NOTHING)
    arrived = event(f"{SESSION}.async_payment_succeeded", session)
    returned, end = _returns(session["payment_intent"], rng)
    return Story(gift, [started, arrived, *returned], end)


def never_paid(database: Database, rng: Random) -> Story:
    """Draw a story of an expired checkout session, perhaps with a second one that is paid."""
    has_second = rng.random() < 0.5
    gift = give(database, attempts=2 if has_second else 1)
    expired = session_for(gift, payment_status="unpaid", payment_intent=None)
    events = [event(f"{SESSION}.expired", expired)]
    if not has_second:
        return Story(gift, events, ("lapsed", 0, 0))
    second = {"metadata": expired["metadata"] | {"attempt": "2"}}
    events.append(event(f"{SESSION}.completed", session_for(gift) | second))
    return Story(gift, events, WHOLE)


def paid_every_month(database: Database, rng: Random) -> Story:
    """Draw a story of a pledge; each later month is paid, fails, or is paid and refunded."""
    gift = give(database, frequency="monthly")
    version = rng.choice([BEFORE_BASIL, BASIL, TODAY])
    first = f"in_{gift.reference}"
    events = [
        subscription_event(gift, "created"),
        event(f"{SESSION}.completed", first_session(gift)),
        invoice_event(gift, first, reason="subscription_create", version=version),
        *([] if version == BEFORE_BASIL else [invoice_payment_event(first)]),
    ]
    months = []
    for number in range(rng.randrange(4)):
        invoice_id = f"{first}_{number}"
        outcome = rng.choice(["paid", "failed", "paid at last", "refunded"])
        if outcome in ("failed", "paid at last"):
            events.append(invoice_event(gift, invoice_id, step="payment_failed", version=version))
        if outcome == "failed":
            months.append(NOTHING)
            continue
        events.append(invoice_event(gift, invoice_id, version=version))
        if version != BEFORE_BASIL:
            events.append(invoice_payment_event(invoice_id))
        if outcome == "refunded":
            events.append(event("refund.created", refund_of(f"pi_{invoice_id}", AMOUNT)))
        months.append(("refunded", AMOUNT, 0) if outcome == "refunded" else WHOLE)
    if rng.random() < 0.3:
        events.append(subscription_event(gift, "deleted", at=9))
    return Story(gift, events, WHOLE, months)


def not_ours(database: Database, rng: Random) -> Story:
    """Draw a story of signed events that contradict the gift; none may count as a payment."""
    gift = give(database)
    session = session_for(gift)
    completed = f"{SESSION}.completed"
    events = [
        event(completed, session | {"amount_total": AMOUNT * 100}),
        event(completed, session | {"currency": "usd"}),
        event(completed, session, account="acct_another"),
        event(completed, session, livemode=True),
        event(completed, session | {"client_reference_id": "LWCAN-2222222"}),
        event(completed, session | {"payment_status": "no_payment_required"}),
        event("customer.created", {"id": "cus_1"}),
    ]
    return Story(gift, rng.sample(events, rng.randrange(1, len(events))), AWAITED)


STORIES: Final[list[Callable[[Database, Random], Story]]] = [
    paid_by_card,
    paid_late,
    never_paid,
    paid_every_month,
    not_ours,
]


def _declined(gift: Gift) -> Event:
    metadata = {"gift_id": str(gift.id), "reference": gift.reference, "attempt": "1"}
    return event("charge.failed", {"id": f"ch_{gift.reference}", "metadata": metadata})


def _returns(payment: str, rng: Random) -> tuple[list[Event], End]:
    """Draw events of refunds or disputes of a payment; return them and the gift's final state."""
    outcome = rng.choice(["kept", "kept", "parts", "failed", "failed late", *_DISPUTES, "open"])
    match outcome:
        case "kept":
            return [], WHOLE
        case "parts":
            parts = [rng.randrange(1, 1_000) for _ in range(rng.randrange(1, 4))]
            events = []
            for part in parts:
                refund = refund_of(payment, part, "pending")
                events.append(event("refund.created", refund))
                events.append(event("refund.updated", refund | {"status": "succeeded"}))
            return events, ("partly_refunded", AMOUNT, AMOUNT - sum(parts))
        case "failed":
            refund = refund_of(payment, AMOUNT, "pending")
            failed = refund | {"status": "failed"}
            return [event("refund.created", refund), event("refund.failed", failed)], WHOLE
        case "open":
            events = [event("charge.dispute.created", dispute_of(payment))]
            return events, ("disputed", AMOUNT, 0)
        case "failed late":
            refund = refund_of(payment, AMOUNT)
            failed = refund | {"status": "failed"}
            return [event("refund.created", refund), event("refund.failed", failed)], WHOLE
    steps, end = _DISPUTES[outcome]
    dispute = dispute_of(payment)
    at = int(NOW.timestamp())
    events = [
        event(f"charge.dispute.{step}", dispute | {"status": status}, created=at + 60 * minute)
        for minute, (step, status) in enumerate(steps)
    ]
    return events, end


_ASKED = ("created", "warning_needs_response")
_TAKEN = [_ASKED, ("updated", "needs_response"), ("funds_withdrawn", "needs_response")]
_BACK: End = ("charged_back", AMOUNT, 0)
_DISPUTES: Final[dict[str, tuple[list[tuple[str, str]], End]]] = {
    "won": ([("created", "needs_response"), ("closed", "won")], WHOLE),
    "lost": ([("created", "needs_response"), ("closed", "lost")], _BACK),
    "asked": ([_ASKED, ("updated", "warning_under_review"), ("closed", "warning_closed")], WHOLE),
    "escalated": (_TAKEN, ("disputed", AMOUNT, 0)),
    "escalated and lost": ([*_TAKEN, ("closed", "lost")], _BACK),
    "lost and won": ([*_TAKEN, ("closed", "lost"), ("funds_reinstated", "won")], WHOLE),
    "won and lost": ([*_TAKEN, ("closed", "won"), ("closed", "lost")], _BACK),
}
