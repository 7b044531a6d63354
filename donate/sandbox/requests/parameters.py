"""Small checks that read one parameter each, and refuse it the way Stripe would.

A check takes what the form held and the parameter's full name, and gives the value or raises
Refusal. `record` puts checks together, and is where unknown and missing names are found.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from donate.sandbox.errors import (
    empty_parameter,
    invalid_parameter,
    missing_parameter,
    not_in_this_sandbox,
    unknown_parameters,
)

Check = Callable[[Any, str], Any]

# https://docs.stripe.com/api/metadata
METADATA_KEYS = 50
METADATA_KEY_LENGTH = 40
METADATA_VALUE_LENGTH = 500

_EMAIL = re.compile(r"^[^@\s<>(),;:\"\[\]]+@[^@\s.]+(\.[^@\s.]+)+$")


def text(longest: int = 5_000, pattern: str | None = None) -> Check:
    def check(value: Any, path: str) -> str:
        if not isinstance(value, str):
            raise invalid_parameter(path, f"Invalid string: {value}")
        if value == "":
            raise empty_parameter(path)
        if len(value) > longest:
            raise invalid_parameter(
                path, f"Invalid string: {value[:20]}...; must be at most {longest} characters"
            )
        if pattern is not None and re.fullmatch(pattern, value) is None:
            raise invalid_parameter(path, f"Invalid {path}: {value}")
        return value

    return check


def choice(*allowed: str) -> Check:
    def check(value: Any, path: str) -> str:
        given = str(text()(value, path))
        if given not in allowed:
            raise invalid_parameter(path, f"Invalid {path}: must be one of {', '.join(allowed)}")
        return given

    return check


def integer(smallest: int | None = None, largest: int | None = None) -> Check:
    def check(value: Any, path: str) -> int:
        if not isinstance(value, str) or re.fullmatch(r"[+-]?[0-9]{1,18}", value) is None:
            raise invalid_parameter(
                path, f"Invalid integer: {value}", code="parameter_invalid_integer"
            )
        number = int(value)
        if smallest is not None and number < smallest:
            raise invalid_parameter(
                path,
                f"This value must be greater than or equal to {smallest}.",
                code="parameter_invalid_integer",
            )
        if largest is not None and number > largest:
            raise invalid_parameter(
                path,
                f"This value must be less than or equal to {largest} (it currently is {number}).",
                code="parameter_invalid_integer",
            )
        return number

    return check


def boolean(value: Any, path: str) -> bool:
    if value not in ("true", "false"):
        raise invalid_parameter(path, f"Invalid boolean: {value}")
    return bool(value == "true")


def only(required: str) -> Check:
    """A parameter of which the sandbox plays a single value."""

    def check(value: Any, path: str) -> str:
        if value != required:
            raise not_in_this_sandbox(path, str(value))
        return required

    return check


def web_address(value: Any, path: str) -> str:
    given = str(text()(value, path))
    try:
        parts = urlsplit(given)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable or any(character.isspace() for character in given):
        raise invalid_parameter(path, "Not a valid URL", code="url_invalid")
    return given


def email_address(value: Any, path: str) -> str:
    given = str(text(longest=800)(value, path))
    # The strictest guess, which no document settles: only ASCII, with the domain in punycode.
    if _EMAIL.match(given) is None or not given.isascii():
        raise invalid_parameter(path, f"Invalid email address: {given}", code="email_invalid")
    return given


def metadata(value: Any, path: str) -> dict[str, str]:
    if value == "":
        return {}
    # Keys that are all digits arrive looking like a list; they are keys all the same.
    pairs = dict(enumerate(value)) if isinstance(value, list) else value
    if not isinstance(pairs, dict):
        raise invalid_parameter(path, "Invalid hash")
    if len(pairs) > METADATA_KEYS:
        raise invalid_parameter(
            path, f"Metadata can hold up to {METADATA_KEYS} keys, but you passed {len(pairs)}."
        )
    read: dict[str, str] = {}
    for key, item in pairs.items():
        name = str(key)
        if len(name) > METADATA_KEY_LENGTH:
            raise invalid_parameter(
                path,
                f"Metadata keys can be up to {METADATA_KEY_LENGTH} characters long, "
                f"but you passed one of {len(name)} characters.",
            )
        if not isinstance(item, str):
            raise invalid_parameter(f"{path}[{name}]", "Metadata values must be strings.")
        if len(item) > METADATA_VALUE_LENGTH:
            raise invalid_parameter(
                f"{path}[{name}]",
                f"Metadata values can have up to {METADATA_VALUE_LENGTH} characters, but you "
                f"passed in a value that is {len(item)} characters. Invalid value: {item[:20]}...",
            )
        if item != "":
            read[name] = item
    return read


def metadata_change(value: Any, path: str) -> dict[str, str | None]:
    """What to set and what to unset, which is None; nothing at all unsets everything."""
    kept: dict[str, str | None] = dict(metadata(value, path))
    if value == "":
        return {}
    pairs = dict(enumerate(value)) if isinstance(value, list) else value
    return {str(key): kept.get(str(key)) for key in pairs}


def unset_or(check: Check) -> Check:
    """A parameter that an empty string takes away."""
    return lambda value, path: None if value == "" else check(value, path)


def list_of(check: Check, longest: int = 100) -> Check:
    def check_all(value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            raise invalid_parameter(path, "Invalid array")
        if len(value) > longest:
            raise invalid_parameter(path, f"Array too long: at most {longest} elements.")
        return [check(item, f"{path}[{index}]") for index, item in enumerate(value)]

    return check_all


def record(
    checks: Mapping[str, Check], required: Sequence[str] = (), unsupported: Sequence[str] = ()
) -> Check:
    """`unsupported` names what Stripe would take and the sandbox does not play."""

    def check(value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise invalid_parameter(path, "Invalid object")

        def full(name: str) -> str:
            return f"{path}[{name}]" if path else name

        unknown = [full(name) for name in value if name not in checks and name not in unsupported]
        if unknown:
            raise unknown_parameters(unknown)
        for name in value:
            if name in unsupported:
                raise not_in_this_sandbox(full(name))
        read = {name: checks[name](item, full(name)) for name, item in value.items()}
        for name in required:
            if name not in read:
                raise missing_parameter(full(name))
        return read

    return check


def read(
    parameters: dict[str, Any],
    checks: Mapping[str, Check],
    required: Sequence[str] = (),
    unsupported: Sequence[str] = (),
) -> dict[str, Any]:
    """Check the parameters of a whole request; every endpoint also takes `expand`."""
    everything = {**checks, "expand": list_of(text())}
    given: dict[str, Any] = record(everything, required, unsupported)(parameters, "")
    return given
