"""Permissions of a restricted key, and Stripe's error message for a missing one.

https://docs.stripe.com/keys/restricted-api-keys: for each resource, a key has the level None, Read
or Write. GET needs Read, other methods need Write, and Write includes Read. Stripe checks the key
before it looks for the object. The message is quoted from public error reports about requests that
Stripe refused in 2026.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from donate.sandbox.errors import Refusal

Level = Literal["none", "read", "write"]
LEVELS: tuple[Level, ...] = get_args(Level)

# For each resource: its path in the API, its row in the Dashboard, and its name in a permission. If
# a request's path begins with several of these paths, the first one counts.
RESOURCES = (
    ("/v1/account", "Accounts", "accounts"),
    ("/v1/balance_transactions", "Balance Transactions", "balance_transaction"),
    ("/v1/balance", "Balance", "balance"),
    ("/v1/billing_portal", "Customer Portal", "customer_portal"),
    ("/v1/charges", "Charges and Refunds", "charge"),
    ("/v1/checkout/sessions", "Checkout Sessions", "checkout_session"),
    ("/v1/customers", "Customers", "customer"),
    ("/v1/disputes", "Disputes", "dispute"),
    ("/v1/events", "Events", "event"),
    ("/v1/invoice", "Invoices", "invoice"),
    ("/v1/payment_intents", "PaymentIntents", "payment_intent"),
    (
        "/v1/payment_method_configurations",
        "Payment Method Configurations",
        "payment_method_configuration",
    ),
    ("/v1/payment_methods", "PaymentMethods", "payment_method"),
    ("/v1/payouts", "Payouts", "payout"),
    ("/v1/products", "Products", "product"),
    ("/v1/refunds", "Charges and Refunds", "charge"),
    ("/v1/setup_intents", "SetupIntents", "setup_intent"),
    ("/v1/subscriptions", "Subscriptions", "subscription"),
    ("/v1/webhook_endpoints", "Webhook Endpoints", "webhook"),
)
NAMES = frozenset(name for _, _, name in RESOURCES)


class Permissions:
    """An API key's level for each resource. A resource without an entry has the level Write."""

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id
        self.levels: dict[str, Level] = {}

    def check(self, method: str, path: str, parameters: Mapping[str, Any]) -> None:
        """Raise Refusal if the key lacks a permission for this request.

        Stripe's documents do not say whether expanding a payment method needs the permission to
        read it. This sandbox requires it, which is stricter.
        """
        self._require(path, "read" if method == "GET" else "write")
        if "default_payment_method" in str(parameters.get("expand", "")):
            self._require("/v1/payment_methods", "read")

    def _require(self, path: str, required: Level) -> None:
        for prefix, row, name in RESOURCES:
            if path.startswith(prefix):
                level = self.levels.get(name, "write")
                if LEVELS.index(level) < LEVELS.index(required):
                    raise Refusal(
                        "Permission denied. The provided key 'rk_test_********' does not have the "
                        f"required permissions for this endpoint on account '{self._account_id}'. "
                        f"Enabling \"{row} {required.title()}\" ('{name}_{required}') permissions "
                        "on this key would allow this request to continue.",
                        status=403,
                    )
                return
