"""Functions that find in code which requests the service sends and which fields it reads."""

import ast
import inspect
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import stripe

from donate.stripe_gateway.balance.parser import read_balance_transaction, read_payout
from donate.stripe_gateway.events.fields import UnusableEvent
from donate.stripe_gateway.events.parser import envelope_of_event, read_event
from donate.stripe_gateway.events.synthetic import (
    as_dispute_event,
    as_invoice_events,
    as_refund_event,
    as_session_event,
    as_start_event,
    as_subscription_event,
    is_under_way,
)
from tests.assumptions.tracing import Traced

GATEWAY: Final = Path(__file__).parent.parent.parent / "donate" / "stripe_gateway"
_ROUTE: Final = re.compile(r'"(get|post|delete)",\s*"(/v1/[^"]*)"')


def gateway_files() -> list[Path]:
    """Return the source files of the Stripe gateway, without the assumptions."""
    return [path for path in sorted(GATEWAY.rglob("*.py")) if "assumptions" not in path.parts]


def routes_called(code: str) -> set[str]:
    """Return the route of every Stripe call in some code, such as `GET /v1/events/{id}`."""
    return {_route_of(chain) for chain in _chains(ast.parse(code))}


def _chains(tree: ast.AST) -> Iterator[tuple[str, ...]]:
    inner = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in inner:
            names = ast.unparse(node).split(".")
            if "v1" in names and names[-1] != "v1":
                yield tuple(names[names.index("v1") + 1 :])


def _route_of(chain: tuple[str, ...]) -> str:
    method_or_service: Any = stripe.StripeClient("sk_test_51Nothing").v1
    for name in chain:
        method_or_service = getattr(method_or_service, name)
    source = inspect.getsource(method_or_service)
    match = _ROUTE.search(source) or re.search(r'"(get|post|delete)",\s*"(/v1/[^"]*)"', source)
    assert match, f"{'.'.join(chain)} is no call"
    method, path = match.groups()
    return f"{method.upper()} {re.sub('{[^}]*}', '{id}', path)}"


def fields_read(things: list[dict[str, Any]], now: datetime) -> set[str]:
    """Return the fields that the parser reads from these objects and events."""
    fields: set[str] = set()
    for thing in things:
        with suppress(UnusableEvent):
            _read(Traced(thing, fields), now)
    return fields


def _read(thing: Any, now: datetime) -> None:
    match dict.get(thing, "object"):
        case "event":
            read_event(envelope_of_event(thing))
        case "checkout.session":
            as_session_event(thing, now)
        case "refund":
            as_refund_event(thing, now)
        case "dispute":
            as_dispute_event(thing, now)
        case "invoice":
            list(as_invoice_events(thing, now))
            is_under_way(thing)
        case "payout":
            read_payout(thing, now)
        case "balance_transaction":
            read_balance_transaction(thing, now)
        case "subscription":
            as_subscription_event(thing, now)
            as_start_event(thing, now)


def keys_named(code: str) -> set[str]:
    """Return every JSON key that some code reads, by subscript, `get` or a function of ours."""
    return {key for node in ast.walk(ast.parse(code)) for key in _keys_of(node)}


def _keys_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Subscript):
        yield from _texts(node.slice)
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name == "get" and node.args:
            yield from _texts(node.args[0])
        function = ast.unparse(node.func)
        if re.fullmatch(r"read_[a-z]+|_seconds", function) and len(node.args) > 1:
            yield from _texts(node.args[1])


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
