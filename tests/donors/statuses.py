"""Maps each status to facts that give a gift this status."""

from datetime import UTC, datetime, timedelta

from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.status import StatusName
from donate.storage.database import Database

NOW = datetime.now(UTC)

K = FactKind
PAID = (FactKind.PAYMENT_SUCCEEDED, 5_000)
FACTS_FOR: dict[StatusName, list[tuple[FactKind, int | None]]] = {
    StatusName.PROCESSING: [(FactKind.PAYMENT_PROCESSING, None)],
    StatusName.CONFIRMED: [PAID],
    StatusName.PARTLY_REFUNDED: [PAID, (FactKind.REFUND_SUCCEEDED, 2_000)],
    StatusName.REFUNDED: [PAID, (FactKind.REFUND_SUCCEEDED, 5_000)],
    StatusName.DISPUTED: [PAID, (FactKind.DISPUTE_OPENED, 5_000)],
    StatusName.CHARGED_BACK: [PAID, (FactKind.DISPUTE_LOST, 5_000)],
    StatusName.FAILED: [(FactKind.PAYMENT_FAILED, None)],
    StatusName.LAPSED: [(FactKind.CHECKOUT_EXPIRED, None)],
}


def learn(database: Database, gift: Gift, *facts: tuple[FactKind, int | None]) -> None:
    with database.writing() as session:
        entries = [
            (
                gift.id,
                Fact(
                    kind=kind,
                    source_id=f"{gift.reference}:{number}",
                    happened_at=NOW + timedelta(seconds=number),
                    actor="stripe",
                    amount_minor=amount_minor,
                    currency="CAD" if amount_minor else None,
                ),
            )
            for number, (kind, amount_minor) in enumerate(facts)
        ]
        record_facts(session, entries, now=NOW)
