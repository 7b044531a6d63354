"""The types into which an event is parsed, and readers for single fields. Pure.

A missing or malformed field is never guessed: the reader raises `UnusableEvent`, and staff see the
reason.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard

from donate.gifts.evidence import Evidence
from donate.gifts.facts import Fact, FactKind
from donate.money import MAX_AMOUNT_MINOR, is_currency

_ID: Final = re.compile(r"[A-Za-z0-9_.:\-]{1,255}")
_SHORT_TEXT: Final = re.compile(r"[ -~]{1,100}")
_MAX_URL_LENGTH: Final = 5_000
# The latest time that we accept, in seconds since 1970. A database column can store it.
_MAX_SECONDS: Final = 2**33


class UnusableEvent(Exception):
    """An authentic event that cannot be applied. The message is a reason that staff can read."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The fields of an event, with its object as JSON."""

    event_id: str
    type: str
    account: str | None
    livemode: bool
    happened_at: datetime
    object: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a Stripe object says about the gift that it names, to be checked against the ledger.

    `amount_minor` is None for a changed pledge and for all monthly payments after the first one,
    because their amount may differ from the gift's. Only checkout sessions have `session_id` and
    `attempt`.
    """

    reference: str
    monthly: bool
    currency: str
    amount_minor: int | None = None
    session_id: str | None = None
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class Month:
    """A monthly payment of a pledge after the first, paid or failed. It becomes a new gift."""

    invoice_id: str
    amount_minor: int
    currency: str
    invoiced_at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """Facts about one gift. It is identified by its id or by a payment that we may have recorded.

    With `month`, `gift_id` is the gift that began the pledge, and the facts are about the gift for
    that monthly payment.
    """

    facts: tuple[Fact, ...]
    gift_id: uuid.UUID | None = None
    payment: str | None = None
    claim: Claim | None = None
    month: Month | None = None


@dataclass(frozen=True, slots=True)
class IrrelevantEvent:
    """An authentic event with nothing for us to record."""

    reason: str


@dataclass(frozen=True, slots=True)
class PayoutNews:
    """Says that a payout has changed and has to be read from Stripe. It is about no gift."""

    payout_id: str


def stripe_fact(
    kind: FactKind,
    source_id: str,
    happened_at: datetime,
    *,
    amount_minor: int | None = None,
    currency: str | None = None,
    evidence: Evidence | None = None,
) -> Fact:
    """Return a fact whose actor is Stripe."""
    return Fact(
        kind, source_id, happened_at, "stripe", amount_minor, currency, evidence or Evidence()
    )


def returned_fact(
    kind: FactKind,
    source_id: str,
    fields: Mapping[str, Any],
    at: datetime,
    evidence: Evidence,
) -> Fact:
    """Return a fact about a refund or dispute. Raises UnusableEvent if the amount is missing."""
    return stripe_fact(
        kind,
        source_id,
        at,
        amount_minor=read_minor_units(fields, "amount"),
        currency=read_currency(fields),
        evidence=evidence,
    )


def read_confirmation(intent: Any, session_id: str, at: datetime) -> list[Fact]:
    """Return a fact that says whether microdeposits still have to confirm the bank account.

    Return no fact if `intent` is only an id. Only a session that we retrieve contains the whole
    intent.
    """
    if not isinstance(intent, dict):
        return []
    if intent.get("status") in ("processing", "succeeded"):
        return [stripe_fact(FactKind.ACCOUNT_CONFIRMED, session_id, at)]
    next_action = intent.get("next_action")
    deposits = (
        next_action.get("verify_with_microdeposits") if isinstance(next_action, dict) else None
    )
    if intent.get("status") != "requires_action" or not isinstance(deposits, dict):
        return []
    url, arrival = deposits.get("hosted_verification_url"), deposits.get("arrival_date")
    # Record the fact even if the date is malformed, because we only display the date.
    arrives_on = (
        datetime.fromtimestamp(arrival, UTC).date().isoformat() if is_instant(arrival) else ""
    )
    evidence: Evidence = {
        "url": url if isinstance(url, str) and len(url) <= _MAX_URL_LENGTH else "",
        "arrives_on": arrives_on,
        "deposits": read_word(deposits, "microdeposit_type"),
    }
    return [stripe_fact(FactKind.ACCOUNT_TO_CONFIRM, session_id, at, evidence=evidence)]


def read_gift_id(metadata: Any) -> uuid.UUID | None:
    """Return our gift id from an object's metadata, or None if we did not create the object.

    Raises UnusableEvent.
    """
    value = metadata.get("gift_id") if isinstance(metadata, dict) else None
    if value is None:
        return None
    try:
        return uuid.UUID(value)
    except (ValueError, AttributeError, TypeError) as error:
        raise UnusableEvent("metadata.gift_id is not one of our ids") from error


def read_attempt(metadata: Mapping[str, Any]) -> int:
    """Return the number of our attempt to open a session. Raises UnusableEvent."""
    value = metadata.get("attempt")
    if not isinstance(value, str) or not re.fullmatch("[0-9]{1,4}", value):
        raise UnusableEvent("metadata.attempt is missing")
    return int(value)


def is_id(value: Any) -> bool:
    """Return whether a value has the form of a Stripe id."""
    return isinstance(value, str) and bool(_ID.fullmatch(value))


def read_text(fields: Mapping[str, Any], key: str, at_most: int = 255) -> str:
    """Return an id or another identifier of up to `at_most` characters. Raises UnusableEvent."""
    value = fields.get(key)
    if not isinstance(value, str) or not _ID.fullmatch(value) or len(value) > at_most:
        raise UnusableEvent(f"{key} is missing or odd")
    return value


def read_word(fields: Mapping[str, Any], key: str) -> str:
    """Return a short text such as a status or reason, or an empty string for anything else."""
    value = fields.get(key)
    return value if isinstance(value, str) and _SHORT_TEXT.fullmatch(value) else ""


def read_minor_units(fields: Mapping[str, Any], key: str) -> int:
    """Return a positive amount, in minor units. Raises UnusableEvent."""
    value = fields.get(key)
    if type(value) is not int or not 0 < value <= MAX_AMOUNT_MINOR:
        raise UnusableEvent(f"{key} is not a usable amount")
    return value


def read_count(fields: Mapping[str, Any], key: str) -> int:
    """Return a count. Raises UnusableEvent."""
    value = fields.get(key)
    if type(value) is not int or not 0 <= value < 1_000_000:
        raise UnusableEvent(f"{key} is not a count")
    return value


def read_currency(fields: Mapping[str, Any]) -> str:
    """Return the object's currency, in upper case. Raises UnusableEvent."""
    value = fields.get("currency")
    if not isinstance(value, str) or not is_currency(value.upper()):
        raise UnusableEvent("currency is not a known one")
    return value.upper()


def read_instant(fields: Mapping[str, Any], key: str) -> datetime:
    """Return a time, which Stripe writes in seconds since 1970. Raises UnusableEvent."""
    value = fields.get(key)
    if not is_instant(value):
        raise UnusableEvent(f"{key} is not a time")
    return datetime.fromtimestamp(value, UTC)


def is_instant(value: Any) -> TypeGuard[int]:
    """Return whether a value can be a time in seconds since 1970."""
    return type(value) is int and 0 < value < _MAX_SECONDS
