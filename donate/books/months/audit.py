"""Checks that closed months have not been changed and agree with the records. It only reads."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import exists, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from donate.bank.reconciliation.models import LinePart
from donate.bank.statements.models import RecordedLine, StatementFile
from donate.books.journal.corrections import corrections
from donate.books.journal.entry import JournalEntry, balances_of
from donate.books.journal.roles import AccountKey
from donate.books.months.book_month import BookMonth
from donate.books.months.kept_entries import hash_of_entries, kept_entries
from donate.books.months.models import ClosedMonth
from donate.books.months.month_journal import closed_journal
from donate.books.months.queries import closed_months, pack_content
from donate.clock import start_of_day
from donate.gifts.facts import FactKind
from donate.gifts.models import GiftFact
from donate.gifts.movements.models import GiftMovement
from donate.stripe_gateway.balance.models import BalanceTransaction

# A fact recorded up to this long before a closing may have been committed only after it.
_MARGIN: Final = timedelta(hours=1)
_OF_DISPUTES: Final = (
    FactKind.DISPUTE_OPENED,
    FactKind.DISPUTE_WON,
    FactKind.DISPUTE_LOST,
    FactKind.INQUIRY_CLOSED,
)


def month_differences(session: Session, time_zone: str) -> Iterator[str]:
    """Yield a sentence for each closed month that was changed, or that the records contradict.

    On every account, the stored entries plus the corrections for late facts must equal what the
    rules give now. If no fact was recorded late, no correction may be due.
    """
    closed = closed_months(session)
    try:
        kept = list(kept_entries(session))
    except ValueError as error:
        yield f"closed months: a kept entry is damaged: {error}"
        return
    for row in reversed(closed):
        yield from _changed(session, row)
    if not closed:
        return
    last = BookMonth(closed[0].month)
    now = closed_journal(session, last, time_zone)
    due = corrections(kept, now, last.next.first_day)
    if _balances([*kept, *due]) != _balances(now):
        yield "closed months: kept entries and corrections do not give what the rules give now"
    since = closed[0].closed_at - _MARGIN
    if due and not _has_late_fact(session, last.last_day, since, time_zone):
        for entry in due:
            yield f"closed months: {entry.number} is due, but nothing was recorded late"


def _changed(session: Session, row: ClosedMonth) -> Iterator[str]:
    month = BookMonth(row.month)
    entries = list(kept_entries(session, month))
    if len(entries) != row.entry_count or hash_of_entries(entries) != row.entries_hash:
        yield f"month {month}: its kept entries are not those with which it was closed"
    content = pack_content(session, month)
    if row.closed_elsewhere:
        if content is not None:
            yield f"month {month}: it was closed elsewhere, and has a pack all the same"
    elif content is None or hashlib.sha256(content).hexdigest() != row.pack_hash:
        yield f"month {month}: its pack is not the one with which it was closed"


def _balances(entries: Sequence[JournalEntry]) -> Counter[AccountKey]:
    balances = balances_of(entries)
    return Counter({key: amount for key, amount in balances.items() if amount})


def _has_late_fact(session: Session, last_day: date, since: datetime, time_zone: str) -> bool:
    """Return whether a fact about days up to `last_day` was recorded after `since`."""
    until = start_of_day(last_day + timedelta(1), time_zone)
    older = aliased(GiftFact)
    statements = (
        select(GiftMovement.id).where(
            GiftMovement.day <= last_day, GiftMovement.recorded_at > since
        ),
        # A fact about a dispute may also delete a movement: a closed inquiry took no money.
        select(GiftFact.id).where(
            col(GiftFact.kind).in_(_OF_DISPUTES),
            GiftFact.recorded_at > since,
            exists().where(
                col(older.gift_id) == col(GiftFact.gift_id),
                col(older.kind).in_(_OF_DISPUTES),
                col(older.happened_at) < until,
            ),
        ),
        select(BalanceTransaction.id).where(
            BalanceTransaction.created_at < until, BalanceTransaction.read_at > since
        ),
        select(RecordedLine.id)
        .join(StatementFile, col(StatementFile.id) == col(RecordedLine.file_id))
        .where(RecordedLine.day <= last_day, StatementFile.imported_at > since),
        select(LinePart.id)
        .join(RecordedLine, col(RecordedLine.id) == col(LinePart.line_id))
        .where(
            RecordedLine.day <= last_day,
            or_(col(LinePart.decided_at) > since, col(LinePart.undone_at) > since),
        ),
    )
    return any(session.exec(statement.limit(1)).first() is not None for statement in statements)
