"""Turns a refusal from Stripe into details that staff may read. Pure."""

import re
from typing import Final, cast

import stripe

from donate.errors import RefusalDetails

# Maximum number of characters to keep of Stripe's message, which usually has about two hundred.
_MAX_LENGTH: Final = 400
_EMAIL: Final = re.compile(r"[^\s@<>()\"'`,;:]+@[^\s@<>()\"'`,;]+")


def refusal_details(error: stripe.StripeError) -> RefusalDetails:
    """Return Stripe's error code, its message without e-mail addresses, and the request's id."""
    details: dict[str, str] = {
        "code": str(error.code or ""),
        "message": _EMAIL.sub("(an e-mail address)", _printable(str(error.user_message or ""))),
        "request_id": str(error.request_id or ""),
    }
    told = {name: _shortened(value) for name, value in details.items() if value}
    return cast(RefusalDetails, told)


def _printable(text: str) -> str:
    # Line breaks, NUL and lone surrogates cannot be shown on a page or stored in PostgreSQL.
    return "".join(character if character.isprintable() else " " for character in text)


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 1]}…"
