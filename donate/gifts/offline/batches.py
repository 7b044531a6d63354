"""Saves cheques and cash that staff enter: as a gift at once, or as a draft in a batch.

The drafts of a batch become gifts when the batch is closed. Every change to a batch holds the lock
of its row. So two clerks can type into it at once, and nobody can add to a batch that is being
closed. The caller commits.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from donate.errors import N_, BadInput, Conflict
from donate.gifts.offline.models import EntryState, OfflineBatch, OfflineBatchTotal, OfflineEntry
from donate.gifts.offline.queries import entry_by_form_key
from donate.gifts.offline.recorder import record_entries
from donate.gifts.offline.rules import EnteredGift
from donate.regions.regions import Regions

MAX_IN_A_BATCH: Final = 2_000

BATCH_CLOSED: Final = N_("This batch was closed meanwhile. Your entry was not saved.")
BATCH_CHANGED: Final = N_("Someone has changed this batch meanwhile. Please look again.")
ENTRY_GONE: Final = N_("Someone has removed this entry meanwhile.")
CORRECTED_ALREADY: Final = N_("Someone has already entered this gift again.")


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved entry, and whether it is new. It is not new if the same form was sent before."""

    entry: OfflineEntry
    is_new: bool


def record_one(
    session: Session,
    regions: Regions,
    entered: EnteredGift,
    form_key: str,
    *,
    actor: str,
    now: datetime,
    corrects: OfflineEntry | None = None,
) -> Saved:
    """Record one gift with its money. If the same form was sent before, return the earlier entry.

    `corrects` is the undone entry that this one replaces. Raises Conflict if another entry has
    replaced it.
    """

    def insert() -> OfflineEntry:
        entry = _new_entry(entered, form_key, actor, now)
        entry.corrects_id = corrects.id if corrects else None
        record_entries(session, regions, [entry], actor=actor, now=now)
        session.add(entry)
        session.flush()
        return entry

    return _save_once(session, form_key, insert)


def start_batch(
    session: Session,
    name: str,
    day: date,
    expected: Mapping[str, tuple[int, int]],
    form_key: str,
    *,
    actor: str,
    now: datetime,
) -> tuple[OfflineBatch, bool]:
    """Start a batch; return it, and whether it is new. Sending a form twice starts only one batch.

    `expected` has the count and the sum in minor units for each currency.
    """
    known = select(OfflineBatch).where(OfflineBatch.form_key == form_key)
    batch = OfflineBatch(form_key=form_key, name=name, day=day, started_by=actor, started_at=now)
    existing = session.exec(known).first()
    if existing:
        return existing, False
    try:
        with session.begin_nested():
            session.add(batch)
            session.flush()
            session.add_all(_totals(batch, expected))
            session.flush()
    except IntegrityError:  # the same form was sent twice at the same time
        return session.exec(known).one(), False
    return batch, True


def add_draft(
    session: Session,
    batch_id: int,
    entered: EnteredGift,
    form_key: str,
    *,
    actor: str,
    now: datetime,
) -> Saved:
    """Add an entry to an open batch. Raises Conflict if it is closed, or BadInput if it is full."""
    batch = lock_batch(session, batch_id)
    existing = entry_by_form_key(session, form_key)
    if existing:
        return Saved(existing, is_new=False)
    if batch.is_closed:
        raise Conflict(BATCH_CLOSED)
    total = session.get(OfflineBatchTotal, (batch_id, entered.amount.currency))
    if total is None:
        raise BadInput("code", N_("Nothing in this currency is expected in this batch."))
    if total.entered_count >= MAX_IN_A_BATCH:
        sentence = N_("A batch holds at most %(most)s entries. Please start another.")
        raise BadInput("amount", sentence, {"most": f"{MAX_IN_A_BATCH:,}"})
    entry = _new_entry(entered, form_key, actor, now)
    entry.batch_id, entry.state = batch_id, EntryState.DRAFT
    session.add(entry)
    total.entered_count += 1
    total.entered_minor += entry.amount_minor
    batch.version += 1
    session.flush()
    return Saved(entry, is_new=True)


def remove_draft(session: Session, batch_id: int, number: int) -> OfflineEntry | None:
    """Remove an entry from an open batch; return None if the batch has no such entry.

    A removed entry keeps nothing about the donor, because it never becomes a gift. Raises Conflict
    if the batch is closed or somebody has removed the entry.
    """
    batch = lock_batch(session, batch_id)
    entry = session.get(OfflineEntry, number)
    if entry is None or entry.batch_id != batch_id:
        return None
    if batch.is_closed:
        raise Conflict(BATCH_CLOSED)
    if entry.state is not EntryState.DRAFT:
        raise Conflict(ENTRY_GONE)
    total = session.get_one(OfflineBatchTotal, (batch_id, entry.currency))
    entry.state = EntryState.REMOVED
    entry.donor_name = entry.donor_email = entry.donor_address = entry.note = ""
    total.entered_count -= 1
    total.entered_minor -= entry.amount_minor
    batch.version += 1
    session.flush()
    return entry


def expect(
    session: Session, batch_id: int, expected: Mapping[str, tuple[int, int]], *, version: int
) -> OfflineBatch:
    """Change an open batch's expected count and sum. Raises Conflict if the batch was changed."""
    batch = lock_batch(session, batch_id)
    if batch.is_closed or batch.version != version:
        raise Conflict(BATCH_CHANGED)
    totals = {total.currency: total for total in _totals_of(session, batch_id)}
    for currency, (count, minor) in expected.items():
        if currency in totals:
            totals[currency].expected_count = count
            totals[currency].expected_minor = minor
    new = {currency: numbers for currency, numbers in expected.items() if currency not in totals}
    session.add_all(_totals(batch, new))
    for currency, total in totals.items():
        if currency not in expected:
            total.expected_count = total.expected_minor = 0
    batch.version += 1
    session.flush()
    return batch


def close_batch(
    session: Session,
    regions: Regions,
    batch_id: int,
    *,
    version: int,
    actor: str,
    now: datetime,
) -> int:
    """Close a batch, and turn each entry into a gift; return how many gifts were made.

    `version` is the batch's version on the page where the user pressed the button. Raises Conflict
    if the batch was changed since or is closed, or BadInput if the count or sum is not as expected.
    """
    batch = lock_batch(session, batch_id)
    if batch.is_closed or batch.version != version:
        raise Conflict(BATCH_CHANGED)
    drafts = session.exec(
        select(OfflineEntry)
        .where(OfflineEntry.batch_id == batch_id, OfflineEntry.state == EntryState.DRAFT)
        .order_by(col(OfflineEntry.id))
    ).all()
    if not drafts:
        raise BadInput("close", N_("There is nothing in this batch yet."))
    totals = _totals_of(session, batch_id)
    _recount(totals, drafts)
    if not all(total.agrees for total in totals):
        raise BadInput("close", N_("Count and sum have to be exactly what is expected."))
    record_entries(session, regions, drafts, actor=actor, now=now)
    session.flush()
    # This statement also closes the totals: the database copies `is_closed` into them, and then
    # checks that they agree.
    session.execute(
        update(OfflineBatch)
        .where(col(OfflineBatch.id) == batch_id)
        .values(is_closed=True, closed_at=now, closed_by=actor, version=batch.version + 1)
    )
    return len(drafts)


def lock_batch(session: Session, batch_id: int) -> OfflineBatch:
    """Return a batch, locked until the commit. Raises LookupError if there is none."""
    batch = session.get(OfflineBatch, batch_id, with_for_update=True, populate_existing=True)
    if batch is None:
        raise LookupError(f"no batch {batch_id}")
    return batch


def _recount(totals: Collection[OfflineBatchTotal], drafts: Collection[OfflineEntry]) -> None:
    """Check that the stored totals equal the sums of the entries. Only a bug makes them differ."""
    for total in totals:
        amounts = [draft.amount_minor for draft in drafts if draft.currency == total.currency]
        if (len(amounts), sum(amounts)) != (total.entered_count, total.entered_minor):
            raise AssertionError(f"the totals of batch {total.batch_id} are not those of its rows")


def _totals_of(session: Session, batch_id: int) -> list[OfflineBatchTotal]:
    totals = select(OfflineBatchTotal).where(OfflineBatchTotal.batch_id == batch_id)
    return list(session.exec(totals.order_by(OfflineBatchTotal.currency)))


def _totals(
    batch: OfflineBatch, expected: Mapping[str, tuple[int, int]]
) -> list[OfflineBatchTotal]:
    assert batch.id is not None
    return [
        OfflineBatchTotal(
            batch_id=batch.id, currency=currency, expected_count=count, expected_minor=minor
        )
        for currency, (count, minor) in expected.items()
    ]


def _new_entry(entered: EnteredGift, form_key: str, actor: str, now: datetime) -> OfflineEntry:
    return OfflineEntry(
        form_key=form_key,
        state=EntryState.RECORDED,
        code=entered.code,
        mode=entered.mode,
        fund=entered.fund,
        amount_minor=entered.amount.amount_minor,
        currency=entered.amount.currency,
        received_on=entered.received_on,
        profile_id=entered.profile_id,
        donor_name=entered.donor_name,
        donor_email=entered.donor_email,
        donor_address=entered.donor_address,
        language=entered.language,
        sends_thanks=entered.sends_thanks,
        cheque_number=entered.cheque_number,
        cheque_key=entered.cheque_key,
        cheque_day=entered.cheque_day,
        bank_name=entered.bank_name,
        note=entered.note,
        entered_by=actor,
        entered_at=now,
    )


def _save_once(session: Session, form_key: str, insert: Callable[[], OfflineEntry]) -> Saved:
    existing = entry_by_form_key(session, form_key)
    if existing:
        return Saved(existing, is_new=False)
    try:
        with session.begin_nested():
            return Saved(insert(), is_new=True)
    except IntegrityError:
        existing = entry_by_form_key(session, form_key)
        if existing is None:  # another form has replaced the same undone entry
            raise Conflict(CORRECTED_ALREADY) from None
        return Saved(existing, is_new=False)
