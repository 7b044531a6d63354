"""The documents that the assumptions cite, each with the day on which somebody last read it."""

from typing import Final

from donate.stripe_gateway.assumptions.model import Source

_READ: Final = "2026-11-28"


def _stripe(title: str, path: str) -> Source:
    return Source(title, f"https://docs.stripe.com/{path}", _READ)


ACSS_SETUP: Final = _stripe(
    "Save details for future payments with pre-authorized debit in Canada",
    "payments/acss-debit/set-up-payment",
)
ACSS_PAYMENT: Final = _stripe(
    "Accept a payment with pre-authorized debit in Canada", "payments/acss-debit/accept-a-payment"
)
ACSS_SUBSCRIPTION: Final = _stripe(
    "Set up a subscription with pre-authorized debit in Canada",
    "billing/subscriptions/acss-debit",
)
BALANCE_TRANSACTION: Final = _stripe(
    "The Balance Transaction object", "api/balance_transactions/object"
)
BASIL_INVOICES: Final = _stripe(
    "Adds support for multiple partial payments on invoices",
    "changelog/basil/2025-03-31/add-support-for-multiple-partial-payments-on-invoices",
)
BASIL_PARENT: Final = _stripe(
    "Adds new parent field to invoicing objects",
    "changelog/basil/2025-03-31/adds-new-parent-field-to-invoicing-objects",
)
CANCEL_SUBSCRIPTION: Final = _stripe("Cancel a subscription", "api/subscriptions/cancel")
CHANGE_SUBSCRIPTION: Final = _stripe("Update a subscription", "api/subscriptions/update")
CHARGE: Final = _stripe("The Charge object", "api/charges/object")
CREATE_REFUND: Final = _stripe("Create a refund", "api/refunds/create")
CREATE_SESSION: Final = _stripe("Create a Checkout Session", "api/checkout/sessions/create")
DISPUTE: Final = _stripe("The Dispute object", "api/disputes/object")
DISPUTES_WORK: Final = _stripe("How disputes work", "disputes/how-disputes-work")
ERRORS: Final = _stripe("Errors", "api/errors")
ERROR_CODES: Final = _stripe("Error codes", "error-codes")
EVENT: Final = _stripe("The Event object", "api/events/object")
EVENT_TYPES: Final = _stripe("Types of events", "api/events/types")
EXPAND: Final = _stripe("Expanding responses", "api/expanding_objects")
EXPIRE_SESSION: Final = _stripe("Expire a Checkout Session", "api/checkout/sessions/expire")
FLEXIBLE: Final = _stripe("Billing mode", "billing/subscriptions/billing-mode")
FULFILL: Final = _stripe("Fulfill orders", "checkout/fulfillment")
IDEMPOTENCY: Final = _stripe("Idempotent requests", "api/idempotent_requests")
INACTIVE_PRODUCT: Final = Source(
    "Error messages quoted by implementers: an inactive product takes no new prices",
    "https://docs.stripe.com/api/checkout/sessions/create"
    "#create_checkout_session-line_items-price_data-product_data",
    _READ,
)
LIST_EVENTS: Final = _stripe("List all events", "api/events/list")
LIST_INVOICES: Final = _stripe("List all invoices", "api/invoices/list")
LIST_REFUNDS: Final = _stripe("List all refunds", "api/refunds/list")
LIST_SESSIONS: Final = _stripe("List all Checkout Sessions", "api/checkout/sessions/list")
LIST_SUBSCRIPTIONS: Final = _stripe("List subscriptions", "api/subscriptions/list")
METADATA: Final = _stripe("Metadata", "api/metadata")
METHOD_CONFIGURATIONS: Final = _stripe(
    "Payment Method Configurations", "api/payment_method_configurations"
)
OWN_CARD: Final = Source(
    "Update a subscription, default_payment_method",
    "https://docs.stripe.com/api/subscriptions/update#update_subscription-default_payment_method",
    _READ,
)
PAGINATION: Final = _stripe("Pagination", "api/pagination")
PAUSE: Final = _stripe("Pause payment collection", "billing/subscriptions/pause-payment")
PAY_INVOICE: Final = _stripe("Pay an invoice", "api/invoices/pay")
PAYOUT: Final = _stripe("The Payout object", "api/payouts/object")
PAYOUT_RECONCILIATION: Final = _stripe("Payout reconciliation", "payouts/reconciliation")
PORTAL: Final = _stripe("Create a portal session", "api/customer_portal/sessions/create")
PORTAL_CONFIGURATION: Final = _stripe("Portal configuration", "api/customer_portal/configurations")
REFUND: Final = _stripe("The Refund object", "api/refunds/object")
REFUNDS: Final = _stripe("Refund and cancel payments", "refunds")
RESTRICTED_KEYS: Final = _stripe("Restricted API keys", "keys/restricted-api-keys")
SESSION: Final = _stripe("The Checkout Session object", "api/checkout/sessions/object")
SUBSCRIPTION: Final = _stripe("The Subscription object", "api/subscriptions/object")
SUBSCRIPTIONS_WORK: Final = _stripe("How subscriptions work", "billing/subscriptions/overview")
TESTING: Final = _stripe("Testing", "testing")
VERSIONING: Final = _stripe("Versioning", "api/versioning")
VOID_INVOICE: Final = _stripe("Void an invoice", "api/invoices/void")
WEBHOOK_ENDPOINTS: Final = _stripe("Webhook Endpoints", "api/webhook_endpoints")
