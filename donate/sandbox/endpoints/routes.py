"""A route of the API, and the endpoints that many routes share."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from donate.sandbox.endpoints.lists import Filter, page
from donate.sandbox.requests.parameters import Check, read
from donate.sandbox.shelf import Shelf, StripeObject
from donate.sandbox.store import Store

Endpoint = Callable[[Store, dict[str, Any], str], StripeObject]


@dataclass(frozen=True)
class Route:
    method: str
    path: re.Pattern[str]
    endpoint: Endpoint


def route(method: str, path: str, endpoint: Endpoint) -> Route:
    return Route(method, re.compile(path.replace("{id}", "(?P<id>[^/]+)")), endpoint)


def create_route(path: str, create: Callable[[Store, dict[str, Any]], StripeObject]) -> Route:
    return route("POST", path, lambda store, parameters, _: create(store, parameters))


def shelf_routes(
    path: str, shelf_of: Callable[[Store], Shelf], param: str, **filters: tuple[Check, Filter]
) -> tuple[Route, Route]:
    """Return the routes that list the objects of a shelf and retrieve one of them.

    If there is no such object, the error message names the parameter `param`.
    """
    return (
        route("GET", path, list_endpoint(shelf_of, path, **filters)),
        retrieve_route(path, shelf_of, param),
    )


def retrieve_route(path: str, shelf_of: Callable[[Store], Shelf], param: str) -> Route:
    def retrieve(store: Store, parameters: dict[str, Any], object_id: str) -> StripeObject:
        read(parameters, {})
        return store.find(shelf_of(store), object_id, param)

    return route("GET", f"{path}/{{id}}", retrieve)


def list_endpoint(
    shelf_of: Callable[[Store], Shelf], url: str, **filters: tuple[Check, Filter]
) -> Endpoint:
    return lambda store, parameters, _: page(shelf_of(store), url, parameters, filters)
