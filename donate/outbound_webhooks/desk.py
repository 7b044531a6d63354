"""Reads receivers and deliveries for the staff's pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import bindparam
from sqlmodel import Session, col, func, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from donate.errors import NotFound
from donate.gifts.models import Gift, GiftFact
from donate.outbound_webhooks.events import OutboundEvent
from donate.outbound_webhooks.models import (
    DeliveryState,
    WebhookDelivery,
    WebhookReceiver,
    WebhookSubscription,
)
from donate.outbound_webhooks.receivers import BY_RECEIVER

TOLD_AFTER: Final = timedelta(hours=1)
"""Staff are told about a receiver that has failed for this long."""

_MOST_RECEIVERS_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class ReceiverRow:
    """A receiver, the events it wants, and how many of its deliveries wait or have failed."""

    receiver: WebhookReceiver
    events: frozenset[OutboundEvent]
    waiting: int
    failed: int
    delivered_at: datetime | None
    """When it last accepted a webhook."""

    @property
    def host(self) -> str:
        """The host of its address. The rest of the address may be a secret of the program."""
        return urlsplit(self.receiver.url).hostname or ""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery, and the gift that it is about; a test is about none."""

    delivery: WebhookDelivery
    gift: Gift | None


def list_receivers(session: Session) -> list[ReceiverRow]:
    """Return all receivers, those that are enabled first."""
    rows = session.exec(
        select(WebhookReceiver)
        .order_by(col(WebhookReceiver.disabled_at).is_not(None), col(WebhookReceiver.id))
        .limit(_MOST_RECEIVERS_SHOWN)
    ).all()
    return _with_counts(session, rows)


def load_receiver(session: Session, number: int) -> ReceiverRow:
    """Return the receiver with this number. Raises NotFound."""
    receiver = session.get(WebhookReceiver, number)
    if receiver is None:
        raise NotFound("no such receiver")
    return _with_counts(session, [receiver])[0]


def newest_deliveries(
    session: Session, receiver_id: int, *, before: int | None, only_failed: bool, most: int
) -> list[DeliveryRow]:
    """Return the newest deliveries to a receiver, or those before this number."""
    statement = (
        select(WebhookDelivery, Gift)
        .outerjoin(GiftFact, col(GiftFact.id) == col(WebhookDelivery.fact_id))
        .outerjoin(Gift, col(Gift.id) == col(GiftFact.gift_id))
        .where(WebhookDelivery.receiver_id == receiver_id)
        .order_by(col(WebhookDelivery.id).desc())
        .limit(most)
    )
    if before is not None:
        statement = statement.where(col(WebhookDelivery.id) < before)
    if only_failed:
        statement = statement.where(WebhookDelivery.state == DeliveryState.FAILED)
    return [DeliveryRow(delivery, gift) for delivery, gift in session.exec(statement)]


def receivers_in_trouble(session: Session, now: datetime, *, most: int) -> Sequence[int]:
    """Return the receivers that staff should look at.

    They have failed for an hour, have said that they want no more webhooks, or miss some for good.
    """
    numbers = session.exec(_in_trouble(most), params={"failing_since": now - TOLD_AFTER})
    return [number for number in numbers if number is not None]


@cache
def _in_trouble(most: int) -> SelectOfScalar[int | None]:
    has_failed = select(WebhookDelivery.receiver_id).where(
        WebhookDelivery.state == DeliveryState.FAILED
    )
    is_failing = (col(WebhookReceiver.failing_since) <= bindparam("failing_since")) & col(
        WebhookReceiver.disabled_at
    ).is_(None)
    statement = select(col(WebhookReceiver.id)).where(
        or_(
            is_failing,
            WebhookReceiver.disabled_why == BY_RECEIVER,
            col(WebhookReceiver.id).in_(has_failed),
        )
    )
    return statement.order_by(col(WebhookReceiver.id)).limit(most)


def _with_counts(session: Session, receivers: Sequence[WebhookReceiver]) -> list[ReceiverRow]:
    numbers = [receiver.id for receiver in receivers]
    wishes: dict[int, set[OutboundEvent]] = {}
    for wish in session.exec(
        select(WebhookSubscription).where(col(WebhookSubscription.receiver_id).in_(numbers))
    ):
        wishes.setdefault(wish.receiver_id, set()).add(wish.event)
    counts = {
        (number, state): (count, last)
        for number, state, count, last in session.exec(
            select(
                WebhookDelivery.receiver_id,
                WebhookDelivery.state,
                func.count(),
                func.max(WebhookDelivery.delivered_at),
            )
            .where(col(WebhookDelivery.receiver_id).in_(numbers))
            .group_by(col(WebhookDelivery.receiver_id), col(WebhookDelivery.state))
        )
    }
    none = (0, None)
    return [
        ReceiverRow(
            receiver,
            frozenset(wishes.get(number, ())),
            waiting=counts.get((number, DeliveryState.WAITING), none)[0],
            failed=counts.get((number, DeliveryState.FAILED), none)[0],
            delivered_at=counts.get((number, DeliveryState.DELIVERED), none)[1],
        )
        for receiver in receivers
        if (number := receiver.id) is not None
    ]
