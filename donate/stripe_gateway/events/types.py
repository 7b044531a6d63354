"""The list of event types that we handle.

The webhook endpoint subscribes to them, catch-up fetches them, and docs/operate.md lists them.
"""

from typing import Final

# `GET /v1/events` takes up to twenty in `types`: https://docs.stripe.com/api/events/list
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
    # When an inquiry becomes a chargeback or an outcome is revised, Stripe sends no second
    # charge.dispute.created.
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
