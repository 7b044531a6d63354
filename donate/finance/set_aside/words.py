"""Describes events that were set aside, so that staff can decide about them. Changes nothing."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from donate.finance.gifts.pages import readable
from donate.finance.words import LANGUAGE, actor_name
from donate.gifts.models import Gift
from donate.money import MAX_AMOUNT_MINOR, Money, format_money, is_currency
from donate.stripe_gateway.models import EventState, StripeEvent
from donate.stripe_gateway.webhooks.staff_decisions import Decision, readable_envelope

# An event may have half a megabyte, but staff need only its beginning.
MAX_SHOWN: Final = 20_000
MAX_WORD: Final = 200
# The fields that hold the amount of a checkout session, of a refund or dispute, of a paid invoice,
# and of a failed invoice.
_AMOUNTS: Final = ("amount_total", "amount", "amount_paid", "amount_due")

DECISIONS: Final[dict[str, str]] = {
    Decision.TRIED_AGAIN: "Retried",
    Decision.TIED: "Tied to a gift",
    Decision.DISMISSED: "Dismissed",
}


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision about an event. `was` is the reason why the event had been set aside."""

    what: str
    by: str
    at: datetime
    why: str
    was: str


@dataclass(frozen=True, slots=True)
class SetAsideEvent:
    """An event in the form in which pages show it to staff."""

    event: StripeEvent
    can_be_read: bool
    gift: Gift | None
    """The gift that the event names, if we know it."""
    tied: Gift | None
    """The gift that staff tied the event to."""
    says: list[tuple[str, str]]
    history: list[DecisionRow]
    payload: str


@dataclass(frozen=True, slots=True)
class EventSummary:
    """The state of an event in one sentence, and the colour in which a page shows it."""

    tone: str
    sentence: str


def describe_event(
    event: StripeEvent, gifts: Mapping[uuid.UUID, Gift], names: Mapping[str, str]
) -> SetAsideEvent:
    """Return an event as pages show it. `names` maps actors to the names of staff."""
    envelope = readable_envelope(event)
    return SetAsideEvent(
        event=event,
        can_be_read=envelope is not None,
        gift=gifts.get(event.gift_id) if event.gift_id else None,
        tied=gifts.get(event.tied_to) if event.tied_to else None,
        says=_summary_of(envelope.object) if envelope else [],
        history=[
            DecisionRow(
                what=DECISIONS[entry["decision"]],
                by=actor_name(entry["by"], names),
                at=datetime.fromisoformat(entry["at"]),
                why=entry["why"],
                was=entry["was"],
            )
            for entry in event.history
        ],
        payload=pretty(event.payload),
    )


def summarize_event(event: StripeEvent) -> EventSummary:
    """Return the state of an event, described in one sentence."""
    because = f": {event.reason}" if event.reason else ""
    match event.state:
        case EventState.SETTLED:
            return EventSummary("good", "Settled. It’s recorded on a gift.")
        case EventState.WAITING if event.tries:
            return EventSummary("info", f"Waiting{because}. It will be retried automatically.")
        case EventState.WAITING:
            return EventSummary("info", "Being retried. Check again in a moment.")
        case EventState.SET_ASIDE if event.history:
            return EventSummary("wait", f"Needs review again{because}.")
        case EventState.SET_ASIDE:
            return EventSummary("wait", f"Needs review{because}.")
        case EventState.DISMISSED:
            return EventSummary("info", "Dismissed. Staff decided that nothing needs to be done.")
        case EventState.IGNORED | EventState.FOREIGN:
            return EventSummary("info", f"Nothing to record{because}.")


def pretty(payload: bytes) -> str:
    """Return an event's body as indented JSON, or as plain text if it is not JSON."""
    try:
        value: Any = json.loads(payload)
        text = readable(json.dumps(value, ensure_ascii=False, indent=2))
    except (ValueError, RecursionError):
        text = payload.decode("utf-8", "replace")
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}\n… and more"


def _summary_of(event_object: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the fields that identify the payment in an event's object, each with a label."""
    donor = event_object.get("customer_details")
    fields = [
        ("amount", _amount(event_object)),
        ("reference", _word(event_object, "client_reference_id")),
        ("paid by", _word(donor, "email") if isinstance(donor, dict) else ""),
        ("payment", _word(event_object, "payment_intent")),
        ("object", _word(event_object, "id")),
    ]
    return [(name, text) for name, text in fields if text]


def _amount(event_object: Mapping[str, Any]) -> str:
    amounts = [event_object[name] for name in _AMOUNTS if event_object.get(name)]
    amount, currency = amounts[0] if amounts else None, _word(event_object, "currency")
    if type(amount) is not int or not 0 <= amount <= MAX_AMOUNT_MINOR:
        return ""
    if not is_currency(currency.upper()):
        return ""
    return f"{format_money(Money(amount, currency.upper()), LANGUAGE)} {currency.upper()}"


def _word(event_object: Mapping[str, Any], name: str) -> str:
    value = event_object.get(name)
    return readable(value[:MAX_WORD]) if isinstance(value, str) else ""
