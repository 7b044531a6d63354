"""The disputes that were open at the end of a day. It only reads. There are few disputes."""

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlmodel import Session, col, select

from donate.books.recorded.sheets.sheet_scope import in_parts
from donate.clock import local_date
from donate.gifts.disputes import DisputeState, disputes_of
from donate.gifts.facts import Fact, FactKind
from donate.gifts.models import Gift, GiftFact

_ABOUT_DISPUTES: Final = (
    FactKind.INQUIRY_OPENED,
    FactKind.INQUIRY_ANSWERED,
    FactKind.INQUIRY_CLOSED,
    FactKind.DISPUTE_OPENED,
    FactKind.DISPUTE_WON,
    FactKind.DISPUTE_LOST,
)


@dataclass(frozen=True, slots=True)
class DisputedMoney:
    """The open disputes: the money that the donors' banks held, in minor units, and the gifts."""

    held_minor: int
    disputes: frozenset[str]
    gifts: frozenset[uuid.UUID]


def money_in_dispute(session: Session, currency: str, day: date) -> DisputedMoney:
    """Return the disputes that were open at the end of a day, in the time zone of each gift."""
    # Use two statements, so that the database looks up facts by their kind, not gift by gift.
    rows = session.exec(select(GiftFact).where(col(GiftFact.kind).in_(_ABOUT_DISPUTES))).all()
    time_zones: dict[uuid.UUID, str] = {}
    for part in in_parts({row.gift_id for row in rows}):
        statement = select(Gift.id, Gift.time_zone).where(
            col(Gift.id).in_(part), col(Gift.currency) == currency
        )
        time_zones |= dict(session.exec(statement).all())
    facts: defaultdict[uuid.UUID, list[Fact]] = defaultdict(list)
    for row in rows:
        time_zone = time_zones.get(row.gift_id)
        if time_zone and local_date(row.happened_at, time_zone) <= day:
            facts[row.gift_id].append(row.as_fact())
    held, disputes, gifts = 0, set(), set()
    for gift_id, of_gift in facts.items():
        for dispute in disputes_of(of_gift):
            if dispute.state is DisputeState.OPEN:
                held += dispute.amount_minor
                disputes.add(dispute.id)
                gifts.add(gift_id)
    return DisputedMoney(held, frozenset(disputes), frozenset(gifts))
