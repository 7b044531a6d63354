"""The kinds of fact that are recorded about a gift. Facts are only ever added, never changed."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from donate.gifts.evidence import Evidence, HasEvidence


class FactKind(StrEnum):
    """The kinds of fact. The comment beside each kind says what the fact's `source_id` is."""

    GIFT_OPENED = "gift_opened"  # Source: the gift.
    CHECKOUT_REQUESTED = "checkout_requested"  # Source: our text "gift:attempt".
    CHECKOUT_OPENED = "checkout_opened"  # Source: the checkout session.
    CHECKOUT_REFUSED = "checkout_refused"  # Source: our text "gift:attempt".
    CHECKOUT_EXPIRED = "checkout_expired"  # Source: the checkout session.
    PAYMENT_PROCESSING = "payment_processing"  # Source: the checkout session.
    ACCOUNT_TO_CONFIRM = "account_to_confirm"  # Source: the checkout session.
    ACCOUNT_CONFIRMED = "account_confirmed"  # Source: the checkout session.
    PAYMENT_SUCCEEDED = "payment_succeeded"  # Source: the payment intent; if monthly, the invoice.
    PAYMENT_NAMED = "payment_named"  # Source: the payment intent that paid an invoice.
    PAID_OUTSIDE = "paid_outside"  # Source: the payment record; in old API versions the invoice.
    PAYMENT_FAILED = "payment_failed"  # Source: the checkout session; if monthly, the invoice.
    PAYMENT_DECLINED = "payment_declined"  # Source: the charge or the Stripe event.
    TRANSFER_ANNOUNCED = "transfer_announced"  # Source: the gift; from the second on "gift:number".
    ANNOUNCEMENT_TAKEN_BACK = "announcement_taken_back"  # Source: that of the transfer_announced.
    TRANSFER_RECEIVED = "transfer_received"  # Source: the bank's reference.
    TRANSFER_UNDONE = "transfer_undone"  # Source: the source of the undone transfer_received.
    GIFT_LAPSED = "gift_lapsed"  # Source: the gift.
    REFUND_REQUESTED = "refund_requested"  # Source: our text "gift:refund:number".
    REFUND_REFUSED = "refund_refused"  # Source: the source of the refund_requested.
    REFUND_STARTED = "refund_started"  # Source: the refund.
    REFUND_SUCCEEDED = "refund_succeeded"  # Source: the refund.
    REFUND_FAILED = "refund_failed"  # Source: the refund.
    REFUND_FOLLOWED_UP = "refund_followed_up"  # Source: the source of the refund_failed.
    PLEDGE_STARTED = "pledge_started"  # Source: the subscription.
    PLEDGE_CHANGE_REQUESTED = "pledge_change_requested"  # Source: our text "gift:change:number".
    PLEDGE_CHANGE_REFUSED = "pledge_change_refused"  # Source: the source of the request.
    PLEDGE_CHANGED = "pledge_changed"  # Source: the Stripe event.
    PLEDGE_ENDED = "pledge_ended"  # Source: the subscription.
    INQUIRY_OPENED = "inquiry_opened"  # Source: the dispute.
    INQUIRY_ANSWERED = "inquiry_answered"  # Source: the dispute.
    INQUIRY_CLOSED = "inquiry_closed"  # Source: the dispute.
    DISPUTE_OPENED = "dispute_opened"  # Source: the dispute and its round, see disputes.py.
    DISPUTE_WON = "dispute_won"  # Source: the dispute and its round.
    DISPUTE_LOST = "dispute_lost"  # Source: the dispute and its round.


# The source of these kinds of fact is a payment. Facts about refunds and disputes name that
# payment.
PAYMENT_NAMES: Final = (FactKind.PAYMENT_SUCCEEDED, FactKind.PAYMENT_NAMED)

# A gift with only these kinds of fact was never paid. Late facts of these kinds change nothing
# about a gift that was pruned.
NEVER_PAID: Final = frozenset(
    {
        *(FactKind.GIFT_OPENED, FactKind.CHECKOUT_REQUESTED, FactKind.CHECKOUT_OPENED),
        *(FactKind.CHECKOUT_REFUSED, FactKind.CHECKOUT_EXPIRED, FactKind.PAYMENT_DECLINED),
        *(FactKind.PAYMENT_FAILED, FactKind.GIFT_LAPSED),
    }
)


@dataclass(frozen=True, slots=True)
class Fact(HasEvidence):
    """One fact about a gift. `kind` and `source_id` together identify the fact.

    `amount_minor` is in minor units of `currency`; either both are set, or neither. `actor` is
    `donor`, `stripe`, `service` or `staff:<id>`. `evidence` has further details.
    """

    kind: FactKind
    source_id: str
    happened_at: datetime
    actor: str
    amount_minor: int | None = None
    currency: str | None = None
    evidence: Evidence = field(default_factory=Evidence, compare=False)
