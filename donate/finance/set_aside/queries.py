"""Reads events that were set aside, with the gifts and the members of staff connected to them."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from donate.finance.set_aside.words import SetAsideEvent, describe_event
from donate.finance.staff.accounts import names_of
from donate.gifts.models import Gift
from donate.stripe_gateway.models import EventState, StripeEvent


def newest_events(
    session: Session, state: EventState, before: int | None, limit: int
) -> list[StripeEvent]:
    """Return the newest events in this state. If `before` is given, all have a smaller id."""
    statement = (
        select(StripeEvent)
        .where(StripeEvent.state == state)
        .order_by(col(StripeEvent.id).desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(col(StripeEvent.id) < before)
    return list(session.exec(statement))


def describe_events(
    session: Session, events: Sequence[StripeEvent], language: str
) -> list[SetAsideEvent]:
    """Return events in the form in which pages show them to staff."""
    ids = {i for event in events for i in (event.gift_id, event.tied_to) if i}
    gifts = {g.id: g for g in session.exec(select(Gift).where(col(Gift.id).in_(ids)))}
    names = names_of(session, {entry["by"] for event in events for entry in event.history})
    return [describe_event(event, gifts, names, language) for event in events]
