"""Stripe's own routes for test mode: programs act as donors and banks, and move a test clock."""

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
from donate.sandbox.endpoints.routes import create_route, retrieve_route, route
from donate.sandbox.objects.products import change_product

TEST_MODE_ROUTES = (
    create_route("/v1/payment_intents", create_payment_intent),
    create_route("/v1/setup_intents", create_setup_intent),
    route("POST", "/v1/payment_methods/{id}/attach", attach_method),
    create_route("/v1/customers", create_customer),
    route("DELETE", "/v1/customers/{id}", delete_customer),
    route("POST", "/v1/disputes/{id}", answer_dispute),
    route("POST", "/v1/disputes/{id}/close", accept_dispute),
    route("POST", "/v1/products/{id}", change_product),
    create_route("/v1/test_helpers/test_clocks", create_clock),
    retrieve_route("/v1/test_helpers/test_clocks", lambda store: store.test_clocks, "test_clock"),
    route("DELETE", "/v1/test_helpers/test_clocks/{id}", delete_clock),
    route("POST", "/v1/test_helpers/test_clocks/{id}/advance", advance_clock),
)
