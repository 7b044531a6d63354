"""The routes of billing: customers, subscriptions, invoices and their payments."""

from typing import Any

from donate.sandbox.billing.invoices import mark_paid_out_of_band, void_invoice
from donate.sandbox.billing.subscription_changes import cancel_subscription, change_subscription
from donate.sandbox.billing.subscription_creation import create_subscription
from donate.sandbox.billing.subscriptions import collect_with_saved_method
from donate.sandbox.charging.saved_methods import check_method, set_default_method
from donate.sandbox.endpoints.lists import Filter, equals, page
from donate.sandbox.endpoints.routes import list_endpoint, retrieve_endpoint, route
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
from donate.sandbox.shelf import Shelf, StripeObject
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


def _customers(store: Store) -> Shelf:
    return store.customers


def _subscriptions(store: Store) -> Shelf:
    return store.subscriptions


def _invoices(store: Store) -> Shelf:
    return store.invoices


def _invoice_payments(store: Store) -> Shelf:
    return store.invoice_payments


def _create_subscription(store: Store, parameters: dict[str, Any], _: str) -> StripeObject:
    return create_subscription(store, parameters)


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
        "customer": (text(), equals("customer")),
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


def _open_portal(store: Store, parameters: dict[str, Any], _: str) -> StripeObject:
    return open_portal(store, parameters)


def _has_status(subscription: StripeObject, status: str) -> bool:
    if status == "ended":
        return subscription["status"] in ("canceled", "incomplete_expired")
    return status in ("all", subscription["status"])


def _is_for_subscription(invoice: StripeObject, subscription_id: str) -> bool:
    return bool(invoice["parent"]["subscription_details"]["subscription"] == subscription_id)


def _is_payment(payment: StripeObject, fields: dict[str, str]) -> bool:
    return all(payment["payment"].get(name) == value for name, value in fields.items())


def _create_product(store: Store, parameters: dict[str, Any], _: str) -> StripeObject:
    return create_product(store, parameters)


BILLING_ROUTES = (
    route("POST", "/v1/products", _create_product),
    route("GET", "/v1/products/{id}", retrieve_endpoint(lambda store: store.products, "id")),
    route(
        "GET",
        "/v1/setup_intents/{id}",
        retrieve_endpoint(lambda store: store.setup_intents, "intent"),
    ),
    route(
        "GET",
        "/v1/payment_methods/{id}",
        retrieve_endpoint(lambda store: store.payment_methods, "payment_method"),
    ),
    route(
        "GET",
        "/v1/customers",
        list_endpoint(_customers, "/v1/customers", email=(email_address, equals("email"))),
    ),
    route("GET", "/v1/customers/{id}", retrieve_endpoint(_customers, "id")),
    route("POST", "/v1/customers/{id}", _change_customer),
    route("GET", "/v1/subscriptions", _list_subscriptions),
    route("POST", "/v1/subscriptions", _create_subscription),
    route("GET", "/v1/subscriptions/{id}", retrieve_endpoint(_subscriptions, "id")),
    route("POST", "/v1/subscriptions/{id}", _change_subscription),
    route("DELETE", "/v1/subscriptions/{id}", _cancel_subscription),
    route(
        "GET",
        "/v1/invoices",
        list_endpoint(
            _invoices,
            "/v1/invoices",
            customer=(text(), equals("customer")),
            status=(choice("draft", "open", "paid", "uncollectible", "void"), equals("status")),
            subscription=(text(), _is_for_subscription),
        ),
    ),
    route("GET", "/v1/invoices/{id}", retrieve_endpoint(_invoices, "invoice")),
    route("GET", "/v1/invoices/{id}/lines", _list_lines),
    route("POST", "/v1/invoices/{id}/pay", _pay_invoice),
    route("POST", "/v1/invoices/{id}/void", _void_invoice),
    route("POST", "/v1/billing_portal/sessions", _open_portal),
    route(
        "GET",
        "/v1/invoice_payments",
        list_endpoint(
            _invoice_payments,
            "/v1/invoice_payments",
            invoice=(text(), equals("invoice")),
            payment=(
                record(
                    {"payment_intent": text(), "type": choice("payment_intent")},
                    required=["type"],
                    unsupported=["payment_record"],
                ),
                _is_payment,
            ),
            status=(choice("canceled", "open", "paid"), equals("status")),
        ),
    ),
    route("GET", "/v1/invoice_payments/{id}", retrieve_endpoint(_invoice_payments, "id")),
)
