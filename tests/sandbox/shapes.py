"""Checks requests and answers against `stripe_shapes.json`, which scripts/stripe_shapes.py makes.

Shapes are compiled to functions once: the whole test suite goes through them.
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
    """What is other than it should be; `place` begins at the innermost schema with a name."""

    place: str
    what: str
    value: Any = None
    schema: str | None = None

    @property
    def name(self) -> str:
        """The same for the same kind of difference, whatever the value."""
        schema = f"{self.schema}: " if self.schema else ""
        return f"{schema}{self.place.replace('.[]', '[]')} {self.what}".strip()

    def __str__(self) -> str:
        return f"{self.name} ({self.value!r:.200})"


Check = Callable[[Any], list[Difference]]
FITS: list[Difference] = []


def wrong(what: str, value: Any) -> list[Difference]:
    return [Difference("", what, value)]


def within(step: str, found: list[Difference]) -> list[Difference]:
    return [
        one if one.schema else one._replace(place=f"{step}.{one.place}".rstrip("."))
        for one in found
    ]


def a_hash(
    fields: Mapping[str, Check], required: Iterable[str] = (), others: Check | None = None
) -> Check:
    needed = tuple(required)

    def check(value: Any) -> list[Difference]:
        if not isinstance(value, dict):
            return wrong("is no hash", value)
        found = FITS
        for name, inner in value.items():
            field = fields.get(name, others)
            there = field(inner) if field else wrong("is not in the document", inner)
            if there:
                found = found + within(name if name in fields or not others else "*", there)
        for name in needed:
            if name not in value:
                found = [*found, Difference(name, "is missing")]
        return found

    return check


def a_list(item: Check) -> Check:
    """A list of JSON, or of a form: there it is a hash whose names are numbers."""

    def check(value: Any) -> list[Difference]:
        if isinstance(value, dict) and value and all(step.isdecimal() for step in value):
            value = list(value.values())
        if not isinstance(value, list):
            return wrong("is no list", value)
        found = FITS
        for inner in value:
            there = item(inner)
            if there:
                found = found + within("[]", there)
        return found

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
            there = option(value)
            if not there:
                return FITS
            # The option that was meant is the one that looks into the value, and finds least.
            if best is None or _distance(there) < _distance(best):
                best = there
        return best or wrong("fits nothing", value)

    return check


def _distance(found: list[Difference]) -> tuple[bool, int]:
    is_another_kind = any(not one.place or one.place == "object" for one in found)
    return is_another_kind, len(found)


def that(is_so: Callable[[Any], bool], what: str) -> Check:
    return lambda value: FITS if is_so(value) else wrong(what, value)


def text_up_to(longest: int, *, in_form: bool) -> Check:
    # An empty text in a form unsets what it names; where that may be, the document says so.
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
        self.asks = cache(self._asks)
        self.answers = cache(self._answers)
        self.event_types = frozenset(
            self._routes["POST /v1/webhook_endpoints"]["asks"]["fields"]["enabled_events!"]["list"]
        )

    def _route(self, method: str, path: str) -> str | None:
        """The route by its name in the table; one without a star goes first."""
        asked = f"{method} {path}"
        if asked in self._routes:
            return asked
        return next((name for name, pattern in self._patterns if pattern.fullmatch(asked)), None)

    def _asks(self, route: str) -> Check:
        return self._compiled(self._routes[route]["asks"], in_form=True)

    def _answers(self, route: str) -> Check:
        return self._compiled(self._routes[route]["answers"], in_form=False)

    def event(self, event: dict[str, Any]) -> list[Difference]:
        found = list(self.named("event")(event))
        if event["type"] not in self.event_types:
            found.append(Difference("type", "is no type of event", event["type"], "event"))
        thing = event["data"]["object"]
        found += self.named(thing["object"])(thing)
        known = self._fields_of(thing["object"])
        found += [
            Difference(f"previous_attributes.{name}", "is not in the document", schema="event")
            for name in event["data"].get("previous_attributes", {})
            if name not in known
        ]
        return found

    def named(self, name: str) -> Check:
        """The check of a schema; what it finds begins there."""
        if name not in self._named:
            if name not in self._schemas:
                return lambda _: [Difference("", "is no object of the document", schema=name)]
            inner = self._compiled(self._schemas[name], in_form=False)

            def check(value: Any) -> list[Difference]:
                found = inner(value)
                return found and [one if one.schema else one._replace(schema=name) for one in found]

            self._named[name] = check
        return self._named[name]

    def _late(self, name: str) -> Check:
        """The check of a schema, compiled when it is needed: schemas contain each other."""

        def check(value: Any) -> list[Difference]:
            return self.named(name)(value)

        return check

    def _fields_of(self, name: str) -> set[str]:
        return {field.rstrip("!") for field in self._schemas[name]["fields"]}

    def _others(self, shape: Any) -> Check:
        """What metadata is made of; in a form too an empty text may stand there, and unsets it."""
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
    """`a[b][0][c]=value` as hashes and texts; raise ValueError for what is no such form."""
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
