"""Queries about offline gifts. They only read, and each has a limit and uses an index."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlmodel import Session, col, select

from donate.gifts.donor_profiles.models import DonorKind, DonorProfile
from donate.gifts.donor_profiles.queries import find_donor_profiles, profile_by_id
from donate.gifts.models import Gift
from donate.gifts.offline.models import EntryState, OfflineBatch, OfflineBatchTotal, OfflineEntry
from donate.gifts.offline.rules import EnteredGift, letters_and_digits

_MOST_ALIKE: Final = 20
LEAST_SEARCHED: Final = 2


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """An entry with its gift's reference, if it has become a gift."""

    entry: OfflineEntry
    reference: str | None


def find_known_donors(session: Session, typed: str, limit: int) -> list[DonorProfile]:
    """Return earlier donors by the beginning of a name or an e-mail address that was typed."""
    if len(typed.strip()) < LEAST_SEARCHED:
        return []
    found = find_donor_profiles(session, typed, limit)
    return [each.main for each in found if each.main.kind is not DonorKind.ANONYMOUS]


def known_donor(session: Session, text: str) -> DonorProfile | None:
    """Return the donor whose number a form sent as text; None if there is no such donor."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        return None
    return profile_by_id(session, int(text))


def entry_by_number(session: Session, number: int, *, lock: bool = False) -> OfflineEntry | None:
    """Return the entry with this number, or None."""
    return session.get(OfflineEntry, number, with_for_update=lock)


def entry_by_form_key(session: Session, form_key: str) -> OfflineEntry | None:
    """Return the entry that was saved with this form key, or None."""
    return session.exec(select(OfflineEntry).where(OfflineEntry.form_key == form_key)).first()


def entry_of_gift(session: Session, gift_id: uuid.UUID) -> OfflineEntry | None:
    """Return the entry that became this gift, or None."""
    return session.exec(select(OfflineEntry).where(OfflineEntry.gift_id == gift_id)).first()


def corrected_by(session: Session, entry: OfflineEntry) -> OfflineEntry | None:
    """Return the entry that replaces an undone entry, or None."""
    return session.exec(select(OfflineEntry).where(OfflineEntry.corrects_id == entry.id)).first()


def same_cheque(session: Session, entered: EnteredGift) -> ListedEntry | None:
    """Return an entry of the same cheque (same number, bank, amount and donor), or None."""
    if not entered.cheque_key:
        return None
    statement = (
        select(OfflineEntry, Gift.reference)
        .join(Gift, col(Gift.id) == col(OfflineEntry.gift_id), isouter=True)
        .where(
            OfflineEntry.cheque_key == entered.cheque_key,
            OfflineEntry.amount_minor == entered.amount.amount_minor,
            OfflineEntry.currency == entered.amount.currency,
            col(OfflineEntry.state).in_((EntryState.DRAFT, EntryState.RECORDED)),
        )
        .order_by(col(OfflineEntry.id).desc())
        .limit(_MOST_ALIKE)
    )
    bank, name = letters_and_digits(entered.bank_name), entered.donor_name.casefold()
    for entry, reference in session.exec(statement):
        other = letters_and_digits(entry.bank_name)
        if (not bank or not other or bank == other) and entry.donor_name.casefold() == name:
            return ListedEntry(entry, reference)
    return None


def newest_entries(session: Session, *, limit: int, before: int | None = None) -> list[ListedEntry]:
    """Return the newest entries, starting before the entry with the number `before`."""
    statement = (
        select(OfflineEntry, Gift.reference)
        .join(Gift, col(Gift.id) == col(OfflineEntry.gift_id), isouter=True)
        .order_by(col(OfflineEntry.id).desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(col(OfflineEntry.id) < before)
    return [ListedEntry(*row) for row in session.exec(statement)]


def entries_of_batch(
    session: Session, batch_id: int, states: Sequence[EntryState], *, limit: int
) -> list[ListedEntry]:
    """Return the newest entries of a batch in these states, newest first."""
    statement = (
        select(OfflineEntry, Gift.reference)
        .join(Gift, col(Gift.id) == col(OfflineEntry.gift_id), isouter=True)
        .where(OfflineEntry.batch_id == batch_id, col(OfflineEntry.state).in_(states))
        .order_by(col(OfflineEntry.id).desc())
        .limit(limit)
    )
    return [ListedEntry(*row) for row in session.exec(statement)]


def open_batches(session: Session, *, limit: int) -> Sequence[OfflineBatch]:
    """Return the batches that are not closed, newest first."""
    statement = select(OfflineBatch).where(~col(OfflineBatch.is_closed))
    return session.exec(statement.order_by(col(OfflineBatch.id).desc()).limit(limit)).all()


def totals_of_batches(
    session: Session, batch_ids: Sequence[int]
) -> dict[int, list[OfflineBatchTotal]]:
    """Return the expected and entered totals of each of these batches, by currency."""
    totals: dict[int, list[OfflineBatchTotal]] = {number: [] for number in batch_ids}
    statement = select(OfflineBatchTotal).where(col(OfflineBatchTotal.batch_id).in_(batch_ids))
    for total in session.exec(statement.order_by(OfflineBatchTotal.currency)):
        totals[total.batch_id].append(total)
    return totals


def batch_by_number(session: Session, number: int) -> OfflineBatch | None:
    """Return the batch with this number, or None."""
    return session.get(OfflineBatch, number)
