"""The tables of this room: the inbox, what Stripe was asked for, and how far catch-up has come."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, Index, LargeBinary
from sqlmodel import Field, SQLModel

from donate.gifts.models import RowNumber
from donate.storage.database import UtcDateTime


class EventState(StrEnum):
    """How far an event has come."""

    WAITING = "waiting"  # to be settled at `due_at`
    SETTLED = "settled"  # its facts are in the ledger
    IGNORED = "ignored"  # authentic, and nothing for us to record
    FOREIGN = "foreign"  # another account's, or the other mode's
    SET_ASIDE = "set_aside"  # authentic, but it cannot be applied; staff decide
    DISMISSED = "dismissed"  # was set aside, and staff decided that nothing is to be done


class StripeEvent(SQLModel, table=True):
    """An event exactly as it arrived, stored before anything was done about it."""

    __tablename__ = "stripe_event"
    __table_args__ = (
        Index("stripe_event_due", "state", "due_at", "id"),
        Index("stripe_event_waits_for", "waits_for"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    event_id: str = Field(max_length=255, unique=True)
    type: str = Field(max_length=255)
    source: str = Field(max_length=16)  # "webhook", or "asked" when we fetched it ourselves
    payload: bytes = Field(sa_type=LargeBinary)
    received_at: datetime = Field(sa_type=UtcDateTime)
    state: str = Field(max_length=16)
    reason: str = Field(default="", max_length=500)
    tries: int = 0
    due_at: datetime = Field(sa_type=UtcDateTime)
    waits_for: str | None = Field(default=None, max_length=255)
    gift_id: uuid.UUID | None = Field(default=None, foreign_key="gift.id", index=True)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    # Which gift staff say it is about, whatever it says itself, and who said so.
    tied_to: uuid.UUID | None = Field(default=None, foreign_key="gift.id")
    tied_by: str = Field(default="", max_length=64)
    # What staff decided about it, oldest first; `aside` writes it.
    history: list[dict[str, str]] = Field(default_factory=list, sa_type=JSON)

    def make_due(self, now: datetime) -> None:
        """Have the event settled now, as if it had just come in."""
        self.state = EventState.WAITING
        self.reason = ""
        self.tries = 0
        self.due_at = now
        self.waits_for = None
        self.settled_at = None


class OpenCheckout(SQLModel, table=True):
    """A checkout session that Stripe opened for a gift, and when to ask Stripe about it next."""

    __tablename__ = "open_checkout"
    __table_args__ = (Index("open_checkout_to_ask", "ask_at"),)

    session_id: str = Field(primary_key=True, max_length=255)
    gift_id: uuid.UUID = Field(foreign_key="gift.id", index=True)
    url: str = Field(max_length=2000)
    opened_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    ask_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    asked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class UnknownPayment(SQLModel, table=True):
    """A payment, or an invoice, that an event is about and no gift here bears.

    Stripe is asked at `ask_at` whether this service brought it about. `is_foreign` is True only
    when Stripe's own objects say that it did not.
    """

    __tablename__ = "unknown_payment"
    __table_args__ = (Index("unknown_payment_to_ask", "ask_at"),)

    payment: str = Field(primary_key=True, max_length=255)
    is_foreign: bool
    asked: int
    ask_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class OpenAgreement(SQLModel, table=True):
    """A session in which a donor agreed to monthly debits, and when to see to them next.

    `keys_spent` counts the idempotency keys that Stripe answers from memory with a failure of its
    own.
    """

    __tablename__ = "open_agreement"
    __table_args__ = (Index("open_agreement_to_see_to", "ask_at"),)

    session_id: str = Field(
        primary_key=True, max_length=255, foreign_key="open_checkout.session_id"
    )
    gift_id: uuid.UUID = Field(foreign_key="gift.id", index=True)
    heard_at: datetime = Field(sa_type=UtcDateTime)
    ask_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    keys_spent: int = 0


class OpenPledgeChange(SQLModel, table=True):
    """What a donor wants done about their pledge, and when to ask Stripe next.

    Of one pledge only the newest is open: whoever changes their mind is not held to the first wish.
    """

    __tablename__ = "open_pledge_change"
    __table_args__ = (
        Index("open_pledge_change_to_ask", "ask_at"),
        CheckConstraint(
            "(act = 'amount') = (amount_minor IS NOT NULL)", name="pledge_change_has_its_amount"
        ),
        CheckConstraint("amount_minor > 0", name="pledge_change_amount_is_positive"),
    )

    key: str = Field(primary_key=True, max_length=64)
    gift_id: uuid.UUID = Field(foreign_key="gift.id", index=True)
    subscription: str = Field(max_length=255)
    act: str = Field(max_length=16)
    amount_minor: int | None = Field(default=None, sa_type=BigInteger)
    requested_at: datetime = Field(sa_type=UtcDateTime)
    ask_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    tries: int


class OpenRefund(SQLModel, table=True):
    """A refund that staff asked for, and when to ask Stripe next; the facts say what became of it.

    `keys_spent` counts the idempotency keys that Stripe answers from memory with a failure of its
    own.
    """

    __tablename__ = "open_refund"
    __table_args__ = (Index("open_refund_to_ask", "ask_at"),)

    key: str = Field(primary_key=True, max_length=64)
    gift_id: uuid.UUID = Field(foreign_key="gift.id", index=True)
    form_key: str = Field(max_length=128, unique=True)
    payment: str = Field(max_length=255)
    amount_minor: int = Field(sa_type=BigInteger)
    reason: str = Field(max_length=32)
    requested_at: datetime = Field(sa_type=UtcDateTime)
    ask_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    asked_at: datetime = Field(sa_type=UtcDateTime)
    tries: int
    keys_spent: int = 0


class CatchupRun(SQLModel, table=True):
    """One look at what Stripe lists; kept up to date page by page, so that it can be resumed."""

    __tablename__ = "catchup_run"

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    since: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    stretch: int = 0  # the place in the plan
    cursor: str = Field(default="", max_length=255)  # the last object of the page before
    pages: int = 0
    events: int = 0  # how many were looked at
    objects: int = 0
    inbox_before: int = Field(default=0, sa_type=RowNumber)  # the newest event when it began
    missed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # see hearing.py
    # Minor units for each currency, {"CAD": {"listed": 5000, "recorded": 5000, "payments": 1}},
    # and a sentence for each gift or object that differs.
    totals: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    differing: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class WebhookHeard(SQLModel, table=True):
    """One row: when a verified webhook last came, to the minute."""

    __tablename__ = "webhook_heard"

    id: int = Field(default=1, primary_key=True)
    heard_at: datetime = Field(sa_type=UtcDateTime)
