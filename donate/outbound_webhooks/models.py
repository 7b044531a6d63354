"""The tables of outbound webhooks: who gets them, which events, and each event's delivery.

A delivery stores no content. The content is computed from the facts when it is sent, so that no
donor's data is stored here.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from donate.gifts.models import GiftFact
from donate.outbound_webhooks.events import OutboundEvent
from donate.storage.bulk_writes import table_of
from donate.storage.column_types import EnumText, RowNumber, UtcDateTime


class WebhookReceiver(SQLModel, table=True):
    """Another program that gets webhooks. Its secrets are stored encrypted.

    `free_at` is when the next webhook may be sent to it: the end of a worker's lease, or of a pause
    after a failure. `failures` counts its failures since its last success, and `failing_since` is
    when they began. `version` counts the changes by staff.
    """

    __tablename__ = "webhook_receiver"
    __table_args__ = (
        CheckConstraint("url LIKE 'http%'", name="webhook_receiver_has_a_url"),
        CheckConstraint(
            "(old_secret = '') = (old_secret_until IS NULL)",
            name="webhook_receiver_old_secret_ends",
        ),
        CheckConstraint(
            "(disabled_at IS NULL) = (disabled_why = '')", name="webhook_receiver_disabled_why"
        ),
        CheckConstraint(
            "failures >= 0 AND (failures = 0) = (failing_since IS NULL)",
            name="webhook_receiver_failing_since",
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    form_key: str = Field(max_length=128, unique=True)
    url: str = Field(max_length=500)
    description: str = Field(max_length=100)
    with_donor: bool
    secret: str = Field(max_length=300)
    old_secret: str = Field(default="", max_length=300)
    old_secret_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    added_at: datetime = Field(sa_type=UtcDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    # `staff`, or `gone` if the receiver answered that it wants no more webhooks.
    disabled_why: str = Field(default="", max_length=16)
    free_at: datetime = Field(sa_type=UtcDateTime)
    failures: int = 0
    failing_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 0


class WebhookSubscription(SQLModel, table=True):
    """An event that a receiver wants, for facts that were recorded from `wanted_from` on."""

    __tablename__ = "webhook_subscription"

    receiver_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey(table_of(WebhookReceiver).c.id), primary_key=True)
    )
    event: OutboundEvent = Field(
        sa_type=EnumText(OutboundEvent, 32, "webhook_subscription.event"), primary_key=True
    )
    wanted_from: datetime = Field(sa_type=UtcDateTime)


class DeliveryState(StrEnum):
    """The state of a delivery."""

    WAITING = "waiting"  # It is sent at `due_at`, or again then.
    DELIVERED = "delivered"  # The receiver answered with a code from 200 to 299.
    FAILED = "failed"  # It was tried often enough; staff decide.
    DISMISSED = "dismissed"  # Staff decided not to send it.


class WebhookDelivery(SQLModel, table=True):
    """One event for one receiver. A test has no fact.

    `change` tells two events of one fact apart. `message_id` stays the same each time it is sent.
    `answer_code` and `answer` are the last answer, `reason` why there was none.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("receiver_id", "fact_id", "change", name="webhook_delivery_once"),
        CheckConstraint(
            "(event = 'webhook.test') = (fact_id IS NULL)", name="webhook_delivery_has_a_fact"
        ),
        CheckConstraint(
            "state IN ('waiting', 'delivered', 'failed', 'dismissed')",
            name="webhook_delivery_state_is_known",
        ),
        CheckConstraint(
            "(state = 'delivered') = (delivered_at IS NOT NULL)",
            name="webhook_delivery_has_a_time",
        ),
        CheckConstraint(
            "answer_code IS NULL OR reason = ''", name="webhook_delivery_answer_or_reason"
        ),
        Index("webhook_delivery_due", "state", "receiver_id", "due_at", "id"),
        Index("webhook_delivery_newest", "receiver_id", "id"),
        Index("webhook_delivery_of_fact", "fact_id"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    receiver_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey(table_of(WebhookReceiver).c.id), nullable=False)
    )
    event: OutboundEvent = Field(sa_type=EnumText(OutboundEvent, 32, "webhook_delivery.event"))
    fact_id: int | None = Field(
        default=None,
        sa_column=Column(BigInteger, ForeignKey(table_of(GiftFact).c.id, ondelete="CASCADE")),
    )
    change: str = Field(default="", max_length=16)
    message_id: str = Field(max_length=64, unique=True)
    state: DeliveryState = Field(sa_type=EnumText(DeliveryState, 16, "webhook_delivery.state"))
    tries: int = 0
    found_at: datetime = Field(sa_type=UtcDateTime)
    due_at: datetime = Field(sa_type=UtcDateTime)
    delivered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answer_code: int | None = None
    answer: str = Field(default="", max_length=500)
    reason: str = Field(default="", max_length=200)
