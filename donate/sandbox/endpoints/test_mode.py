"""Routes with which programs act for donors, banks and time in test mode."""

from typing import Any

from donate.sandbox.billing.customers import (
    advance_clock,
    create_clock,
    create_customer,
    delete_clock,
    delete_customer,
)
from donate.sandbox.charging.dispute_answers import accept_dispute, answer_dispute
from donate.sandbox.charging.known_methods import attach_method
from donate.sandbox.checkout.confirmed_intents import create_payment_intent, create_setup_intent
from donate.sandbox.endpoints.routes import retrieve_endpoint, route
from donate.sandbox.objects.products import change_product
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store


def _create_payment_intent(store: Store, parameters: dict[str, Any], _: str) -> StripeObject:
    return create_payment_intent(store, parameters)


def _create_setup_intent(store: Store, parameters: dict[str, Any], _: str) -> StripeObject:
    return create_setup_intent(store, parameters)


def _create_customer(store: Store, parameters: dict[str, Any], _: str) -> StripeObject:
    return create_customer(store, parameters)


def _create_clock(store: Store, parameters: dict[str, Any], _: str) -> StripeObject:
    return create_clock(store, parameters)


TEST_MODE_ROUTES = (
    route("POST", "/v1/payment_intents", _create_payment_intent),
    route("POST", "/v1/setup_intents", _create_setup_intent),
    route("POST", "/v1/payment_methods/{id}/attach", attach_method),
    route("POST", "/v1/customers", _create_customer),
    route("DELETE", "/v1/customers/{id}", delete_customer),
    route("POST", "/v1/disputes/{id}", answer_dispute),
    route("POST", "/v1/disputes/{id}/close", accept_dispute),
    route("POST", "/v1/products/{id}", change_product),
    route("POST", "/v1/test_helpers/test_clocks", _create_clock),
    route(
        "GET",
        "/v1/test_helpers/test_clocks/{id}",
        retrieve_endpoint(lambda store: store.test_clocks, "test_clock"),
    ),
    route("DELETE", "/v1/test_helpers/test_clocks/{id}", delete_clock),
    route("POST", "/v1/test_helpers/test_clocks/{id}/advance", advance_clock),
)
