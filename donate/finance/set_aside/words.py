"""An event that was set aside, in words that staff can decide by. Reads, and decides nothing."""

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

# An event may be half a megabyte, most of it nobody's reading.
MAX_SHOWN: Final = 20_000
MAX_WORD: Final = 200
# Of a session, of a refund or a dispute, and of an invoice: one that failed says what was due.
_AMOUNTS: Final = ("amount_total", "amount", "amount_paid", "amount_due")

DECISIONS: Final[dict[str, str]] = {
    Decision.TRIED_AGAIN: "Tried again",
    Decision.TIED: "Tied to a gift",
    Decision.DISMISSED: "Dismissed",
}


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """What somebody decided about an event, when and why; `was` is why it was set aside."""

    what: str
    by: str
    at: datetime
    why: str
    was: str


@dataclass(frozen=True, slots=True)
class SetAsideEvent:
    """An event as staff read it."""

    event: StripeEvent
    can_be_read: bool
    gift: Gift | None
    """The gift that it names itself, as far as that is known."""
    tied: Gift | None
    """The gift that staff say it is about."""
    says: list[tuple[str, str]]
    history: list[DecisionRow]
    payload: str


@dataclass(frozen=True, slots=True)
class EventSummary:
    """Where an event has come to: one sentence, and the tone to say it in."""

    tone: str
    sentence: str


def describe_event(
    event: StripeEvent, gifts: Mapping[uuid.UUID, Gift], names: Mapping[str, str]
) -> SetAsideEvent:
    """Write an event in words. `names` says who an actor is."""
    envelope = readable_envelope(event)
    return SetAsideEvent(
        event=event,
        can_be_read=envelope is not None,
        gift=gifts.get(event.gift_id) if event.gift_id else None,
        tied=gifts.get(event.tied_to) if event.tied_to else None,
        says=_what_it_says(envelope.object) if envelope else [],
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
    """Say where an event has come to."""
    because = f": {event.reason}" if event.reason else ""
    match event.state:
        case EventState.SETTLED:
            return EventSummary("good", "It is settled: what it says is recorded.")
        case EventState.WAITING if event.tries:
            return EventSummary(
                "info", f"It is waiting{because}. It will be tried again by itself."
            )
        case EventState.WAITING:
            return EventSummary("info", "It is being tried again. Look again in a moment.")
        case EventState.SET_ASIDE if event.history:
            return EventSummary("wait", f"It was set aside again{because}.")
        case EventState.SET_ASIDE:
            return EventSummary("wait", f"It is set aside{because}.")
        case EventState.DISMISSED:
            return EventSummary(
                "info", "It is dismissed: staff decided that nothing is to be done."
            )
        case _:
            return EventSummary("info", f"There was nothing to record in it{because}.")


def pretty(payload: bytes) -> str:
    """Write a payload as indented JSON where it is JSON, and else as the text it is."""
    try:
        value: Any = json.loads(payload)
        text = readable(json.dumps(value, ensure_ascii=False, indent=2))
    except (ValueError, RecursionError):
        text = payload.decode("utf-8", "replace")
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}\n… and more"


def _what_it_says(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the few things in an event's object by which a person knows what it is about."""
    donor = found.get("customer_details")
    says = [
        ("amount", _amount(found)),
        ("reference", _word(found, "client_reference_id")),
        ("paid by", _word(donor, "email") if isinstance(donor, dict) else ""),
        ("payment", _word(found, "payment_intent")),
        ("object", _word(found, "id")),
    ]
    return [(name, text) for name, text in says if text]


def _amount(found: Mapping[str, Any]) -> str:
    named = [found[name] for name in _AMOUNTS if found.get(name)]
    amount, currency = named[0] if named else None, _word(found, "currency")
    if type(amount) is not int or not 0 <= amount <= MAX_AMOUNT_MINOR:
        return ""
    if not is_currency(currency.upper()):
        return ""
    return f"{format_money(Money(amount, currency.upper()), LANGUAGE)} {currency.upper()}"


def _word(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    return readable(value[:MAX_WORD]) if isinstance(value, str) else ""
