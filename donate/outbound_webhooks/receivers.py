"""What admins do with receivers and deliveries. The caller commits and adds a trail entry."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Update, update
from sqlmodel import Session, col, delete, func, select

from donate.errors import N_, Conflict, NotFound
from donate.outbound_webhooks.events import OutboundEvent
from donate.outbound_webhooks.finder import new_delivery
from donate.outbound_webhooks.models import (
    DeliveryState,
    WebhookDelivery,
    WebhookReceiver,
    WebhookSubscription,
)
from donate.outbound_webhooks.sender import MOST_RECEIVERS
from donate.storage.bulk_writes import count_changed, insert_new

OLD_SECRET_FOR: Final = timedelta(days=1)
"""How long webhooks are also signed with the old secret, after a new one was made."""

BY_STAFF: Final = "staff"
BY_RECEIVER: Final = "gone"


@dataclass(frozen=True, slots=True)
class ReceiverTerms:
    """What an admin chooses for a receiver."""

    url: str
    description: str
    events: frozenset[OutboundEvent]
    with_donor: bool


def receiver_of_form(session: Session, form_key: str) -> WebhookReceiver | None:
    """Return the receiver that this form has added, if it was sent before."""
    return session.exec(
        select(WebhookReceiver).where(WebhookReceiver.form_key == form_key)
    ).one_or_none()


def add_receiver(
    session: Session, terms: ReceiverTerms, encrypted_secret: str, form_key: str, *, now: datetime
) -> WebhookReceiver:
    """Add a receiver for what is recorded from now on. Raises Conflict if there are too many."""
    _keep_within_limit(session)
    receiver = WebhookReceiver(
        form_key=form_key,
        url=terms.url,
        description=terms.description,
        with_donor=terms.with_donor,
        secret=encrypted_secret,
        added_at=now,
        free_at=now,
    )
    session.add(receiver)
    session.flush()
    _set_events(session, receiver, terms.events, now)
    return receiver


def lock_receiver(session: Session, number: int, version: str | None = None) -> WebhookReceiver:
    """Lock a receiver. Raises NotFound, and Conflict if it is no longer of this version."""
    receiver = session.get(WebhookReceiver, number, with_for_update=True)
    if receiver is None:
        raise NotFound("no such receiver")
    if version is not None and version != str(receiver.version):
        raise Conflict(N_("Somebody changed this program in the meantime. Check what’s here now."))
    return receiver


def change_receiver(
    session: Session, receiver: WebhookReceiver, terms: ReceiverTerms, *, now: datetime
) -> None:
    """Give a receiver other terms. Events that are new to it are sent from now on."""
    receiver.url, receiver.description = terms.url, terms.description
    receiver.with_donor = terms.with_donor
    receiver.version += 1
    _set_events(session, receiver, terms.events, now)


def rotate_secret(receiver: WebhookReceiver, encrypted_secret: str, *, now: datetime) -> None:
    """Replace the secret. The old one signs too, for OLD_SECRET_FOR."""
    receiver.old_secret, receiver.old_secret_until = receiver.secret, now + OLD_SECRET_FOR
    receiver.secret = encrypted_secret
    receiver.version += 1


def disable_receiver(receiver: WebhookReceiver, *, now: datetime) -> None:
    """Send nothing more to a receiver, until it is enabled. What waits keeps waiting."""
    receiver.disabled_at, receiver.disabled_why = receiver.disabled_at or now, BY_STAFF
    receiver.version += 1


def enable_receiver(session: Session, receiver: WebhookReceiver, *, now: datetime) -> None:
    """Enable a disabled receiver again. Raises Conflict if as many as allowed are enabled."""
    if receiver.disabled_at is not None:
        _keep_within_limit(session)
    receiver.disabled_at, receiver.disabled_why = None, ""
    receiver.failures, receiver.failing_since, receiver.free_at = 0, None, now
    receiver.version += 1


def queue_test(session: Session, receiver: WebhookReceiver, *, now: datetime) -> None:
    """Send a test. Raises Conflict if the receiver is disabled, or its last test is under way."""
    if receiver.disabled_at is not None:
        raise Conflict(N_("This program is switched off. Switch it on first."))
    waiting = select(WebhookDelivery.id).where(
        WebhookDelivery.receiver_id == receiver.id,
        WebhookDelivery.event == OutboundEvent.TEST,
        WebhookDelivery.state == DeliveryState.WAITING,
    )
    if session.exec(waiting).first() is not None:
        raise Conflict(N_("The last test hasn’t been accepted yet. It’s tried again by itself."))
    message_id = f"msg_{secrets.token_hex(16)}"
    row = new_delivery(receiver.id or 0, OutboundEvent.TEST, message_id, now=now)
    insert_new(session, WebhookDelivery, [row])


def replay_delivery(
    session: Session, receiver: WebhookReceiver, number: int, *, now: datetime
) -> WebhookDelivery:
    """Send a delivery again, with its old id. Raises NotFound."""
    delivery = session.get(WebhookDelivery, number, with_for_update=True)
    if delivery is None or delivery.receiver_id != receiver.id:
        raise NotFound("no such delivery")
    delivery.state, delivery.delivered_at = DeliveryState.WAITING, None
    delivery.tries, delivery.due_at = 0, now
    return delivery


def replay_failed(
    session: Session, receiver: WebhookReceiver, since: datetime, *, now: datetime
) -> int:
    """Send all deliveries again that have failed and were found since then; return how many."""
    again = _failed(receiver).where(col(WebhookDelivery.found_at) >= since)
    return count_changed(session, again.values(state=DeliveryState.WAITING, tries=0, due_at=now))


def dismiss_failed(session: Session, receiver: WebhookReceiver) -> int:
    """Decide not to send the deliveries that have failed; return how many."""
    return count_changed(session, _failed(receiver).values(state=DeliveryState.DISMISSED))


def _failed(receiver: WebhookReceiver) -> Update:
    return update(WebhookDelivery).where(
        col(WebhookDelivery.receiver_id) == receiver.id,
        col(WebhookDelivery.state) == DeliveryState.FAILED,
    )


def _keep_within_limit(session: Session) -> None:
    enabled = select(func.count()).where(col(WebhookReceiver.disabled_at).is_(None))
    if session.exec(enabled).one() >= MOST_RECEIVERS:
        raise Conflict(
            N_("At most %(most)s programs can get webhooks. Switch one off first."),
            {"most": str(MOST_RECEIVERS)},
        )


def _set_events(
    session: Session,
    receiver: WebhookReceiver,
    events: frozenset[OutboundEvent],
    now: datetime,
) -> None:
    """Store which events are wanted. Those that were wanted before keep their `wanted_from`."""
    session.execute(
        delete(WebhookSubscription).where(
            col(WebhookSubscription.receiver_id) == receiver.id,
            col(WebhookSubscription.event).not_in(events),
        )
    )
    rows = [
        {"receiver_id": receiver.id, "event": event, "wanted_from": now} for event in sorted(events)
    ]
    insert_new(session, WebhookSubscription, rows)
