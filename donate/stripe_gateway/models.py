"""The tables of the Stripe gateway: inbox, open requests to Stripe, turns, and catch-up runs."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from donate.storage.column_types import EnumText, RowNumber, UtcDateTime

_IS_TIED = text("tied_to IS NOT NULL")
_HAS_BODY = text("settled_at IS NOT NULL AND length(payload) > 0")


class EventState(StrEnum):
    """The state of an event in the inbox.

    A WAITING event is to be turned into facts at `due_at`. The facts of a SETTLED event are in the
    ledger. An IGNORED event is authentic, but contains nothing to record. A FOREIGN event belongs
    to another account, or to the other mode (test or live). A SET_ASIDE event is authentic, but
    cannot be applied; staff decide, and may make it a DISMISSED event.
    """

    WAITING = "waiting"
    SETTLED = "settled"
    IGNORED = "ignored"
    FOREIGN = "foreign"
    SET_ASIDE = "set_aside"
    DISMISSED = "dismissed"


class EventSource(StrEnum):
    """How an event came into the inbox."""

    WEBHOOK = "webhook"
    CATCHUP = "catchup"
    ASKED = "asked"  # Stripe's answer to a request of ours


class StripeEvent(SQLModel, table=True):
    """An event as it arrived, without tokens of donors' links, and its state.

    `source` is "webhook", "catchup", or "asked" (Stripe's answer to a request of ours). `payload`
    is emptied some time after the event was settled (`retention/old_rows.py`).
    """

    __tablename__ = "stripe_event"
    __table_args__ = (
        Index("stripe_event_due", "state", "due_at", "id"),
        Index("stripe_event_waits_for", "waits_for"),
        # The bodies that the service prunes some day.
        Index(
            "stripe_event_with_body",
            "settled_at",
            sqlite_where=_HAS_BODY,
            postgresql_where=_HAS_BODY,
        ),
        Index("stripe_event_tied", "tied_to", sqlite_where=_IS_TIED, postgresql_where=_IS_TIED),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    event_id: str = Field(max_length=255, unique=True)
    type: str = Field(max_length=255)
    source: EventSource = Field(sa_type=EnumText(EventSource, 16, "stripe_event.source"))
    payload: bytes = Field(sa_type=LargeBinary)
    received_at: datetime = Field(sa_type=UtcDateTime)
    state: EventState = Field(sa_type=EnumText(EventState, 16, "stripe_event.state"))
    reason: str = Field(default="", max_length=500)
    tries: int = 0
    due_at: datetime = Field(sa_type=UtcDateTime)
    waits_for: str | None = Field(default=None, max_length=255)
    gift_id: uuid.UUID | None = Field(default=None, foreign_key="gift.id", index=True)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    # The gift to which staff assigned the event, even if the event names another gift, and who
    # assigned it.
    tied_to: uuid.UUID | None = Field(default=None, foreign_key="gift.id")
    tied_by: str = Field(default="", max_length=64)
    # The decisions of staff, oldest first; written by `webhooks/staff_decisions.py`.
    history: list[dict[str, str]] = Field(default_factory=list, sa_type=JSON)

    def make_due(self, now: datetime) -> None:
        """Make the event due now, as if it had just arrived."""
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
    # Encrypted, because whoever opens Stripe's page can go on from there to the gift's page.
    url: str = Field(max_length=2000)
    opened_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    ask_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    asked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class OpenExpiry(SQLModel, table=True):
    """A checkout session that had many declines, and when to ask Stripe next to end it."""

    __tablename__ = "open_expiry"
    __table_args__ = (Index("open_expiry_to_ask", "ask_at"),)

    session_id: str = Field(primary_key=True, max_length=255)
    requested_at: datetime = Field(sa_type=UtcDateTime)
    ask_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    tries: int = 0


class UnknownPayment(SQLModel, table=True):
    """A payment or invoice that an event names, but that belongs to no gift of ours.

    At `ask_at` the worker asks Stripe whether this service created it. `is_foreign` is True only
    if Stripe's own objects say that this service did not.
    """

    __tablename__ = "unknown_payment"
    __table_args__ = (Index("unknown_payment_to_ask", "ask_at"),)

    payment: str = Field(primary_key=True, max_length=255)
    is_foreign: bool
    asked: int
    ask_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class OpenAgreement(SQLModel, table=True):
    """A session in which a donor agreed to monthly debits, and when to process it next.

    `keys_spent` counts the idempotency keys with which a request failed. Stripe would only repeat
    the failure for the same key, so each further try needs another one.
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


class PledgeAction(StrEnum):
    """A kind of change to a pledge."""

    AMOUNT = "amount"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    CANCEL_LATER = "cancel_later"  # at the end of the month that is already paid for


class OpenPledgeChange(SQLModel, table=True):
    """A change to a pledge, requested by its donor or staff, and when to send it to Stripe next.

    Only the newest change of a pledge is open, so a donor can change their mind. Only a pause until
    a date has `resumes_at`, and only a change by staff has a `form_key`.
    """

    __tablename__ = "open_pledge_change"
    __table_args__ = (
        Index("open_pledge_change_to_ask", "ask_at"),
        Index("open_pledge_change_form", "form_key", unique=True),
        CheckConstraint(
            "(act = 'amount') = (amount_minor IS NOT NULL)", name="pledge_change_has_its_amount"
        ),
        CheckConstraint("amount_minor > 0", name="pledge_change_amount_is_positive"),
    )

    key: str = Field(primary_key=True, max_length=64)
    gift_id: uuid.UUID = Field(foreign_key="gift.id", index=True)
    subscription: str = Field(max_length=255)
    act: PledgeAction = Field(sa_type=EnumText(PledgeAction, 16, "open_pledge_change.act"))
    amount_minor: int | None = Field(default=None, sa_type=BigInteger)
    resumes_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    form_key: str | None = Field(default=None, max_length=128)
    requested_at: datetime = Field(sa_type=UtcDateTime)
    ask_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    tries: int


class RefundReason(StrEnum):
    """A reason for a refund that staff can choose."""

    REQUESTED_BY_DONOR = "requested_by_donor"
    DUPLICATE = "duplicate"
    FRAUDULENT = "fraudulent"


class OpenRefund(SQLModel, table=True):
    """A refund that staff requested, and when to send it to Stripe next. Facts record its outcome.

    `keys_spent` counts the idempotency keys with which a request failed. Stripe would only repeat
    the failure for the same key, so each further try needs another one.
    """

    __tablename__ = "open_refund"
    __table_args__ = (Index("open_refund_to_ask", "ask_at"),)

    key: str = Field(primary_key=True, max_length=64)
    gift_id: uuid.UUID = Field(foreign_key="gift.id", index=True)
    form_key: str = Field(max_length=128, unique=True)
    payment: str = Field(max_length=255)
    amount_minor: int = Field(sa_type=BigInteger)
    reason: RefundReason = Field(sa_type=EnumText(RefundReason, 32, "open_refund.reason"))
    requested_at: datetime = Field(sa_type=UtcDateTime)
    ask_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    asked_at: datetime = Field(sa_type=UtcDateTime)
    tries: int
    keys_spent: int = 0


class CatchupRun(SQLModel, table=True):
    """One run of catch-up, saved after each page so that it can be resumed.

    `stretch` is the index of the part of the plan that the run is reading, `cursor` is the last
    object that it read, and `events` is the number of events that it checked. `inbox_before` is the
    newest row of the inbox when the run began. `missed_at` is the time of the newest event that
    webhooks missed.
    """

    __tablename__ = "catchup_run"

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    since: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    stretch: int = 0
    cursor: str = Field(default="", max_length=255)
    pages: int = 0
    events: int = 0
    objects: int = 0
    inbox_before: int = Field(default=0, sa_type=RowNumber)
    missed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # see webhooks/health.py
    # `totals` has the fields of a ListedTotal for each currency; `differing` has a sentence for
    # each gift or object for which Stripe and our records differ.
    totals: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    differing: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class Asker(StrEnum):
    """Who asks Stripe: donors' pages, or the worker."""

    DONORS = "donors"
    WORKER = "worker"


class StripeTurn(SQLModel, table=True):
    """A turn at asking Stripe, which may be taken again at `free_at`; see `turns.py`.

    An asker may ask Stripe as many times a second as it has rows.
    """

    __tablename__ = "stripe_turn"

    asker: Asker = Field(sa_type=EnumText(Asker, 16, "stripe_turn.asker"), primary_key=True)
    number: int = Field(primary_key=True)
    free_at: datetime = Field(sa_type=UtcDateTime)


class WebhookHeard(SQLModel, table=True):
    """The table's only row, with the time of the newest verified webhook, to the minute."""

    __tablename__ = "webhook_heard"

    id: int = Field(default=1, primary_key=True)
    heard_at: datetime = Field(sa_type=UtcDateTime)
