"""The kinds of fact we record about a gift. Facts are only ever added, never changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final


class FactKind(StrEnum):
    """The kinds of fact. Each comment says what `source_id` is for that kind."""

    GIFT_OPENED = "gift_opened"  # the gift
    CHECKOUT_REQUESTED = "checkout_requested"  # our own "gift:attempt"
    CHECKOUT_OPENED = "checkout_opened"  # the checkout session
    CHECKOUT_REFUSED = "checkout_refused"  # our own "gift:attempt"
    CHECKOUT_EXPIRED = "checkout_expired"  # the checkout session
    PAYMENT_PROCESSING = "payment_processing"  # the checkout session
    ACCOUNT_TO_CONFIRM = "account_to_confirm"  # the checkout session
    ACCOUNT_CONFIRMED = "account_confirmed"  # the checkout session
    PAYMENT_SUCCEEDED = "payment_succeeded"  # the payment intent; for a month, the invoice
    PAYMENT_NAMED = "payment_named"  # the payment intent that paid an invoice
    PAID_OUTSIDE = "paid_outside"  # the payment record; before basil, the invoice
    PAYMENT_FAILED = "payment_failed"  # the checkout session; for a month, the invoice
    PAYMENT_DECLINED = "payment_declined"  # the charge, or the event that reported it
    TRANSFER_ANNOUNCED = "transfer_announced"  # the gift
    TRANSFER_RECEIVED = "transfer_received"  # the bank's reference
    TRANSFER_UNDONE = "transfer_undone"  # the source of the transfer_received that it undoes
    GIFT_LAPSED = "gift_lapsed"  # the gift
    REFUND_REQUESTED = "refund_requested"  # our own "gift:refund:number"
    REFUND_REFUSED = "refund_refused"  # the source of the refund_requested that it answers
    REFUND_STARTED = "refund_started"  # the refund
    REFUND_SUCCEEDED = "refund_succeeded"  # the refund
    REFUND_FAILED = "refund_failed"  # the refund
    REFUND_FOLLOWED_UP = "refund_followed_up"  # the source of the refund_failed
    PLEDGE_STARTED = "pledge_started"  # the subscription
    PLEDGE_CHANGE_REQUESTED = "pledge_change_requested"  # our own "gift:change:number"
    PLEDGE_CHANGE_REFUSED = "pledge_change_refused"  # the request that it answers
    PLEDGE_CHANGED = "pledge_changed"  # the event that reported it
    PLEDGE_ENDED = "pledge_ended"  # the subscription
    INQUIRY_OPENED = "inquiry_opened"  # the dispute
    INQUIRY_ANSWERED = "inquiry_answered"  # the dispute
    INQUIRY_CLOSED = "inquiry_closed"  # the dispute
    DISPUTE_OPENED = "dispute_opened"  # the dispute and its round, see disputes.py
    DISPUTE_WON = "dispute_won"  # the dispute and its round
    DISPUTE_LOST = "dispute_lost"  # the dispute and its round


# The kinds whose source is a payment. Refunds and disputes refer to these sources.
PAYMENT_NAMES: Final = (FactKind.PAYMENT_SUCCEEDED, FactKind.PAYMENT_NAMED)


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact about a gift. `kind` and `source_id` together are unique.

    `amount_minor` is in minor units of `currency`; both are set, or neither. `actor` is `donor`,
    `stripe`, `service` or `staff:<id>`. `evidence` is plain JSON from the source.
    """

    kind: FactKind
    source_id: str
    happened_at: datetime
    actor: str
    amount_minor: int | None = None
    currency: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict, compare=False)
