"""The API routes of the account's settings: webhook endpoints, portal, payment methods."""

from typing import Any

from donate.sandbox.account.method_configurations import (
    change_configuration as change_methods,
    configuration_answer,
)
from donate.sandbox.account.portal_configurations import change_configuration, create_configuration
from donate.sandbox.account.webhook_endpoints import (
    change_endpoint,
    create_endpoint,
    delete_endpoint,
)
from donate.sandbox.endpoints.lists import equal_texts, equals, page
from donate.sandbox.endpoints.routes import (
    Endpoint,
    create_route,
    list_endpoint,
    retrieve_route,
    route,
)
from donate.sandbox.errors import no_access_to, unknown_parameters
from donate.sandbox.objects.payments import account
from donate.sandbox.requests.parameters import boolean, read
from donate.sandbox.shelf import StripeObject
from donate.sandbox.store import Store


def _without_created(list_objects: Endpoint) -> Endpoint:
    """Return a list endpoint that refuses the filter `created`, as some of Stripe's lists do."""

    def endpoint(store: Store, parameters: dict[str, Any], object_id: str) -> StripeObject:
        if "created" in parameters:
            raise unknown_parameters(["created"])
        return list_objects(store, parameters, object_id)

    return endpoint


def _list_methods(store: Store, parameters: dict[str, Any], _: str) -> StripeObject:
    filters = {"active": (boolean, equals("active")), **equal_texts("application")}
    listing = page(
        store.method_configurations, "/v1/payment_method_configurations", parameters, filters
    )
    return {
        **listing,
        "data": [configuration_answer(store, configuration) for configuration in listing["data"]],
    }


def _retrieve_methods(
    store: Store, parameters: dict[str, Any], configuration_id: str
) -> StripeObject:
    read(parameters, {})
    configuration = store.find(store.method_configurations, configuration_id, "configuration")
    return configuration_answer(store, configuration)


def _retrieve_account(store: Store, parameters: dict[str, Any], account_id: str) -> StripeObject:
    read(parameters, {})
    if account_id not in ("", store.account_id):
        raise no_access_to(account_id)
    return account(store)


_WEBHOOK_ENDPOINTS = "/v1/webhook_endpoints"
_PORTAL = "/v1/billing_portal/configurations"
_METHODS = "/v1/payment_method_configurations"

ACCOUNT_ROUTES = (
    route("GET", "/v1/account", _retrieve_account),
    route("GET", "/v1/accounts/{id}", _retrieve_account),
    create_route(_WEBHOOK_ENDPOINTS, create_endpoint),
    route(
        "GET",
        _WEBHOOK_ENDPOINTS,
        _without_created(list_endpoint(lambda store: store.webhook_endpoints, _WEBHOOK_ENDPOINTS)),
    ),
    retrieve_route(_WEBHOOK_ENDPOINTS, lambda store: store.webhook_endpoints, "webhook_endpoint"),
    route("POST", f"{_WEBHOOK_ENDPOINTS}/{{id}}", change_endpoint),
    route("DELETE", f"{_WEBHOOK_ENDPOINTS}/{{id}}", delete_endpoint),
    create_route(_PORTAL, create_configuration),
    route(
        "GET",
        _PORTAL,
        _without_created(
            list_endpoint(
                lambda store: store.portal_configurations,
                _PORTAL,
                active=(boolean, equals("active")),
                is_default=(boolean, equals("is_default")),
            )
        ),
    ),
    retrieve_route(_PORTAL, lambda store: store.portal_configurations, "configuration"),
    route("POST", f"{_PORTAL}/{{id}}", change_configuration),
    route("GET", _METHODS, _without_created(_list_methods)),
    route("GET", f"{_METHODS}/{{id}}", _retrieve_methods),
    route("POST", f"{_METHODS}/{{id}}", change_methods),
)
