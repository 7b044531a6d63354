"""What Stripe said when it refused something, as staff may read it. Pure."""

import re
from typing import Final

import stripe

# A sentence of Stripe's has some two hundred characters.
_LONGEST: Final = 400
_EMAIL: Final = re.compile(r"[^\s@<>()\"'`,;:]+@[^\s@<>()\"'`,;]+")


def words_of_refusal(error: stripe.StripeError) -> dict[str, str]:
    """Return Stripe's sentence, without addresses of donors, and the id it knows the request by."""
    told = {
        "code": str(error.code or ""),
        "message": _EMAIL.sub("(an e-mail address)", _printable(str(error.user_message or ""))),
        "request_id": str(error.request_id or ""),
    }
    return {name: _shortened(value) for name, value in told.items() if value}


def _printable(text: str) -> str:
    # Line breaks, NUL and halves of characters have no place in a page or in PostgreSQL.
    return "".join(character if character.isprintable() else " " for character in text)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
