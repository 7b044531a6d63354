"""Applies staff decisions about events that were set aside: try again, tie to a gift, dismiss.

Each decision changes the event once, while the event's row is locked. A second decision raises
Conflict. Trying again and tying only make the event due. Then `settle` records its facts.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlmodel import Session

from donate.errors import N_, BadInput, Conflict, NotFound
from donate.gifts.models import Gift
from donate.stripe_gateway.events.fields import Envelope, UnusableEvent
from donate.stripe_gateway.events.parser import envelope_of
from donate.stripe_gateway.models import EventState, StripeEvent


class Decision(StrEnum):
    """A decision of staff, in the form in which an event's history stores it."""

    TRIED_AGAIN = "tried_again"
    TIED = "tied"
    DISMISSED = "dismissed"


_OUTCOMES: Final[dict[EventState, str]] = {
    EventState.WAITING: N_(
        "This event no longer needs review: it is being retried. Nothing was changed."
    ),
    EventState.SETTLED: N_(
        "This event no longer needs review: it is settled. Nothing was changed."
    ),
    EventState.IGNORED: N_(
        "This event no longer needs review: there was nothing to record in it. Nothing was changed."
    ),
    EventState.FOREIGN: N_(
        "This event no longer needs review: it is not meant for this service. Nothing was changed."
    ),
    EventState.DISMISSED: N_(
        "This event no longer needs review: it is dismissed. Nothing was changed."
    ),
}


def lock_event(session: Session, number: int) -> StripeEvent:
    """Lock the event with this number until the commit, and return it. Raises NotFound."""
    event = session.get(StripeEvent, number, with_for_update=True)
    if event is None or not was_set_aside(event):
        raise NotFound("no such event was set aside")
    return event


def was_set_aside(event: StripeEvent) -> bool:
    """Return whether an event needs, or once needed, a decision from staff."""
    return event.state == EventState.SET_ASIDE or bool(event.history)


def readable_envelope(event: StripeEvent) -> Envelope | None:
    """Return the event's envelope, or None if it cannot be read."""
    try:
        return envelope_of(event.payload)
    except UnusableEvent:
        return None


def try_again(event: StripeEvent, *, actor: str, now: datetime) -> bool:
    """Make an event due now, as if it had just arrived. This also works for a dismissed event.

    Return False if the same person has just made the same decision. Raises Conflict when the event
    is no longer set aside or dismissed, or when it cannot be read, so that retrying cannot help.
    """
    if not _is_allowed(
        event, Decision.TRIED_AGAIN, actor, "", EventState.SET_ASIDE, EventState.DISMISSED
    ):
        return False
    if readable_envelope(event) is None:
        raise Conflict(N_("This event can’t be read, so retrying won’t help."))
    _add_to_history(event, Decision.TRIED_AGAIN, "", actor=actor, now=now)
    event.make_due(now)
    return True


def tie(event: StripeEvent, gift: Gift, *, actor: str, now: datetime) -> bool:
    """Tie an event to a gift, and make it due now.

    Return False if the same person has just made the same decision. Raises BadInput for `reference`
    when the event cannot be about this gift, and Conflict as `try_again` does.
    """
    if not _is_allowed(event, Decision.TIED, actor, gift.reference, EventState.SET_ASIDE):
        return False
    envelope = readable_envelope(event)
    if envelope is None:
        raise Conflict(N_("This event can’t be read, so it can’t be tied to a gift."))
    if not gift.mode.through_stripe:
        raise BadInput(
            "reference",
            N_("%(reference)s is not a gift through Stripe, so no Stripe event can belong to it."),
            {"reference": gift.reference},
        )
    currency = envelope.object.get("currency")
    if currency is not None and (
        not isinstance(currency, str) or currency.upper() != gift.currency
    ):
        raise BadInput(
            "reference",
            N_("This event is not in %(currency)s, the currency of %(reference)s."),
            {"currency": gift.currency, "reference": gift.reference},
        )
    _add_to_history(event, Decision.TIED, gift.reference, actor=actor, now=now)
    event.tied_to, event.tied_by = gift.id, actor
    event.make_due(now)
    return True


def dismiss_event(event: StripeEvent, why: str, *, actor: str, now: datetime) -> bool:
    """Dismiss an event. It stays stored, and `try_again` can make it due again.

    Return False if the same person has just made the same decision. Raises Conflict when the event
    is no longer set aside.
    """
    if not _is_allowed(event, Decision.DISMISSED, actor, why, EventState.SET_ASIDE):
        return False
    _add_to_history(event, Decision.DISMISSED, why, actor=actor, now=now)
    event.state = EventState.DISMISSED
    return True


def _is_allowed(
    event: StripeEvent, decision: Decision, actor: str, why: str, *states: EventState
) -> bool:
    """Return True if the event's state allows the decision, False if it is already made.

    Sending a form twice makes the same decision again. Raises Conflict if the event's state does
    not allow the decision.
    """
    if event.state in states:
        return True
    last = event.history[-1] if event.history else {}
    if (last.get("decision"), last.get("by"), last.get("why")) == (decision, actor, why):
        return False
    raise Conflict(_OUTCOMES[event.state])


def _add_to_history(
    event: StripeEvent, decision: Decision, why: str, *, actor: str, now: datetime
) -> None:
    entry = {
        "decision": str(decision),
        "by": actor,
        "at": now.isoformat(),
        "why": why,
        "was": event.reason,
    }
    event.history = [*event.history, entry]  # SQLAlchemy does not notice a list changed in place
