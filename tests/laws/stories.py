"""Stories of gifts: what Stripe would tell of each, and how it must end however that arrives.

Drawn from dice, so that the same seed tells the same stories.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from donate.gifts.models import Gift
from donate.storage.database import Database
from tests.stripe_gateway.given import (
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

Told = dict[str, Any]
End = tuple[str, int, int]
"""Status, received and net."""

SESSION: Final = "checkout.session"
AWAITED: Final[End] = ("awaited", 0, 0)
NOTHING: Final[End] = ("failed", 0, 0)
WHOLE: Final[End] = ("confirmed", AMOUNT, AMOUNT)


@dataclass
class Story:
    """A gift, everything Stripe has to tell of it, and how it ends, with its later months."""

    gift: Gift
    told: list[Told]
    end: End
    months: list[End] = field(default_factory=list)


def draw_story(database: Database, dice: Random) -> Story:
    """Open a gift and draw what becomes of it."""
    return dice.choice(STORIES)(database, dice)


def paid_by_card(database: Database, dice: Random) -> Story:
    """Tell of a card payment, perhaps declined once before, and of what goes back afterwards."""
    gift = give(database)
    session = session_for(gift)
    told = [event(f"{SESSION}.completed", session)]
    if dice.random() < 0.3:
        told.insert(0, _declined(gift))
    returned, end = _returns(session["payment_intent"], dice)
    return Story(gift, told + returned, end)


def paid_late(database: Database, dice: Random) -> Story:
    """Tell of a debit that takes days: it arrives, or it fails."""
    gift = give(database)
    session = session_for(gift)
    begun = event(f"{SESSION}.completed", session | {"payment_status": "unpaid"})
    if dice.random() < 0.4:
        failed = event(f"{SESSION}.async_payment_failed", session | {"payment_status": "unpaid"})
        return Story(gift, [begun, failed, _declined(gift)], NOTHING)
    arrived = event(f"{SESSION}.async_payment_succeeded", session)
    returned, end = _returns(session["payment_intent"], dice)
    return Story(gift, [begun, arrived, *returned], end)


def never_paid(database: Database, dice: Random) -> Story:
    """Tell of a session that nobody paid in, and perhaps of a second one that was paid."""
    again = dice.random() < 0.5
    gift = give(database, attempts=2 if again else 1)
    expired = session_for(gift, payment_status="unpaid", payment_intent=None)
    told = [event(f"{SESSION}.expired", expired)]
    if not again:
        return Story(gift, told, ("lapsed", 0, 0))
    second = {"metadata": expired["metadata"] | {"attempt": "2"}}
    told.append(event(f"{SESSION}.completed", session_for(gift) | second))
    return Story(gift, told, WHOLE)


def paid_every_month(database: Database, dice: Random) -> Story:
    """Tell of a pledge: a first month, later ones that are paid, fail, or fail and are paid."""
    gift = give(database, frequency="monthly")
    version = dice.choice([BEFORE_BASIL, BASIL, TODAY])
    first = f"in_{gift.reference}"
    told = [
        subscription_event(gift, "created"),
        event(f"{SESSION}.completed", first_session(gift)),
        invoice_event(gift, first, reason="subscription_create", version=version),
        *([] if version == BEFORE_BASIL else [invoice_payment_event(first)]),
    ]
    months = []
    for number in range(dice.randrange(4)):
        invoice_id = f"{first}_{number}"
        fate = dice.choice(["paid", "failed", "paid at last", "refunded"])
        if fate in ("failed", "paid at last"):
            told.append(invoice_event(gift, invoice_id, step="payment_failed", version=version))
        if fate == "failed":
            months.append(NOTHING)
            continue
        told.append(invoice_event(gift, invoice_id, version=version))
        if version != BEFORE_BASIL:
            told.append(invoice_payment_event(invoice_id))
        if fate == "refunded":
            told.append(event("refund.created", refund_of(f"pi_{invoice_id}", AMOUNT)))
        months.append(("refunded", AMOUNT, 0) if fate == "refunded" else WHOLE)
    if dice.random() < 0.3:
        told.append(subscription_event(gift, "deleted", at=9))
    return Story(gift, told, WHOLE, months)


def not_ours(database: Database, dice: Random) -> Story:
    """Tell what is signed and yet not true: nothing of it may count."""
    gift = give(database)
    session = session_for(gift)
    completed = f"{SESSION}.completed"
    told = [
        event(completed, session | {"amount_total": AMOUNT * 100}),
        event(completed, session | {"currency": "usd"}),
        event(completed, session, account="acct_another"),
        event(completed, session, livemode=True),
        event(completed, session | {"client_reference_id": "LWCAN-2222222"}),
        event(completed, session | {"payment_status": "no_payment_required"}),
        event("customer.created", {"id": "cus_1"}),
    ]
    return Story(gift, dice.sample(told, dice.randrange(1, len(told))), AWAITED)


STORIES: Final[list[Callable[[Database, Random], Story]]] = [
    paid_by_card,
    paid_late,
    never_paid,
    paid_every_month,
    not_ours,
]


def _declined(gift: Gift) -> Told:
    metadata = {"gift_id": str(gift.id), "reference": gift.reference, "attempt": "1"}
    return event("charge.failed", {"id": f"ch_{gift.reference}", "metadata": metadata})


def _returns(payment: str, dice: Random) -> tuple[list[Told], End]:
    """Draw what goes back of a payment, and how the gift ends then."""
    fate = dice.choice(["kept", "kept", "parts", "failed", "failed late", *_DISPUTES, "open"])
    match fate:
        case "kept":
            return [], WHOLE
        case "parts":
            parts = [dice.randrange(1, 1_000) for _ in range(dice.randrange(1, 4))]
            told = []
            for part in parts:
                refund = refund_of(payment, part, "pending")
                told.append(event("refund.created", refund))
                told.append(event("refund.updated", refund | {"status": "succeeded"}))
            return told, ("partly_refunded", AMOUNT, AMOUNT - sum(parts))
        case "failed":
            refund = refund_of(payment, AMOUNT, "pending")
            failed = refund | {"status": "failed"}
            return [event("refund.created", refund), event("refund.failed", failed)], WHOLE
        case "open":
            told = [event("charge.dispute.created", dispute_of(payment))]
            return told, ("disputed", AMOUNT, 0)
        case "failed late":
            refund = refund_of(payment, AMOUNT)
            failed = refund | {"status": "failed"}
            return [event("refund.created", refund), event("refund.failed", failed)], WHOLE
    steps, end = _DISPUTES[fate]
    dispute = dispute_of(payment)
    at = int(NOW.timestamp())
    told = [
        event(f"charge.dispute.{step}", dispute | {"status": status}, created=at + 60 * minute)
        for minute, (step, status) in enumerate(steps)
    ]
    return told, end


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
