"""Checks of requests and answers against `stripe_shapes.json`, made by scripts/stripe_shapes.py.

A shape says which fields and values Stripe's OpenAPI document allows. Each shape is compiled to a
function once, because the whole test suite uses the checks.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

TABLE = Path(__file__).with_name("stripe_shapes.json")


class Difference(NamedTuple):
    """A difference from Stripe's OpenAPI document, at the field `place` of the object `schema`."""

    place: str
    what: str
    value: Any = None
    schema: str | None = None

    @property
    def name(self) -> str:
        """Return where the difference is and what is wrong, without the value that is wrong."""
        schema = f"{self.schema}: " if self.schema else ""
        return f"{schema}{self.place.replace('.[]', '[]')} {self.what}".strip()

    def __str__(self) -> str:
        return f"{self.name} ({self.value!r:.200})"


Check = Callable[[Any], list[Difference]]
FITS: list[Difference] = []


def wrong(what: str, value: Any) -> list[Difference]:
    return [Difference("", what, value)]


def within(step: str, differences: list[Difference]) -> list[Difference]:
    return [
        one if one.schema else one._replace(place=f"{step}.{one.place}".rstrip("."))
        for one in differences
    ]


def a_hash(
    fields: Mapping[str, Check], required: Iterable[str] = (), others: Check | None = None
) -> Check:
    required_names = tuple(required)

    def check(value: Any) -> list[Difference]:
        if not isinstance(value, dict):
            return wrong("is no hash", value)
        differences = FITS
        for name, inner in value.items():
            field = fields.get(name, others)
            inner_differences = field(inner) if field else wrong("is not in the document", inner)
            if inner_differences:
                differences = differences + within(
                    name if name in fields or not others else "*", inner_differences
                )
        for name in required_names:
            if name not in value:
                differences = [*differences, Difference(name, "is missing")]
        return differences

    return check


def a_list(item: Check) -> Check:
    """Return a function that checks a list and each item.

    In a decoded form, a list is a dict with the numbers of the items as keys.
    """

    def check(value: Any) -> list[Difference]:
        if isinstance(value, dict) and value and all(step.isdecimal() for step in value):
            value = list(value.values())
        if not isinstance(value, list):
            return wrong("is no list", value)
        differences = FITS
        for inner in value:
            inner_differences = item(inner)
            if inner_differences:
                differences = differences + within("[]", inner_differences)
        return differences

    return check


def one_of(texts: Iterable[str]) -> Check:
    allowed = frozenset(texts)

    def check(value: Any) -> list[Difference]:
        if isinstance(value, str) and value in allowed:
            return FITS
        return wrong("is not among the values", value)

    return check


def any_of(options: list[Check]) -> Check:
    is_nullable = NULL in options

    def check(value: Any) -> list[Difference]:
        if value is None and is_nullable:
            return FITS
        best: list[Difference] | None = None
        for option in options:
            inner_differences = option(value)
            if not inner_differences:
                return FITS
            # Report the option that fits best: of the right type, with the fewest differences.
            if best is None or _distance(inner_differences) < _distance(best):
                best = inner_differences
        return best or wrong("fits nothing", value)

    return check


def _distance(differences: list[Difference]) -> tuple[bool, int]:
    is_another_kind = any(not one.place or one.place == "object" for one in differences)
    return is_another_kind, len(differences)


def that(condition: Callable[[Any], bool], what: str) -> Check:
    return lambda value: FITS if condition(value) else wrong(what, value)


def text_up_to(longest: int, *, in_form: bool) -> Check:
    # In a form, an empty text unsets a field; Stripe's document lists that as an option of its own.
    shortest = 1 if in_form else 0
    return that(
        lambda value: isinstance(value, str) and shortest <= len(value) <= longest,
        "is no text of the right length",
    )


NULL = that(lambda value: value is None, "is not null")
ANYTHING: Check = lambda _: FITS  # noqa: E731
OBJECT = that(lambda value: isinstance(value, dict), "is no hash")
JSON_LEAVES: dict[str, Check] = {
    "any": ANYTHING,
    "boolean": that(lambda value: type(value) is bool, "is no boolean"),
    "integer": that(lambda value: type(value) is int, "is no integer"),
    "number": that(lambda value: type(value) in (int, float), "is no number"),
    "object": OBJECT,
    "string": that(lambda value: isinstance(value, str), "is no text"),
}
FORM_LEAVES: dict[str, Check] = {
    "any": ANYTHING,
    "boolean": one_of(("true", "false")),
    "integer": that(
        lambda value: isinstance(value, str) and re.fullmatch(r"-?\d+", value) is not None,
        "is no integer",
    ),
    "number": that(
        lambda value: isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value) is not None,
        "is no number",
    ),
    "object": OBJECT,
    "string": that(lambda value: isinstance(value, str) and value != "", "is no text"),
}


class Shapes:
    def __init__(self, table: dict[str, Any]) -> None:
        self._schemas = table["schemas"]
        self._routes = table["routes"]
        self._patterns = [
            (name, re.compile(name.replace(".", r"\.").replace("*", "[^/]+")))
            for name in self._routes
        ]
        self.routes = frozenset(self._routes)
        self._named: dict[str, Check] = {}
        self.route = cache(self._route)
        self.request_check = cache(self._request_check)
        self.answer_check = cache(self._answer_check)
        self.event_types = frozenset(
            self._routes["POST /v1/webhook_endpoints"]["asks"]["fields"]["enabled_events!"]["list"]
        )

    def _route(self, method: str, path: str) -> str | None:
        """Return the route's name in stripe_shapes.json; prefer a route without a placeholder."""
        request = f"{method} {path}"
        if request in self._routes:
            return request
        return next((name for name, pattern in self._patterns if pattern.fullmatch(request)), None)

    def _request_check(self, route: str) -> Check:
        return self._compiled(self._routes[route]["asks"], in_form=True)

    def _answer_check(self, route: str) -> Check:
        return self._compiled(self._routes[route]["answers"], in_form=False)

    def event(self, event: dict[str, Any]) -> list[Difference]:
        differences = list(self.named("event")(event))
        if event["type"] not in self.event_types:
            differences.append(Difference("type", "is no type of event", event["type"], "event"))
        thing = event["data"]["object"]
        differences += self.named(thing["object"])(thing)
        fields = self._fields_of(thing["object"])
        differences += [
            Difference(f"previous_attributes.{name}", "is not in the document", schema="event")
            for name in event["data"].get("previous_attributes", {})
            if name not in fields
        ]
        return differences

    def named(self, name: str) -> Check:
        """Return the check of the schema `name`, which adds this name to its differences."""
        if name not in self._named:
            if name not in self._schemas:
                return lambda _: [Difference("", "is no object of the document", schema=name)]
            inner = self._compiled(self._schemas[name], in_form=False)

            def check(value: Any) -> list[Difference]:
                differences = inner(value)
                return differences and [
                    one if one.schema else one._replace(schema=name) for one in differences
                ]

            self._named[name] = check
        return self._named[name]

    def _late(self, name: str) -> Check:
        """Return a check that is compiled on its first use, because schemas contain each other."""

        def check(value: Any) -> list[Difference]:
            return self.named(name)(value)

        return check

    def _fields_of(self, name: str) -> set[str]:
        return {field.rstrip("!") for field in self._schemas[name]["fields"]}

    def _others(self, shape: Any) -> Check:
        """Return the check of metadata's values; it allows "", which unsets a key."""
        return self._compiled(shape, in_form=False)

    def _compiled(self, shape: Any, *, in_form: bool) -> Check:
        match shape:
            case None:
                return NULL
            case list():
                return one_of(shape)
            case {"any": options}:
                return any_of([self._compiled(option, in_form=in_form) for option in options])
            case {"list": item}:
                return a_list(self._compiled(item, in_form=in_form))
            case {"fields": fields, **rest}:
                others = self._others(rest["others"]) if "others" in rest else None
                return a_hash(
                    {
                        name.rstrip("!"): self._compiled(inner, in_form=in_form)
                        for name, inner in fields.items()
                    },
                    [name[:-1] for name in fields if name.endswith("!")],
                    others,
                )
            case {"others": inner}:
                return a_hash({}, (), self._others(inner))
            case str() if shape.startswith("@"):
                return self._late(shape[1:])
            case str() if shape.startswith("string:"):
                return text_up_to(int(shape.partition(":")[2]), in_form=in_form)
        return (FORM_LEAVES if in_form else JSON_LEAVES)[shape]


def decoded(form: bytes) -> dict[str, Any]:
    """Return a form such as `a[b][0][c]=value` as nested dicts; raise ValueError if invalid."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(form.decode(), keep_blank_values=True, strict_parsing=bool(form)):
        steps = name.replace("]", "").split("[")
        place = tree
        for step in steps[:-1]:
            place = place.setdefault(step, {})
        if steps[-1] in place and steps[-1] != "":
            raise ValueError(f"{name} is there twice")
        place[steps[-1] or str(len(place))] = value
    return tree


@cache
def stripe_shapes() -> Shapes:
    return Shapes(json.loads(TABLE.read_text()))
