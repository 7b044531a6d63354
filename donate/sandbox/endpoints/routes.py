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


def retrieve_endpoint(shelf_of: Callable[[Store], Shelf], param: str) -> Endpoint:
    def retrieve(store: Store, parameters: dict[str, Any], object_id: str) -> StripeObject:
        read(parameters, {})
        return store.find(shelf_of(store), object_id, param)

    return retrieve


def list_endpoint(
    shelf_of: Callable[[Store], Shelf], url: str, **filters: tuple[Check, Filter]
) -> Endpoint:
    return lambda store, parameters, _: page(shelf_of(store), url, parameters, filters)
