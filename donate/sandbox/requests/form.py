"""Stripe's form encoding, `a[b][0][c]=value`, decoded into dicts and lists of text."""

import re
from typing import Any
from urllib.parse import parse_qsl

from donate.sandbox.errors import Refusal

# These limits bound the memory of one request. No real request comes near them.
MAX_PAIRS = 2_000
MAX_DEPTH = 8

_NAME = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_STEP = re.compile(r"\[([^\[\]]*)\]")


def decode_form(encoded: bytes) -> dict[str, Any]:
    """Decode a form. Raises Refusal for invalid UTF-8 or invalid nesting."""
    try:
        pairs = parse_qsl(
            encoded.decode("utf-8"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_PAIRS,
        )
    except ValueError as problem:
        raise Refusal("Invalid request: the parameters cannot be decoded.") from problem
    decoded: dict[str, Any] = {}
    for name, value in pairs:
        _place(decoded, name, value)
    return {name: _with_lists(value) for name, value in decoded.items()}


def _place(decoded: dict[str, Any], name: str, value: str) -> None:
    match = _NAME.match(name)
    if match is None:
        raise Refusal(f"Invalid parameter name: {name}", param=name)
    steps = [match[1], *_STEP.findall(match[2])]
    if len(steps) > MAX_DEPTH:
        raise Refusal(f"Invalid parameter name: {name} is nested too deeply.", param=name)
    place = decoded
    for step in steps[:-1]:
        place = place.setdefault(step or str(len(place)), {})
        if not isinstance(place, dict):
            raise Refusal(f"Invalid hash: {step} is both a value and a hash.", param=steps[0])
    last = steps[-1]
    place[last or str(len(place))] = value


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _with_lists(item) for name, item in value.items()}
    if inner and all(name.isdecimal() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner
