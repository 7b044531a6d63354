"""The values that reading an event gives, and how single fields are read. Pure.

A field that is missing or odd is never guessed: it raises `UnusableEvent`, and staff see why.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard

from donate.gifts.facts import Fact, FactKind
from donate.money import MAX_AMOUNT_MINOR, is_currency

_ID: Final = re.compile(r"[A-Za-z0-9_.:\-]{1,255}")
_WORD: Final = re.compile(r"[ -~]{1,100}")
_LONGEST_URL: Final = 5_000
# A column for instants ends here; Stripe's seconds are far below.
_LAST_SECOND: Final = 2**33


class UnusableEvent(Exception):
    """An authentic event that cannot be applied. The message is the reason staff read."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands around every event's object."""

    event_id: str
    type: str
    account: str | None
    livemode: bool
    happened_at: datetime
    object: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """What Stripe's object says about the gift it names; settling checks it against the ledger.

    `amount_minor` is None where it may differ from the gift's: a later month, a changed pledge.
    `session_id` and `attempt` stand on checkout sessions only.
    """

    reference: str
    monthly: bool
    currency: str
    amount_minor: int | None = None
    session_id: str | None = None
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class Month:
    """A later month of a pledge: money, or its failing, for a gift of its own."""

    invoice_id: str
    amount_minor: int
    currency: str
    invoiced_at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """Facts about one gift, named by our own id or by a payment we may have recorded.

    With `month`, `gift_id` names the gift that began the pledge, and the facts are about the gift
    of that month.
    """

    facts: tuple[Fact, ...]
    gift_id: uuid.UUID | None = None
    payment: str | None = None
    claim: Claim | None = None
    month: Month | None = None


@dataclass(frozen=True, slots=True)
class IrrelevantEvent:
    """Authentic, and nothing for us to record."""

    reason: str


def stripe_fact(kind: FactKind, source_id: str, happened_at: datetime, **more: Any) -> Fact:
    """Return a fact that Stripe told."""
    return Fact(kind=kind, source_id=source_id, happened_at=happened_at, actor="stripe", **more)


def returned_fact(
    kind: FactKind, source_id: str, found: Mapping[str, Any], at: datetime, evidence: dict[str, Any]
) -> Fact:
    """Return what Stripe told about money that goes back. Raises Unusable without an amount."""
    return stripe_fact(
        kind,
        source_id,
        at,
        amount_minor=read_minor_units(found, "amount"),
        currency=read_currency(found),
        evidence=evidence,
    )


def read_confirmation(intent: Any, session_id: str, at: datetime) -> list[Fact]:
    """Say whether the donor still has to confirm their account with small deposits.

    An intent stands whole only in what we asked for ourselves.
    """
    if not isinstance(intent, dict):
        return []
    if intent.get("status") in ("processing", "succeeded"):
        return [stripe_fact(FactKind.ACCOUNT_CONFIRMED, session_id, at)]
    action = intent.get("next_action")
    how = action.get("verify_with_microdeposits") if isinstance(action, dict) else None
    if intent.get("status") != "requires_action" or not isinstance(how, dict):
        return []
    url, arrives = how.get("hosted_verification_url"), how.get("arrival_date")
    # It is only shown: for an odd one the fact must not get lost.
    day = datetime.fromtimestamp(arrives, UTC).date().isoformat() if is_instant(arrives) else ""
    evidence = {
        "url": url if isinstance(url, str) and len(url) <= _LONGEST_URL else "",
        "arrives_on": day,
        "deposits": read_word(how, "microdeposit_type"),
    }
    return [stripe_fact(FactKind.ACCOUNT_TO_CONFIRM, session_id, at, evidence=evidence)]


def read_gift_id(metadata: Any) -> uuid.UUID | None:
    """Return our own id from an object's metadata; None when it is not of our making."""
    value = metadata.get("gift_id") if isinstance(metadata, dict) else None
    if value is None:
        return None
    try:
        return uuid.UUID(value)
    except (ValueError, AttributeError, TypeError) as error:
        raise UnusableEvent("metadata.gift_id is not one of our ids") from error


def read_attempt(metadata: Mapping[str, Any]) -> int:
    """Return which of our tries to open a session this was. Raises Unusable."""
    value = metadata.get("attempt")
    if not isinstance(value, str) or not re.fullmatch("[0-9]{1,4}", value):
        raise UnusableEvent("metadata.attempt is missing")
    return int(value)


def is_id(value: Any) -> bool:
    """Tell whether a value has the look of one of Stripe's ids."""
    return isinstance(value, str) and bool(_ID.fullmatch(value))


def read_text(found: Mapping[str, Any], key: str, at_most: int = 255) -> str:
    """Return an id, or one of Stripe's names for things, of so many characters. Raises Unusable."""
    value = found.get(key)
    if not isinstance(value, str) or not _ID.fullmatch(value) or len(value) > at_most:
        raise UnusableEvent(f"{key} is missing or odd")
    return value


def read_word(found: Mapping[str, Any], key: str) -> str:
    """Return one of Stripe's words as evidence or reason; empty for anything but a short text."""
    value = found.get(key)
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def read_minor_units(found: Mapping[str, Any], key: str) -> int:
    """Return an amount above nothing, in minor units. Raises Unusable."""
    value = found.get(key)
    if type(value) is not int or not 0 < value <= MAX_AMOUNT_MINOR:
        raise UnusableEvent(f"{key} is not a usable amount")
    return value


def read_count(found: Mapping[str, Any], key: str) -> int:
    """Return how often something was done. Raises Unusable."""
    value = found.get(key)
    if type(value) is not int or not 0 <= value < 1_000_000:
        raise UnusableEvent(f"{key} is not a count")
    return value


def read_currency(found: Mapping[str, Any]) -> str:
    """Return the object's currency in upper case, as we write it. Raises Unusable."""
    value = found.get("currency")
    if not isinstance(value, str) or not is_currency(value.upper()):
        raise UnusableEvent("currency is not a known one")
    return value.upper()


def read_instant(found: Mapping[str, Any], key: str) -> datetime:
    """Return an instant, which Stripe writes in seconds since 1970. Raises Unusable."""
    value = found.get(key)
    if not is_instant(value):
        raise UnusableEvent(f"{key} is not a time")
    return datetime.fromtimestamp(value, UTC)


def is_instant(value: Any) -> TypeGuard[int]:
    """Tell whether a value can be one of Stripe's times, in seconds since 1970."""
    return type(value) is int and 0 < value < _LAST_SECOND
