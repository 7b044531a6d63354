"""What staff decide about an event that was set aside: try it again, tie it to a gift, dismiss it.

Each decision moves the event once, under its row's lock, and whoever comes second is told. None of
them records a fact: that stays with `settle`, which finds the event due.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlmodel import Session

from donate.errors import BadInput, Conflict, NotFound
from donate.gifts.models import Gift
from donate.regions.modes import Mode
from donate.stripe_gateway.events.fields import Envelope, UnusableEvent
from donate.stripe_gateway.events.parser import envelope_of
from donate.stripe_gateway.models import EventState, StripeEvent


class Decision(StrEnum):
    """What staff may decide, as it stands in an event's history."""

    TRIED_AGAIN = "tried_again"
    TIED = "tied"
    DISMISSED = "dismissed"


_STANDING: Final[dict[str, str]] = {
    EventState.WAITING: "it is being tried again",
    EventState.SETTLED: "it is settled",
    EventState.IGNORED: "there was nothing to record in it",
    EventState.FOREIGN: "it is not meant for this service",
    EventState.DISMISSED: "it is dismissed",
}


def take_event(session: Session, number: int) -> StripeEvent:
    """Return the event of this number, locked until the commit. Raises NotFound."""
    event = session.get(StripeEvent, number, with_for_update=True)
    if event is None or not was_set_aside(event):
        raise NotFound("no such event was set aside")
    return event


def was_set_aside(event: StripeEvent) -> bool:
    """Whether staff are, or were, to decide about an event."""
    return event.state == EventState.SET_ASIDE or bool(event.history)


def readable_envelope(event: StripeEvent) -> Envelope | None:
    """Return what stands around the event's object, or None where nobody can read it."""
    try:
        return envelope_of(event.payload)
    except UnusableEvent:
        return None


def try_again(event: StripeEvent, *, actor: str, now: datetime) -> bool:
    """Make an event due now, as if it had just come in; one that was dismissed comes back so.

    Returns False when the same person has just done that. Raises Conflict when the event is no
    longer there to be decided about, or when trying cannot help.
    """
    if not _may(event, Decision.TRIED_AGAIN, actor, "", EventState.SET_ASIDE, EventState.DISMISSED):
        return False
    if readable_envelope(event) is None:
        raise Conflict("Nobody can read this event, so trying it again cannot help.")
    _note(event, Decision.TRIED_AGAIN, "", actor=actor, now=now)
    event.make_due(now)
    return True


def tie(event: StripeEvent, gift: Gift, *, actor: str, now: datetime) -> bool:
    """Say which gift an event is about, and make it due now.

    Returns False when the same person has just said so. Raises BadInput about the `reference` of
    a gift that the event cannot be about, and Conflict as `try_again` does.
    """
    if not _may(event, Decision.TIED, actor, gift.reference, EventState.SET_ASIDE):
        return False
    envelope = readable_envelope(event)
    if envelope is None:
        raise Conflict("Nobody can read this event, so it cannot be tied to a gift.")
    if not Mode(gift.mode).through_stripe:
        raise BadInput(
            "reference",
            "%(reference)s is not given through Stripe, so no event of Stripe's can be about it.",
            {"reference": gift.reference},
        )
    stated = envelope.object.get("currency")
    if stated is not None and (not isinstance(stated, str) or stated.upper() != gift.currency):
        raise BadInput(
            "reference",
            "This event is not in %(currency)s, the currency of %(reference)s.",
            {"currency": gift.currency, "reference": gift.reference},
        )
    _note(event, Decision.TIED, gift.reference, actor=actor, now=now)
    event.tied_to, event.tied_by = gift.id, actor
    event.make_due(now)
    return True


def dismiss_event(event: StripeEvent, why: str, *, actor: str, now: datetime) -> bool:
    """Decide that nothing is to be done. The event stays, and `try_again` brings it back.

    Returns False when the same person has just done that. Raises Conflict when the event is no
    longer set aside.
    """
    if not _may(event, Decision.DISMISSED, actor, why, EventState.SET_ASIDE):
        return False
    _note(event, Decision.DISMISSED, why, actor=actor, now=now)
    event.state = EventState.DISMISSED
    return True


def _may(event: StripeEvent, decision: Decision, actor: str, why: str, *states: EventState) -> bool:
    """Whether the event is there to be decided about; False for the same form sent twice."""
    if event.state in states:
        return True
    last = event.history[-1] if event.history else {}
    if (last.get("decision"), last.get("by"), last.get("why")) == (decision, actor, why):
        return False
    standing = _STANDING.get(event.state, event.state)
    raise Conflict(f"This event is no longer set aside: {standing}. Nothing was changed just now.")


def _note(event: StripeEvent, decision: Decision, why: str, *, actor: str, now: datetime) -> None:
    entry = {
        "decision": str(decision),
        "by": actor,
        "at": now.isoformat(),
        "why": why,
        "was": event.reason,
    }
    event.history = [*event.history, entry]  # a list changed in place would not be written
