"""Read-only queries for the search page."""

import uuid
from collections.abc import Collection, Sequence

from sqlmodel import Session, col, select

from donate.gifts.facts import FactKind
from donate.gifts.models import Donor, Gift, GiftWish
from donate.gifts.queries import facts_of_kinds
from donate.regions.modes import Mode
from donate.stripe_gateway.models import EventState, StripeEvent


def gifts_with_donors(
    session: Session, gift_ids: Collection[uuid.UUID], modes: Collection[Mode] = tuple(Mode)
) -> dict[uuid.UUID, tuple[Gift, Donor]]:
    """Return those of the gifts that have one of these modes, with their donors, by id."""
    statement = (
        select(Gift, Donor)
        .join(Donor, col(Donor.id) == col(Gift.donor_id))
        .where(col(Gift.id).in_(gift_ids), col(Gift.mode).in_(modes))
    )
    return {gift.id: (gift, donor) for gift, donor in session.exec(statement)} if gift_ids else {}


def tributes_of(session: Session, gift_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    """Return the names of the people that gifts honour or remember, as a mapping from gift id."""
    wishes = select(GiftWish).where(col(GiftWish.gift_id).in_(gift_ids))
    return {wish.gift_id: [wish.tribute_name] for wish in session.exec(wishes)}


def notes_in_gifts(session: Session, gift_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    """Return the notes by donors and staff about gifts, as a mapping from gift id."""
    notes: dict[uuid.UUID, list[str]] = {gift_id: [] for gift_id in gift_ids}
    for wish in session.exec(select(GiftWish).where(col(GiftWish.gift_id).in_(gift_ids))):
        notes[wish.gift_id].append(wish.note)
    with_notes = (FactKind.TRANSFER_RECEIVED, FactKind.TRANSFER_UNDONE, FactKind.REFUND_REQUESTED)
    for gift_id, facts in facts_of_kinds(session, gift_ids, with_notes).items():
        notes[gift_id] += (fact.note for fact in facts)
    return notes


def gifts_with_references(session: Session, references: Sequence[str]) -> list[uuid.UUID]:
    """Return the ids of the gifts whose complete reference is one of these."""
    return list(session.exec(select(Gift.id).where(col(Gift.reference).in_(references))))


def page_of_event(session: Session, event_id: str) -> str | None:
    """Return the path of a set-aside event's page, or of the gift's page for any other event.

    Returns None if the event is not known or has no gift.
    """
    event = session.exec(select(StripeEvent).where(StripeEvent.event_id == event_id)).first()
    if event is None:
        return None
    if event.state == EventState.SET_ASIDE:
        return f"/finance/set-aside/{event.id}"
    return f"/finance/gifts/{event.gift_id}" if event.gift_id else None
