"""All API routes of the sandbox, and the functions that handle them."""

from typing import Any

from donate.sandbox.charging.refunds import create_refund
from donate.sandbox.checkout.sessions import create_session, expire_session
from donate.sandbox.endpoints.account import ACCOUNT_ROUTES
from donate.sandbox.endpoints.balance import BALANCE_ROUTES
from donate.sandbox.endpoints.billing import BILLING_ROUTES
from donate.sandbox.endpoints.lists import Filter, equal_texts, equals, event_types, page
from donate.sandbox.endpoints.routes import create_route, retrieve_route, route, shelf_routes
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
from donate.sandbox.shelf import StripeObject
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


def _expire_session(store: Store, parameters: dict[str, Any], session_id: str) -> StripeObject:
    read(parameters, {})
    return expire_session(store, store.find(store.sessions, session_id, "session"))


def _list_line_items(store: Store, parameters: dict[str, Any], session_id: str) -> StripeObject:
    read(parameters, {})
    return line_item_list(store, store.find(store.sessions, session_id, "session")["id"])


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


ROUTES = (
    create_route("/v1/checkout/sessions", create_session),
    *shelf_routes(
        "/v1/checkout/sessions",
        lambda store: store.sessions,
        "session",
        customer_details=(record({"email": email_address}, required=["email"]), _has_email),
        status=(choice("complete", "expired", "open"), equals("status")),
        **equal_texts("payment_intent"),
    ),
    route("POST", "/v1/checkout/sessions/{id}/expire", _expire_session),
    route("GET", "/v1/checkout/sessions/{id}/line_items", _list_line_items),
    *shelf_routes("/v1/payment_intents", lambda store: store.payment_intents, "intent"),
    *shelf_routes(
        "/v1/charges", lambda store: store.charges, "id", **equal_texts("payment_intent")
    ),
    create_route("/v1/refunds", create_refund),
    *shelf_routes(
        "/v1/refunds", lambda store: store.refunds, "id", **equal_texts("charge", "payment_intent")
    ),
    *shelf_routes(
        "/v1/disputes",
        lambda store: store.disputes,
        "id",
        **equal_texts("charge", "payment_intent"),
    ),
    *BALANCE_ROUTES,
    route("GET", "/v1/events", _list_events),
    retrieve_route("/v1/events", lambda store: store.events, "id"),
    *ACCOUNT_ROUTES,
    *BILLING_ROUTES,
    *TEST_MODE_ROUTES,
)
