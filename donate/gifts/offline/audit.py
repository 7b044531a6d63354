"""Checks that batches, entries and gifts agree with each other. It only reads."""

from collections.abc import Iterator

from sqlalchemy import String, cast, func, or_
from sqlmodel import Session, col, select

from donate.gifts.facts import FactKind
from donate.gifts.models import Gift, GiftFact
from donate.gifts.offline.models import EntryState, OfflineBatchTotal, OfflineEntry


def offline_differences(session: Session) -> Iterator[str]:
    """Yield a line for each batch unlike its entries, and for each entry unlike its gift."""
    sums = (
        select(
            OfflineEntry.batch_id,
            OfflineEntry.currency,
            func.count().label("entries"),
            func.sum(OfflineEntry.amount_minor).label("amount"),
        )
        .where(OfflineEntry.state != EntryState.REMOVED)
        .group_by(col(OfflineEntry.batch_id), col(OfflineEntry.currency))
        .subquery()
    )
    count, amount = func.coalesce(sums.c.entries, 0), func.coalesce(sums.c.amount, 0)
    batches = (
        select(OfflineBatchTotal, count, amount)
        .join(
            sums,
            (sums.c.batch_id == OfflineBatchTotal.batch_id)
            & (sums.c.currency == OfflineBatchTotal.currency),
            isouter=True,
        )
        .where(
            or_(
                col(OfflineBatchTotal.entered_count) != count,
                col(OfflineBatchTotal.entered_minor) != amount,
            )
        )
    )
    for total, entries, minor in session.exec(batches):
        yield (
            f"batch {total.batch_id}: {total.entered_count} entries of {total.entered_minor} "
            f"{total.currency}, but its entries are {entries} of {int(minor)}"
        )
    yield from _entry_differences(session)


def _entry_differences(session: Session) -> Iterator[str]:
    undone = (
        select(GiftFact.id)
        .where(GiftFact.kind == FactKind.TRANSFER_UNDONE, GiftFact.gift_id == OfflineEntry.gift_id)
        .exists()
    )
    differing = (
        select(Gift.reference)
        .join(OfflineEntry, col(OfflineEntry.gift_id) == col(Gift.id))
        .where(
            or_(
                col(OfflineEntry.amount_minor) != col(Gift.amount_minor),
                col(OfflineEntry.currency) != col(Gift.currency),
                cast(col(OfflineEntry.mode), String) != cast(col(Gift.mode), String),
                (col(OfflineEntry.state) == EntryState.UNDONE) != undone,
            )
        )
    )
    for reference in session.exec(differing):
        yield f"{reference}: its entry says something else than the gift"
