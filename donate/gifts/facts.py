"""The kinds of fact that are recorded about a gift. Facts are only ever added, never changed."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from donate.gifts.evidence import Evidence, HasEvidence


class FactKind(StrEnum):
    """The kinds of fact. The comment beside each kind says what its `source_id` names."""

    GIFT_OPENED = "gift_opened"  # source: the gift
    CHECKOUT_REQUESTED = "checkout_requested"  # source: our text "gift:attempt"
    CHECKOUT_OPENED = "checkout_opened"  # source: the checkout session
    CHECKOUT_REFUSED = "checkout_refused"  # source: our text "gift:attempt"
    CHECKOUT_EXPIRED = "checkout_expired"  # source: the checkout session
    PAYMENT_PROCESSING = "payment_processing"  # source: the checkout session
    ACCOUNT_TO_CONFIRM = "account_to_confirm"  # source: the checkout session
    ACCOUNT_CONFIRMED = "account_confirmed"  # source: the checkout session
    PAYMENT_SUCCEEDED = "payment_succeeded"  # source: the payment intent; for a month, the invoice
    PAYMENT_NAMED = "payment_named"  # source: the payment intent that paid an invoice
    PAID_OUTSIDE = "paid_outside"  # source: the payment record; in old API versions the invoice
    PAYMENT_FAILED = "payment_failed"  # source: the checkout session; for a month, the invoice
    PAYMENT_DECLINED = "payment_declined"  # source: the charge or the Stripe event
    TRANSFER_ANNOUNCED = "transfer_announced"  # source: the gift
    TRANSFER_RECEIVED = "transfer_received"  # source: the bank's reference
    TRANSFER_UNDONE = "transfer_undone"  # source: that of the undone transfer_received
    GIFT_LAPSED = "gift_lapsed"  # source: the gift
    REFUND_REQUESTED = "refund_requested"  # source: our text "gift:refund:number"
    REFUND_REFUSED = "refund_refused"  # source: that of the refund_requested
    REFUND_STARTED = "refund_started"  # source: the refund
    REFUND_SUCCEEDED = "refund_succeeded"  # source: the refund
    REFUND_FAILED = "refund_failed"  # source: the refund
    REFUND_FOLLOWED_UP = "refund_followed_up"  # source: that of the refund_failed
    PLEDGE_STARTED = "pledge_started"  # source: the subscription
    PLEDGE_CHANGE_REQUESTED = "pledge_change_requested"  # source: our text "gift:change:number"
    PLEDGE_CHANGE_REFUSED = "pledge_change_refused"  # source: that of the pledge_change_requested
    PLEDGE_CHANGED = "pledge_changed"  # source: the Stripe event
    PLEDGE_ENDED = "pledge_ended"  # source: the subscription
    INQUIRY_OPENED = "inquiry_opened"  # source: the dispute
    INQUIRY_ANSWERED = "inquiry_answered"  # source: the dispute
    INQUIRY_CLOSED = "inquiry_closed"  # source: the dispute
    DISPUTE_OPENED = "dispute_opened"  # source: the dispute and its round, see disputes.py
    DISPUTE_WON = "dispute_won"  # source: the dispute and its round
    DISPUTE_LOST = "dispute_lost"  # source: the dispute and its round


# Facts of these kinds have a payment as their source. Refunds and disputes name that payment.
PAYMENT_NAMES: Final = (FactKind.PAYMENT_SUCCEEDED, FactKind.PAYMENT_NAMED)


@dataclass(frozen=True, slots=True)
class Fact(HasEvidence):
    """One fact about a gift. `kind` and `source_id` together identify the fact.

    `amount_minor` is in minor units of `currency`; either both are set, or neither. `actor` is
    `donor`, `stripe`, `service` or `staff:<id>`. `evidence` is what else the source says.
    """

    kind: FactKind
    source_id: str
    happened_at: datetime
    actor: str
    amount_minor: int | None = None
    currency: str | None = None
    evidence: Evidence = field(default_factory=Evidence, compare=False)
