"""The routes of billing: customers, subscriptions, invoices and their payments."""

from typing import Any

from donate.sandbox.billing.invoices import mark_paid_out_of_band, void_invoice
from donate.sandbox.billing.subscription_changes import cancel_subscription, change_subscription
from donate.sandbox.billing.subscription_creation import create_subscription
from donate.sandbox.billing.subscriptions import collect_with_saved_method
from donate.sandbox.charging.saved_methods import check_method, set_default_method
from donate.sandbox.endpoints.lists import Filter, equal_texts, equals, page
from donate.sandbox.endpoints.routes import create_route, retrieve_route, route, shelf_routes
from donate.sandbox.errors import Refusal
from donate.sandbox.objects.products import create_product
from donate.sandbox.pages.portal import open_portal
from donate.sandbox.requests.parameters import (
    Check,
    boolean,
    choice,
    email_address,
    read,
    record,
    text,
)
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store

PAYING_UNSUPPORTED = "forgive mandate off_session payment_method source".split()
CUSTOMER_UNSUPPORTED = (
    "address balance business_name cash_balance default_source description email individual_name "
    "invoice_prefix metadata name next_invoice_sequence phone preferred_locales shipping source "
    "tax tax_exempt"
).split()
_INVOICE_SETTINGS = record(
    {"default_payment_method": text()},
    unsupported=["custom_fields", "footer", "rendering_options"],
)
SUBSCRIPTION_STATUSES = (
    "active all canceled ended incomplete incomplete_expired past_due paused trialing unpaid"
).split()


def _change_subscription(
    store: Store, parameters: dict[str, Any], subscription_id: str
) -> StripeObject:
    subscription = store.find(store.subscriptions, subscription_id, "id")
    return change_subscription(store, subscription, parameters)


def _cancel_subscription(
    store: Store, parameters: dict[str, Any], subscription_id: str
) -> StripeObject:
    subscription = store.find(store.subscriptions, subscription_id, "id")
    return cancel_subscription(store, subscription, parameters)


def _change_customer(store: Store, parameters: dict[str, Any], customer_id: str) -> StripeObject:
    customer = store.find(store.customers, customer_id, "customer")
    request = read(
        parameters, {"invoice_settings": _INVOICE_SETTINGS}, unsupported=CUSTOMER_UNSUPPORTED
    )
    method_id = request.get("invoice_settings", {}).get("default_payment_method")
    if method_id:
        path = "invoice_settings[default_payment_method]"
        set_default_method(store, customer, check_method(store, method_id, customer_id, path))
    return customer


def _list_subscriptions(store: Store, parameters: dict[str, Any], _: str) -> StripeObject:
    filters: dict[str, tuple[Check, Filter]] = {
        **equal_texts("customer"),
        "status": (choice(*SUBSCRIPTION_STATUSES), _has_status),
    }
    # By default Stripe leaves out canceled subscriptions:
    # https://docs.stripe.com/api/subscriptions/list
    request = parameters if "status" in parameters else {**parameters, "status": "not canceled"}
    if request is not parameters:
        filters["status"] = (text(), lambda thing, _: bool(thing["status"] != "canceled"))
    return page(store.subscriptions, "/v1/subscriptions", request, filters)


def _list_lines(store: Store, parameters: dict[str, Any], invoice_id: str) -> StripeObject:
    read(parameters, {})
    lines: StripeObject = store.find(store.invoices, invoice_id, "invoice")["lines"]
    return lines


def _pay_invoice(store: Store, parameters: dict[str, Any], invoice_id: str) -> StripeObject:
    request = read(parameters, {"paid_out_of_band": boolean}, unsupported=PAYING_UNSUPPORTED)
    invoice = store.find(store.invoices, invoice_id, "invoice")
    if invoice["status"] == "paid":
        raise Refusal("Invoice is already paid", code="invoice_already_paid", is_final=True)
    if invoice["status"] != "open":
        raise Refusal(
            f"This invoice is {invoice['status']} and cannot be paid.",
            code="invoice_not_editable",
            is_final=True,
        )
    if request.get("paid_out_of_band"):
        mark_paid_out_of_band(store, invoice)
        return invoice
    charge = collect_with_saved_method(store, invoice)
    if charge["status"] == "failed":
        raise Refusal(
            charge["failure_message"],
            status=402,
            kind="card_error",
            code=charge["failure_code"],
            is_final=True,
        )
    return invoice


def _void_invoice(store: Store, parameters: dict[str, Any], invoice_id: str) -> StripeObject:
    read(parameters, {})
    invoice = store.find(store.invoices, invoice_id, "invoice")
    void_invoice(store, invoice)
    return invoice


def _has_status(subscription: StripeObject, status: str) -> bool:
    if status == "ended":
        return subscription["status"] in ("canceled", "incomplete_expired")
    return status in ("all", subscription["status"])


def _is_for_subscription(invoice: StripeObject, subscription_id: str) -> bool:
    return bool(invoice["parent"]["subscription_details"]["subscription"] == subscription_id)


def _is_payment(payment: StripeObject, fields: dict[str, str]) -> bool:
    return all(payment["payment"].get(name) == value for name, value in fields.items())


BILLING_ROUTES = (
    create_route("/v1/products", create_product),
    *shelf_routes("/v1/products", lambda store: store.products, "id"),
    *shelf_routes("/v1/setup_intents", lambda store: store.setup_intents, "intent"),
    *shelf_routes(
        "/v1/payment_methods",
        lambda store: store.payment_methods,
        "payment_method",
        **equal_texts("customer"),
    ),
    *shelf_routes(
        "/v1/customers",
        lambda store: store.customers,
        "id",
        email=(email_address, equals("email")),
    ),
    route("POST", "/v1/customers/{id}", _change_customer),
    route("GET", "/v1/subscriptions", _list_subscriptions),
    create_route("/v1/subscriptions", create_subscription),
    retrieve_route("/v1/subscriptions", lambda store: store.subscriptions, "id"),
    route("POST", "/v1/subscriptions/{id}", _change_subscription),
    route("DELETE", "/v1/subscriptions/{id}", _cancel_subscription),
    *shelf_routes(
        "/v1/invoices",
        lambda store: store.invoices,
        "invoice",
        status=(choice("draft", "open", "paid", "uncollectible", "void"), equals("status")),
        subscription=(text(), _is_for_subscription),
        **equal_texts("customer"),
    ),
    route("GET", "/v1/invoices/{id}/lines", _list_lines),
    route("POST", "/v1/invoices/{id}/pay", _pay_invoice),
    route("POST", "/v1/invoices/{id}/void", _void_invoice),
    create_route("/v1/billing_portal/sessions", open_portal),
    *shelf_routes(
        "/v1/invoice_payments",
        lambda store: store.invoice_payments,
        "id",
        payment=(
            record(
                {"payment_intent": text(), "type": choice("payment_intent")},
                required=["type"],
                unsupported=["payment_record"],
            ),
            _is_payment,
        ),
        status=(choice("canceled", "open", "paid"), equals("status")),
        **equal_texts("invoice"),
    ),
)
