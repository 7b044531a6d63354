"""Records a refund request, which is the first step of a refund, before Stripe is asked.

A request changes neither the gift's status nor its amounts, but it reserves its amount. So another
request can refund only the rest.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import Session, select

from donate.clock import Backoff
from donate.errors import N_, Conflict, NotFound
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.queries import plain_facts_of
from donate.gifts.refundable import next_number, payments_of
from donate.gifts.status import StatusName
from donate.money import Money
from donate.stripe_gateway.models import OpenRefund, RefundReason

DISPUTED: Final = N_(
    "The donor’s bank disputes this payment and has the money. "
    "Nothing can be refunded until the dispute has ended."
)
# How long to wait after the first, second, … call to Stripe before the next one. Each wait is
# longer than a call can take.
ASK_AGAIN_AFTER: Final = Backoff("15s 1m 5m 15m 1h 6h")


@dataclass(frozen=True, slots=True)
class RequestedRefund:
    """A refund that staff request. `payment` is a payment intent of the gift."""

    payment: str
    amount_minor: int
    reason: RefundReason
    note: str


class MoreThanIsLeft(Conflict):
    """Raised when a refund exceeds `left`, the part of the payment that is not refunded yet."""

    def __init__(self, left: Money) -> None:
        self.left = left
        super().__init__("the amount is more than is left of the payment")


def request_refund(
    session: Session,
    gift_id: uuid.UUID,
    refund: RequestedRefund,
    *,
    form_key: str,
    actor: str,
    now: datetime,
) -> OpenRefund | None:
    """Record and return a refund request. The caller commits, then calls `Refunds.ask_now`.

    Return None if the same form was sent before. Raises MoreThanIsLeft. Raises Conflict when the
    gift is disputed, when it has no such payment, or when the form was sent before with other
    values. Raises NotFound when there is no such gift.
    """
    # Lock the gift, so that of two requests the second one sees what the first one reserved.
    gift = session.get(Gift, gift_id, with_for_update=True)
    if gift is None:
        raise NotFound("no such gift")
    form_key = f"{gift.id}:{form_key}"
    earlier = session.exec(select(OpenRefund).where(OpenRefund.form_key == form_key)).one_or_none()
    if earlier:
        if _is_same(earlier, refund):
            return None
        raise Conflict(
            N_(
                "This form was already sent with other values. You can see that refund below. To "
                "refund more, please fill in the form again."
            )
        )
    if gift.status == StatusName.DISPUTED:
        raise Conflict(DISPUTED)
    facts = plain_facts_of(session, gift.id)
    payment = next((p for p in payments_of(facts) if p.intent == refund.payment), None)
    if payment is None:
        raise Conflict(N_("This gift has no such payment to refund."))
    if refund.amount_minor > payment.left_minor:
        raise MoreThanIsLeft(Money(payment.left_minor, gift.currency))
    key = f"{gift.id}:refund:{next_number(facts)}"
    fact = Fact(
        kind=FactKind.REFUND_REQUESTED,
        source_id=key,
        happened_at=now,
        actor=actor,
        amount_minor=refund.amount_minor,
        currency=gift.currency,
        evidence={"payment": refund.payment, "reason": refund.reason, "note": refund.note},
    )
    record_facts(session, [(gift.id, fact)], now=now)
    row = OpenRefund(
        key=key,
        gift_id=gift.id,
        form_key=form_key,
        payment=refund.payment,
        amount_minor=refund.amount_minor,
        reason=refund.reason,
        requested_at=now,
        ask_at=now + ASK_AGAIN_AFTER.after(1),
        asked_at=now,
        tries=1,
    )
    session.add(row)
    session.flush()
    return row


def _is_same(earlier: OpenRefund, refund: RequestedRefund) -> bool:
    return (earlier.payment, earlier.amount_minor, earlier.reason) == (
        refund.payment,
        refund.amount_minor,
        refund.reason,
    )
