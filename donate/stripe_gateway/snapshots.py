"""Reads a Stripe event as JSON into facts. Pure: bytes in, values out, nothing is asked or stored.

An event is one of three: `Reading` (facts about a gift of ours), `Irrelevant` (authentic, nothing
to record), or an `Unusable` error (authentic, but it cannot be applied; staff see why).
"""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from donate.gifts.facts import Fact, FactKind
from donate.money import MAX_AMOUNT_MINOR, is_currency

_ID: Final = re.compile(r"[A-Za-z0-9_.:\-]{1,255}")
_WORD: Final = re.compile(r"[ -~]{1,100}")
# A column for instants ends here; Stripe's seconds are far below.
_LAST_SECOND: Final = 2**33


class Unusable(Exception):
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
    """What a checkout session says about its gift; settling checks it against the ledger."""

    session_id: str
    attempt: int
    reference: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Reading:
    """Facts about one gift, named by our own id or by a payment we may have recorded."""

    facts: tuple[Fact, ...]
    gift_id: uuid.UUID | None = None
    payment_intent: str | None = None
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class Irrelevant:
    """Authentic, and nothing for us to record."""

    reason: str


def envelope_of(body: bytes) -> Envelope:
    """Read what stands around an event's object. Raises Unusable with the reason."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"not readable as JSON ({type(error).__name__})") from error
    if not isinstance(event, dict):
        raise Unusable("not a JSON object")
    if event.get("object") == "v2.core.event":
        raise Unusable("a thin (v2) event; this endpoint takes snapshot events")
    event_id, kind = _text(event, "id"), _text(event, "type")
    livemode, data = event.get("livemode"), event.get("data")
    if not isinstance(livemode, bool):
        raise Unusable("livemode is missing")
    if not isinstance(data, dict) or not isinstance(data.get("object"), dict):
        raise Unusable("data.object is missing")
    account = event.get("account")
    return Envelope(
        event_id=event_id,
        type=kind,
        account=account if isinstance(account, str) else None,
        livemode=livemode,
        happened_at=_instant(event, "created"),
        object=data["object"],
    )


def read_event(envelope: Envelope) -> Reading | Irrelevant:
    """Say what an event tells about a gift. Raises Unusable with the reason."""
    kind, found = envelope.type, envelope.object
    match kind.split("."):
        case ["checkout", "session", step]:
            return _session(step, found, envelope.happened_at)
        case ["payment_intent", "payment_failed"]:
            return _decline(
                found, found.get("latest_charge"), found.get("last_payment_error"), envelope
            )
        case ["charge", "failed"]:
            outcome = {"code": found.get("failure_code")}
            return _decline(found, found.get("id"), outcome, envelope)
        case ["refund", _] | ["charge", "refund", "updated"]:
            return _refund(found, envelope.happened_at)
        case ["charge", "dispute", "created" | "closed"]:
            return _dispute(found, envelope.happened_at)
        case _:
            return Irrelevant("nothing to record for this type of event")


def _session(step: str, found: Mapping[str, Any], at: datetime) -> Reading | Irrelevant:
    gift_id = _gift_id(found)
    if gift_id is None:
        return Irrelevant("a checkout session that this service did not open")
    if found.get("mode") != "payment":
        raise Unusable(
            f"a checkout session of mode {_word(found, 'mode')!r}; ours are of mode payment"
        )
    status = _word(found, "payment_status")
    claim = Claim(
        session_id=_text(found, "id"),
        attempt=_attempt(found),
        reference=_text(found, "client_reference_id"),
        amount_minor=_amount(found, "amount_total"),
        currency=_currency(found),
    )
    opened = _fact(
        FactKind.CHECKOUT_OPENED, claim.session_id, at, evidence={"attempt": claim.attempt}
    )
    money = {"amount_minor": claim.amount_minor, "currency": claim.currency}
    match step, status:
        case (("completed" | "async_payment_succeeded"), "paid"):
            payment = _text(found, "payment_intent")
            evidence = {"session": claim.session_id, "payment_status": status}
            told = _fact(FactKind.PAYMENT_SUCCEEDED, payment, at, **money, evidence=evidence)
        case "completed", "unpaid":
            told = _fact(FactKind.PAYMENT_PROCESSING, claim.session_id, at)
        case "async_payment_failed", _:
            told = _fact(FactKind.PAYMENT_FAILED, claim.session_id, at)
        case "expired", _:
            told = _fact(FactKind.CHECKOUT_EXPIRED, claim.session_id, at)
        case (("completed" | "async_payment_succeeded"), _):
            raise Unusable(f"payment_status is {status!r}: that is no gift")
        case _:
            return Irrelevant("nothing to record for this type of event")
    return Reading(facts=(opened, told), gift_id=gift_id, claim=claim)


def _decline(
    found: Mapping[str, Any], charge: Any, outcome: Any, envelope: Envelope
) -> Reading | Irrelevant:
    gift_id = _gift_id(found)
    if gift_id is None:
        return Irrelevant("a payment that this service did not begin")
    named = isinstance(charge, str) and _ID.fullmatch(charge)
    charge_id = charge if named else envelope.event_id
    why = outcome if isinstance(outcome, dict) else {}
    words = {key: _word(why, key) for key in ("code", "decline_code") if why.get(key)}
    fact = _fact(FactKind.PAYMENT_DECLINED, charge_id, envelope.happened_at, evidence=words)
    return Reading(facts=(fact,), gift_id=gift_id)


def _refund(found: Mapping[str, Any], at: datetime) -> Reading | Irrelevant:
    if found.get("payment_intent") is None:
        return Irrelevant("a refund of a charge that this service did not make")
    payment = _text(found, "payment_intent")
    kinds = {
        "pending": FactKind.REFUND_STARTED,
        "requires_action": FactKind.REFUND_STARTED,
        "succeeded": FactKind.REFUND_SUCCEEDED,
        "failed": FactKind.REFUND_FAILED,
        "canceled": FactKind.REFUND_FAILED,
    }
    status = _word(found, "status")
    if status not in kinds:
        raise Unusable(f"a refund with the unknown status {status!r}")
    evidence = {"payment_intent": payment, "status": status, "reason": _word(found, "reason")}
    return Reading(facts=(_returned(kinds[status], found, at, evidence),), payment_intent=payment)


def _dispute(found: Mapping[str, Any], at: datetime) -> Reading | Irrelevant:
    if found.get("payment_intent") is None:
        return Irrelevant("a dispute about a charge that this service did not make")
    payment, status = _text(found, "payment_intent"), _word(found, "status")
    if not status:
        raise Unusable("a dispute without a status")
    if status.startswith("warning_") or status == "prevented":
        return Irrelevant("an inquiry: no money was taken back")
    kind = {"won": FactKind.DISPUTE_WON, "lost": FactKind.DISPUTE_LOST}.get(
        status, FactKind.DISPUTE_OPENED
    )
    evidence = {"payment_intent": payment, "status": status, "reason": _word(found, "reason")}
    return Reading(facts=(_returned(kind, found, at, evidence),), payment_intent=payment)


def _returned(
    kind: FactKind, found: Mapping[str, Any], at: datetime, evidence: dict[str, Any]
) -> Fact:
    return _fact(
        kind,
        _text(found, "id"),
        at,
        amount_minor=_amount(found, "amount"),
        currency=_currency(found),
        evidence=evidence,
    )


def _fact(kind: FactKind, source_id: str, happened_at: datetime, **more: Any) -> Fact:
    return Fact(kind=kind, source_id=source_id, happened_at=happened_at, actor="stripe", **more)


def _gift_id(found: Mapping[str, Any]) -> uuid.UUID | None:
    metadata = found.get("metadata")
    value = metadata.get("gift_id") if isinstance(metadata, dict) else None
    if value is None:
        return None
    try:
        return uuid.UUID(value)
    except (ValueError, AttributeError, TypeError) as error:
        raise Unusable("metadata.gift_id is not one of our ids") from error


def _attempt(found: Mapping[str, Any]) -> int:
    value = found["metadata"].get("attempt")
    if not isinstance(value, str) or not re.fullmatch("[0-9]{1,4}", value):
        raise Unusable("metadata.attempt is missing")
    return int(value)


def _text(found: Mapping[str, Any], key: str) -> str:
    value = found.get(key)
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Unusable(f"{key} is missing or odd")
    return value


def _word(found: Mapping[str, Any], key: str) -> str:
    """Return one of Stripe's words as evidence or reason; empty for anything but a short text."""
    value = found.get(key)
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def _amount(found: Mapping[str, Any], key: str) -> int:
    value = found.get(key)
    if type(value) is not int or not 0 < value <= MAX_AMOUNT_MINOR:
        raise Unusable(f"{key} is not a usable amount")
    return value


def _currency(found: Mapping[str, Any]) -> str:
    value = found.get("currency")
    if not isinstance(value, str) or not is_currency(value.upper()):
        raise Unusable("currency is not a known one")
    return value.upper()


def _instant(found: Mapping[str, Any], key: str) -> datetime:
    value = found.get(key)
    if type(value) is not int or not 0 < value < _LAST_SECOND:
        raise Unusable(f"{key} is not a time")
    return datetime.fromtimestamp(value, UTC)
