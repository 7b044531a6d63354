"""Pages of objects, newest first, with Stripe's cursors.

https://docs.stripe.com/api/pagination
"""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from donate.sandbox.errors import Refusal, invalid_parameter, no_such
from donate.sandbox.requests.parameters import Check, integer, read, record, text
from donate.sandbox.shelf import Shelf, StripeObject

MIN_PAGE = 1
MAX_PAGE = 100
DEFAULT_PAGE = 10


def created_filter(value: Any, path: str) -> dict[str, int]:
    """Parse the `created` parameter: one exact time, or the bounds gt, gte, lt and lte."""
    if isinstance(value, str):
        return {"gte": int(integer()(value, path)), "lte": int(value)}
    bounds: dict[str, int] = record({name: integer() for name in ("gt", "gte", "lt", "lte")})(
        value, path
    )
    return bounds


PAGE: dict[str, Check] = {
    "created": created_filter,
    "ending_before": text(),
    "limit": integer(MIN_PAGE, MAX_PAGE),
    "starting_after": text(),
}

Filter = Callable[[StripeObject, Any], bool]


def equals(field: str) -> Filter:
    return lambda thing, value: bool(thing[field] == value)


def equal_texts(*fields: str) -> dict[str, tuple[Check, Filter]]:
    """Return a filter for each field, which compares the field with the parameter of that name."""
    return {field: (text(), equals(field)) for field in fields}


def page(
    shelf: Shelf,
    url: str,
    parameters: dict[str, Any],
    filters: dict[str, tuple[Check, Filter]],
    created_after: int = -1,
) -> dict[str, Any]:
    """Return a page of `shelf`. `filters` are the filter parameters that this list has.

    Objects that were created at `created_after` (in unix seconds) or before are left out.
    """
    checks = {name: check for name, (check, _) in filters.items()}
    request = read(parameters, {**PAGE, **checks})
    tests = [(test, request[name]) for name, (_, test) in filters.items() if name in request]
    bounds = request.get("created", {})

    def matches(thing: StripeObject) -> bool:
        return (
            thing["created"] > created_after
            and is_within(thing["created"], bounds)
            and all(test(thing, value) for test, value in tests)
        )

    limit = request.get("limit", DEFAULT_PAGE)
    backwards = "ending_before" in request
    matching = list(islice(filter(matches, _from_cursor(shelf, request)), limit + 1))
    data = matching[:limit]
    return {
        "object": "list",
        "data": data[::-1] if backwards else data,
        "has_more": len(matching) > limit,
        "url": url,
    }


def _from_cursor(shelf: Shelf, request: dict[str, Any]) -> Iterable[StripeObject]:
    if "ending_before" in request and "starting_after" in request:
        raise Refusal(
            "You may only specify one of these parameters: ending_before, starting_after."
        )
    for name in ("ending_before", "starting_after"):
        if name in request and shelf.get(request[name]) is None:
            raise no_such(shelf.kind, request[name], param=name, status=400)
    if "ending_before" in request:
        return shelf.oldest_first(newer_than=request["ending_before"])
    return shelf.newest_first(older_than=request.get("starting_after"))


def is_within(created: int, bounds: dict[str, int]) -> bool:
    return (
        created > bounds.get("gt", -1)
        and created >= bounds.get("gte", 0)
        and created < bounds.get("lt", created + 1)
        and created <= bounds.get("lte", created)
    )


def event_types(value: Any, path: str) -> list[str]:
    if not isinstance(value, list) or len(value) > 20:
        raise invalid_parameter(path, "Invalid array: up to 20 event types can be given.")
    return [text()(item, path) for item in value]
