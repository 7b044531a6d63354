"""The first beat of a refund: the request, written down before anybody is asked for anything.

It changes neither the gift's status nor its amounts, and it reserves what it asks for: whatever
else is wanted back meanwhile has to do with what is left.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, select

from donate.errors import Conflict, NotFound
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.queries import facts_of
from donate.gifts.refundable import next_number, payments_of
from donate.gifts.status import StatusName
from donate.money import Money
from donate.stripe_gateway.models import OpenRefund
from donate.stripe_gateway.retry_loop import Backoff

# What staff may choose as a reason, and Stripe's word for it.
REASONS: Final = {
    "requested_by_donor": "requested_by_customer",
    "duplicate": "duplicate",
    "fraudulent": "fraudulent",
}
DISPUTED: Final = (
    "The donor’s bank disputes this payment and has the money. "
    "Nothing can be refunded until the dispute has ended."
)
# When to ask again after the first, second, ... try. The first is longer than one call may take.
ASK_AGAIN_AFTER: Final = Backoff(
    (
        timedelta(seconds=15),
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=15),
        timedelta(hours=1),
        timedelta(hours=6),
    )
)


@dataclass(frozen=True, slots=True)
class WantedRefund:
    """What a member of staff wants to send back. `payment` is a payment intent of the gift."""

    payment: str
    amount_minor: int
    reason: str
    note: str


class MoreThanIsLeft(Conflict):
    """The payment has only `left` that can still go back."""

    def __init__(self, left: Money) -> None:
        self.left = left
        super().__init__("more than is left of the payment")


def request_refund(
    session: Session,
    gift_id: uuid.UUID,
    wanted: WantedRefund,
    *,
    form_key: str,
    actor: str,
    now: datetime,
) -> OpenRefund | None:
    """Write down that a refund is wanted; commit, then `ask_now`. None when the form came before.

    Raises MoreThanIsLeft, Conflict when the gift is disputed, has no such payment or the form came
    before with something else in it, and NotFound.
    """
    # Locked, so that of two clerks the second one sees what the first one took.
    gift = session.get(Gift, gift_id, with_for_update=True)
    if gift is None:
        raise NotFound("no such gift")
    form_key = f"{gift.id}:{form_key}"
    known = session.exec(select(OpenRefund).where(OpenRefund.form_key == form_key)).one_or_none()
    if known:
        if _same(known, wanted):
            return None
        raise Conflict(
            "This form was sent before, with something else in it. What was asked for then is "
            "below; to send back more, please fill in the form again."
        )
    if gift.status == StatusName.DISPUTED:
        raise Conflict(DISPUTED)
    facts = [row.as_fact() for row in facts_of(session, gift.id)]
    payment = next((p for p in payments_of(facts) if p.intent == wanted.payment), None)
    if payment is None:
        raise Conflict("This gift has no such payment to send back.")
    if wanted.amount_minor > payment.left_minor:
        raise MoreThanIsLeft(Money(payment.left_minor, gift.currency))
    key = f"{gift.id}:refund:{next_number(facts)}"
    requested = Fact(
        kind=FactKind.REFUND_REQUESTED,
        source_id=key,
        happened_at=now,
        actor=actor,
        amount_minor=wanted.amount_minor,
        currency=gift.currency,
        evidence={"payment": wanted.payment, "reason": wanted.reason, "note": wanted.note},
    )
    record_facts(session, [(gift.id, requested)], now=now)
    row = OpenRefund(
        key=key,
        gift_id=gift.id,
        form_key=form_key,
        payment=wanted.payment,
        amount_minor=wanted.amount_minor,
        reason=wanted.reason,
        requested_at=now,
        ask_at=now + ASK_AGAIN_AFTER.after(1),
        asked_at=now,
        tries=1,
    )
    session.add(row)
    session.flush()
    return row


def _same(known: OpenRefund, wanted: WantedRefund) -> bool:
    return (known.payment, known.amount_minor, known.reason) == (
        wanted.payment,
        wanted.amount_minor,
        wanted.reason,
    )
