"""Checks: functions that each read one parameter, and refuse invalid values as Stripe would.

A check gets the value from the form and the full name of the parameter. It returns the value or
raises Refusal. `record` combines checks, and refuses unknown and missing parameters.
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

# Stripe's limits for metadata: https://docs.stripe.com/api/metadata
METADATA_KEYS = 50
METADATA_KEY_LENGTH = 40
METADATA_VALUE_LENGTH = 500

_EMAIL = re.compile(r"^[^@\s<>(),;:\"\[\]]+@[^@\s.]+(\.[^@\s.]+)+$")


def text(max_length: int = 5_000, pattern: str | None = None) -> Check:
    def check(value: Any, path: str) -> str:
        if not isinstance(value, str):
            raise invalid_parameter(path, f"Invalid string: {value}")
        if value == "":
            raise empty_parameter(path)
        if len(value) > max_length:
            raise invalid_parameter(
                path, f"Invalid string: {value[:20]}...; must be at most {max_length} characters"
            )
        if pattern is not None and re.fullmatch(pattern, value) is None:
            raise invalid_parameter(path, f"Invalid {path}: {value}")
        return value

    return check


def choice(*allowed: str) -> Check:
    def check(value: Any, path: str) -> str:
        chosen = str(text()(value, path))
        if chosen not in allowed:
            raise invalid_parameter(path, f"Invalid {path}: must be one of {', '.join(allowed)}")
        return chosen

    return check


def integer(minimum: int | None = None, maximum: int | None = None) -> Check:
    def check(value: Any, path: str) -> int:
        if not isinstance(value, str) or re.fullmatch(r"[+-]?[0-9]{1,18}", value) is None:
            raise invalid_parameter(
                path, f"Invalid integer: {value}", code="parameter_invalid_integer"
            )
        number = int(value)
        if minimum is not None and number < minimum:
            raise invalid_parameter(
                path,
                f"This value must be greater than or equal to {minimum}.",
                code="parameter_invalid_integer",
            )
        if maximum is not None and number > maximum:
            raise invalid_parameter(
                path,
                f"This value must be less than or equal to {maximum} (it currently is {number}).",
                code="parameter_invalid_integer",
            )
        return number

    return check


def boolean(value: Any, path: str) -> bool:
    if value not in ("true", "false"):
        raise invalid_parameter(path, f"Invalid boolean: {value}")
    return bool(value == "true")


def only(required: str) -> Check:
    """Return a check that refuses every value but `required`, the only one that is supported."""

    def check(value: Any, path: str) -> str:
        if value != required:
            raise not_in_this_sandbox(path, str(value))
        return required

    return check


def web_address(value: Any, path: str) -> str:
    url = str(text()(value, path))
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_valid = False
    if not is_valid or any(character.isspace() for character in url):
        raise invalid_parameter(path, "Not a valid URL", code="url_invalid")
    return url


def email_address(value: Any, path: str) -> str:
    address = str(text(max_length=800)(value, path))
    # Stripe documents no rule for e-mail addresses, so use the strictest: only ASCII, with the
    # domain in punycode.
    if _EMAIL.match(address) is None or not address.isascii():
        raise invalid_parameter(path, f"Invalid email address: {address}", code="email_invalid")
    return address


def metadata(value: Any, path: str) -> dict[str, str]:
    if value == "":
        return {}
    # If all keys of the metadata are numbers, the form decoder has returned a list instead of a
    # dict.
    pairs = dict(enumerate(value)) if isinstance(value, list) else value
    if not isinstance(pairs, dict):
        raise invalid_parameter(path, "Invalid hash")
    if len(pairs) > METADATA_KEYS:
        raise invalid_parameter(
            path, f"Metadata can hold up to {METADATA_KEYS} keys, but you passed {len(pairs)}."
        )
    result: dict[str, str] = {}
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
            result[name] = item
    return result


def metadata_change(value: Any, path: str) -> dict[str, str | None]:
    """Return metadata to set. The value None unsets a key; an empty result unsets all keys."""
    values: dict[str, str | None] = dict(metadata(value, path))
    if value == "":
        return {}
    pairs = dict(enumerate(value)) if isinstance(value, list) else value
    return {str(key): values.get(str(key)) for key in pairs}


def unset_or(check: Check) -> Check:
    """Return a check that also accepts an empty string, which unsets the parameter."""
    return lambda value, path: None if value == "" else check(value, path)


def list_of(check: Check, max_length: int = 100) -> Check:
    def check_all(value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            raise invalid_parameter(path, "Invalid array")
        if len(value) > max_length:
            raise invalid_parameter(path, f"Array too long: at most {max_length} elements.")
        return [check(item, f"{path}[{index}]") for index, item in enumerate(value)]

    return check_all


def record(
    checks: Mapping[str, Check], required: Sequence[str] = (), unsupported: Sequence[str] = ()
) -> Check:
    """Return a check for a dict of parameters. `checks` has a check for each parameter.

    `unsupported` names the parameters that Stripe accepts and the sandbox does not support.
    """

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
        values = {name: checks[name](item, full(name)) for name, item in value.items()}
        for name in required:
            if name not in values:
                raise missing_parameter(full(name))
        return values

    return check


def read(
    parameters: dict[str, Any],
    checks: Mapping[str, Check],
    required: Sequence[str] = (),
    unsupported: Sequence[str] = (),
) -> dict[str, Any]:
    """Check all parameters of a request. Every endpoint also accepts `expand`."""
    all_checks = {**checks, "expand": list_of(text())}
    values: dict[str, Any] = record(all_checks, required, unsupported)(parameters, "")
    return values
