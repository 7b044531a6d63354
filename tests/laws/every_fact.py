"""A list of facts of every kind, from which Hypothesis draws examples."""

from datetime import UTC, datetime, timedelta

from donate.gifts.facts import Fact, FactKind

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)

WITH_MONEY = {
    FactKind.GIFT_OPENED,
    FactKind.PAYMENT_SUCCEEDED,
    FactKind.TRANSFER_RECEIVED,
    FactKind.TRANSFER_UNDONE,
    FactKind.REFUND_STARTED,
    FactKind.REFUND_SUCCEEDED,
    FactKind.REFUND_FAILED,
    FactKind.DISPUTE_OPENED,
    FactKind.DISPUTE_WON,
    FactKind.DISPUTE_LOST,
}


# There are few source ids, so that many facts are about the same payment or dispute.
EVERY_FACT = [
    Fact(
        kind, source, BEGAN + timedelta(seconds=second), "stripe", amount, "CAD" if amount else None
    )
    for kind in FactKind
    for source in ("a", "a:2", "b", "c")
    for second in (0, 1)
    for amount in ((1, 2_500, 5_000, 10**12) if kind in WITH_MONEY else (None,))
]


def name_of(fact: Fact) -> tuple[str, str]:
    return fact.kind, fact.source_id
