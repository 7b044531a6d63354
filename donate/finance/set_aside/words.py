"""Describes events that were set aside, to help staff decide about them. It changes nothing."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from donate.errors import N_
from donate.finance.gifts.evidence_rows import readable
from donate.finance.set_aside.reasons import EVENT_REASONS
from donate.finance.words import actor_name
from donate.gifts.models import Gift
from donate.money import MAX_AMOUNT_MINOR, Money, format_money, is_currency
from donate.stripe_gateway.models import EventState, StripeEvent
from donate.stripe_gateway.webhooks.staff_decisions import Decision, readable_envelope
from donate.web.templating import Localizer, translate, translate_stored

# An event may be half a megabyte long, but staff need only its beginning.
MAX_SHOWN: Final = 20_000
MAX_WORD: Final = 200
# The fields that hold the amount, in the objects of Stripe events: of a checkout session, of a
# refund or dispute, of a paid invoice, and of a failed invoice.
_AMOUNTS: Final = ("amount_total", "amount", "amount_paid", "amount_due")

DECISIONS: Final[dict[str, str]] = {
    Decision.TRIED_AGAIN: N_("Retried"),
    Decision.TIED: N_("Tied to a gift"),
    Decision.DISMISSED: N_("Dismissed"),
}


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision by staff about an event, and their reason for it (`why`).

    `was` is the reason why the event was set aside before.
    """

    what: str
    by: str
    at: datetime
    why: str
    was: str


@dataclass(frozen=True, slots=True)
class SetAsideEvent:
    """An event as pages show it to staff. `says` has labels and values from the event's object."""

    event: StripeEvent
    reason: str
    can_be_read: bool
    gift: Gift | None
    """The gift that the event itself names, if we know this gift."""
    tied: Gift | None
    """The gift to which staff tied the event."""
    says: list[tuple[str, str]]
    history: list[DecisionRow]
    payload: str


@dataclass(frozen=True, slots=True)
class EventSummary:
    """The state of an event in one sentence, and the colour in which a page shows it."""

    tone: str
    sentence: str


def describe_event(
    event: StripeEvent, gifts: Mapping[uuid.UUID, Gift], names: Mapping[str, str], language: str
) -> SetAsideEvent:
    """Return an event in the form in which pages show it.

    `names` maps actors, such as `staff:7`, to the names of staff.
    """
    envelope = readable_envelope(event)
    return SetAsideEvent(
        event=event,
        reason=translate_stored(language, event.reason, EVENT_REASONS),
        can_be_read=envelope is not None,
        gift=gifts.get(event.gift_id) if event.gift_id else None,
        tied=gifts.get(event.tied_to) if event.tied_to else None,
        says=_summary_of(envelope.object, language) if envelope else [],
        history=[
            DecisionRow(
                what=DECISIONS[entry["decision"]],
                by=actor_name(entry["by"], names, language),
                at=datetime.fromisoformat(entry["at"]),
                why=entry["why"],
                was=translate_stored(language, entry["was"], EVENT_REASONS),
            )
            for entry in event.history
        ],
        payload=pretty(event.payload, language),
    )


def summarize_event(event: StripeEvent, language: str) -> EventSummary:
    """Return a sentence about the state of an event, with the colour in which the page shows it."""
    _ = Localizer(language)
    reason = translate_stored(language, event.reason, EVENT_REASONS)
    bare, because = N_("Nothing to record."), N_("Nothing to record: %(reason)s.")
    match event.state:
        case EventState.SETTLED:
            return EventSummary("good", _("Settled. It’s recorded on a gift."))
        case EventState.WAITING if not event.tries:
            return EventSummary("info", _("Being retried. Check again in a moment."))
        case EventState.DISMISSED:
            dismissed = _("Dismissed. Staff decided that nothing needs to be done.")
            return EventSummary("info", dismissed)
        case EventState.WAITING:
            bare = N_("Waiting. It will be retried automatically.")
            because = N_("Waiting: %(reason)s. It will be retried automatically.")
        case EventState.SET_ASIDE if event.history:
            bare, because = N_("Needs review again."), N_("Needs review again: %(reason)s.")
        case EventState.SET_ASIDE:
            bare, because = N_("Needs review."), N_("Needs review: %(reason)s.")
        case EventState.IGNORED | EventState.FOREIGN:
            pass
    tone = "wait" if event.state == EventState.SET_ASIDE else "info"
    return EventSummary(tone, _(because, reason=reason) if reason else _(bare))


def pretty(payload: bytes, language: str) -> str:
    """Return an event's body as indented JSON, or as plain text if it is not JSON."""
    try:
        value: Any = json.loads(payload)
        text = readable(json.dumps(value, ensure_ascii=False, indent=2))
    except (ValueError, RecursionError):
        text = payload.decode("utf-8", "replace")
    if len(text) <= MAX_SHOWN:
        return text
    return f"{text[:MAX_SHOWN]}\n… {translate(language, N_('and more'))}"


def _summary_of(event_object: Mapping[str, Any], language: str) -> list[tuple[str, str]]:
    """Return those fields of an event's object that identify the payment, each with a label."""
    donor = event_object.get("customer_details")
    fields = [
        (N_("amount"), _amount(event_object, language)),
        (N_("reference"), _word(event_object, "client_reference_id")),
        (N_("paid by"), _word(donor, "email") if isinstance(donor, dict) else ""),
        (N_("payment"), _word(event_object, "payment_intent")),
        (N_("object"), _word(event_object, "id")),
    ]
    return [(name, text) for name, text in fields if text]


def _amount(event_object: Mapping[str, Any], language: str) -> str:
    amounts = [event_object[name] for name in _AMOUNTS if event_object.get(name)]
    amount, currency = amounts[0] if amounts else None, _word(event_object, "currency")
    if type(amount) is not int or not 0 <= amount <= MAX_AMOUNT_MINOR:
        return ""
    if not is_currency(currency.upper()):
        return ""
    return f"{format_money(Money(amount, currency.upper()), language)} {currency.upper()}"


def _word(event_object: Mapping[str, Any], name: str) -> str:
    value = event_object.get(name)
    return readable(value[:MAX_WORD]) if isinstance(value, str) else ""
