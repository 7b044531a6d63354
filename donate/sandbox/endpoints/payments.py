"""All API routes of the sandbox, and the functions behind them."""

from typing import Any

from donate.sandbox.charging.refunds import create_refund
from donate.sandbox.checkout.sessions import create_session, expire_session
from donate.sandbox.endpoints.account import ACCOUNT_ROUTES
from donate.sandbox.endpoints.billing import BILLING_ROUTES
from donate.sandbox.endpoints.lists import Filter, equals, event_types, page
from donate.sandbox.endpoints.routes import list_endpoint, retrieve_endpoint, route
from donate.sandbox.endpoints.test_mode import TEST_MODE_ROUTES
from donate.sandbox.errors import Refusal, unrecognized_url
from donate.sandbox.objects.expand import answer_with, line_item_list
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

# Stripe lists events for 30 days: https://docs.stripe.com/api/events
EVENT_LIFE_S = 30 * 86_400


def perform(store: Store, method: str, path: str, parameters: dict[str, Any]) -> StripeObject:
    """Run the endpoint for a request and return its result. Raises Refusal."""
    for candidate in ROUTES:
        match = candidate.path.fullmatch(path)
        if match and candidate.method == method:
            object_id = match.groupdict().get("id", "")
            result = candidate.endpoint(store, parameters, object_id)
            try:
                return answer_with(store, result, parameters.get("expand", []))
            except Refusal as refusal:
                refusal.is_final = method == "POST"
                raise
    raise unrecognized_url(method, path)


def _create_session(store: Store, parameters: dict[str, Any], _: str) -> StripeObject:
    return create_session(store, parameters)


def _expire_session(store: Store, parameters: dict[str, Any], session_id: str) -> StripeObject:
    read(parameters, {})
    return expire_session(store, store.find(store.sessions, session_id, "session"))


def _list_line_items(store: Store, parameters: dict[str, Any], session_id: str) -> StripeObject:
    read(parameters, {})
    return line_item_list(store, store.find(store.sessions, session_id, "session")["id"])


def _create_refund(store: Store, parameters: dict[str, Any], _: str) -> StripeObject:
    return create_refund(store, parameters)


def _list_events(store: Store, parameters: dict[str, Any], _: str) -> StripeObject:
    filters: dict[str, tuple[Check, Filter]] = {
        "delivery_success": (boolean, _is_delivered),
        "type": (text(), _is_of_type),
        "types": (event_types, lambda event, types: any(_is_of_type(event, one) for one in types)),
    }
    oldest = store.now() - EVENT_LIFE_S
    return page(store.events, "/v1/events", parameters, filters, created_after=oldest)


def _is_delivered(event: StripeObject, value: object) -> bool:
    return bool(event["pending_webhooks"] == 0) is value


def _is_of_type(event: StripeObject, pattern: str) -> bool:
    if pattern.endswith(".*"):
        return bool(event["type"].startswith(pattern[:-1]))
    return bool(event["type"] == pattern)


def _has_email(session: StripeObject, details: dict[str, str]) -> bool:
    return (session["customer_details"] or {}).get("email") == details["email"]


def _sessions(store: Store) -> Shelf:
    return store.sessions


def _payment_intents(store: Store) -> Shelf:
    return store.payment_intents


def _charges(store: Store) -> Shelf:
    return store.charges


def _refunds(store: Store) -> Shelf:
    return store.refunds


def _disputes(store: Store) -> Shelf:
    return store.disputes


def _balance_transactions(store: Store) -> Shelf:
    return store.balance_transactions


ROUTES = (
    route("POST", "/v1/checkout/sessions", _create_session),
    route(
        "GET",
        "/v1/checkout/sessions",
        list_endpoint(
            _sessions,
            "/v1/checkout/sessions",
            customer_details=(record({"email": email_address}, required=["email"]), _has_email),
            payment_intent=(text(), equals("payment_intent")),
            status=(choice("complete", "expired", "open"), equals("status")),
        ),
    ),
    route("GET", "/v1/checkout/sessions/{id}", retrieve_endpoint(_sessions, "session")),
    route("POST", "/v1/checkout/sessions/{id}/expire", _expire_session),
    route("GET", "/v1/checkout/sessions/{id}/line_items", _list_line_items),
    route("GET", "/v1/payment_intents", list_endpoint(_payment_intents, "/v1/payment_intents")),
    route("GET", "/v1/payment_intents/{id}", retrieve_endpoint(_payment_intents, "intent")),
    route(
        "GET",
        "/v1/charges",
        list_endpoint(_charges, "/v1/charges", payment_intent=(text(), equals("payment_intent"))),
    ),
    route("GET", "/v1/charges/{id}", retrieve_endpoint(_charges, "id")),
    route("POST", "/v1/refunds", _create_refund),
    route(
        "GET",
        "/v1/refunds",
        list_endpoint(
            _refunds,
            "/v1/refunds",
            charge=(text(), equals("charge")),
            payment_intent=(text(), equals("payment_intent")),
        ),
    ),
    route("GET", "/v1/refunds/{id}", retrieve_endpoint(_refunds, "id")),
    route(
        "GET",
        "/v1/disputes",
        list_endpoint(
            _disputes,
            "/v1/disputes",
            charge=(text(), equals("charge")),
            payment_intent=(text(), equals("payment_intent")),
        ),
    ),
    route("GET", "/v1/disputes/{id}", retrieve_endpoint(_disputes, "id")),
    route(
        "GET",
        "/v1/balance_transactions",
        list_endpoint(
            _balance_transactions,
            "/v1/balance_transactions",
            currency=(text(), equals("currency")),
            source=(text(), equals("source")),
            type=(text(), equals("type")),
        ),
    ),
    route("GET", "/v1/balance_transactions/{id}", retrieve_endpoint(_balance_transactions, "id")),
    route("GET", "/v1/events", _list_events),
    route("GET", "/v1/events/{id}", retrieve_endpoint(lambda store: store.events, "id")),
    *ACCOUNT_ROUTES,
    *BILLING_ROUTES,
    *TEST_MODE_ROUTES,
)
