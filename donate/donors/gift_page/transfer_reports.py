"""Records what donors say about a transfer: that they sent it, or that they did not after all."""

from datetime import datetime

from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.queries import plain_facts_of
from donate.gifts.status import announcement_in_force
from donate.storage.database import Database


def record_report(database: Database, gift: Gift, kind: FactKind, *, now: datetime) -> None:
    """Record that the donor reported the transfer as sent, or took the report back."""
    with database.writing() as session:
        # Lock the gift, so that a double click records one report.
        session.get(Gift, gift.id, with_for_update=True)
        facts = plain_facts_of(session, gift.id)
        report = announcement_in_force(facts)
        if (report is None) == (kind == FactKind.ANNOUNCEMENT_TAKEN_BACK):
            return
        earlier = sum(fact.kind == FactKind.TRANSFER_ANNOUNCED for fact in facts)
        new = f"{gift.id}:{earlier + 1}" if earlier else str(gift.id)
        fact = Fact(kind, report.source_id if report else new, now, "donor")
        record_facts(session, [(gift.id, fact)], now=now)
