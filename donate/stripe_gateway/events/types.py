"""The list of event types that we handle.

The webhook endpoint subscribes to all of them, and docs/operate.md lists them. Catch-up fetches
only events about gifts, because it reads payouts from Stripe's list of payouts.
"""

from typing import Final

# `GET /v1/events` accepts up to twenty values in `types`: https://docs.stripe.com/api/events/list
EVENT_TYPES: Final = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.payment_failed",
    "charge.failed",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    # Stripe sends charge.dispute.created only once, even if an inquiry becomes a chargeback or an
    # outcome is revised.
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice_payment.paid",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
)
# An event about a payout only says that the payout has changed. The worker then reads the payout.
PAYOUT_EVENT_TYPES: Final = (
    "payout.created",
    "payout.updated",
    "payout.paid",
    "payout.failed",
    "payout.canceled",
    "payout.reconciliation_completed",
)
WEBHOOK_EVENT_TYPES: Final = EVENT_TYPES + PAYOUT_EVENT_TYPES
