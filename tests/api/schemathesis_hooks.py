"""A Schemathesis hook that changes valid bodies into bodies that the region LWCAN accepts."""

import uuid
from typing import Any

import schemathesis
from email_validator import EmailNotValidError, validate_email

from donate.gifts.choosing.card_numbers import holds_card_number
from donate.regions.regions import countries

LIMITS = {
    "card": (200, 2_500_000),
    "bank_debit": (200, 2_500_000),
    "interac": (100, 2_500_000),
    "giving_code": (100, 100_000_000),
}
CANADIAN = ("bank_debit", "interac")


@schemathesis.hook
def before_call(
    _context: schemathesis.HookContext, case: schemathesis.Case[Any], _kwargs: dict[str, Any]
) -> None:
    """Make a valid body acceptable to LWCAN, and send it under a new idempotency key.

    Fields that are acceptable stay as generated, and so do bodies that are meant to be refused.
    """
    meta = case.meta
    if case.operation.label != "POST /api/v1/gifts" or meta is None:
        return
    if meta.generation.mode.is_positive and isinstance(case.body, dict):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
        case.body = accepted(case.body)


def accepted(body: dict[str, Any]) -> dict[str, Any]:
    least, most = LIMITS[body["mode"]]
    country = body["country"] if body["country"] in countries() else "CA"
    donor, tribute = body["donor"], body.get("tribute")
    return {
        **body,
        "code": "LWCAN",
        "currency": "CAD",
        "frequency": "once",
        # JSON Schema counts 5000.0 as an integer; the API does not.
        "amount_minor": min(max(int(body["amount_minor"]), least), most),
        "country": "CA" if body["mode"] in CANADIAN else country,
        "fund": "building" if body.get("fund") else "",
        "note": body.get("note", "") if is_a_name(body.get("note", "")) else "",
        "tribute": None if not tribute or not is_a_name(tribute["name"]) else tribute,
        # If the donor covered the fee, the amount could exceed the limit.
        "cover_fee": False,
        "donor": {
            # JSON Schema cannot say that a name is printable, not blank and no card number.
            "name": donor["name"] if is_a_name(donor["name"]) else "Ann Lee",
            # Generated e-mail addresses may have impossible domains, such as a@b.test.
            "email": donor["email"] if can_be_reached(donor["email"]) else "ann@example.com",
        },
    }


def is_a_name(name: str) -> bool:
    return name.isprintable() and bool(name.strip()) and not holds_card_number(name)


def can_be_reached(email: str) -> bool:
    try:
        validate_email(email, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True
