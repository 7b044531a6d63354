"""Stores the journal entries of a closed month, reads them back, and hashes them."""

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import groupby
from typing import Any, Final

from sqlmodel import Session, col, select

from donate.bank.shapes.statement import Sentence
from donate.books.journal.entry import JournalEntry, JournalLine
from donate.books.journal.roles import AccountKey
from donate.books.months.book_month import BookMonth
from donate.books.months.models import KeptEntry, KeptLine
from donate.storage.bulk_writes import insert_new

_ROWS_AT_A_TIME: Final = 1_000


def keep_entries(session: Session, month: BookMonth, entries: Iterable[JournalEntry]) -> None:
    """Store the entries of a month that is being closed."""
    lines: list[dict[str, Any]] = []
    kept = [(entry, _row(month, entry)) for entry in entries]
    session.add_all(row for _, row in kept)
    session.flush()
    for entry, row in kept:
        for place, line in enumerate(entry.lines):
            lines.append(
                {
                    "entry_id": row.id,
                    "place": place,
                    "role": line.account.role,
                    "currency": line.account.currency,
                    "part": line.account.part,
                    "amount_minor": line.amount_minor,
                    "memo": line.memo.message,
                    "memo_values": dict(line.memo.values),
                    "fund": line.fund,
                    "times": line.times,
                }
            )
    for start in range(0, len(lines), _ROWS_AT_A_TIME):
        some = lines[start : start + _ROWS_AT_A_TIME]
        if insert_new(session, KeptLine, some) != len(some):
            raise ValueError(f"lines of {month} are kept already")


def _row(month: BookMonth, entry: JournalEntry) -> KeptEntry:
    return KeptEntry(
        month=month.number,
        number=entry.number,
        day=entry.day,
        currency=entry.currency,
        description=entry.description.message,
        description_values=dict(entry.description.values),
    )


def kept_entries(session: Session, month: BookMonth | None = None) -> Iterator[JournalEntry]:
    """Yield the stored entries of a closed month, or of all closed months, in their original order.

    Raises ValueError if an entry is damaged and therefore does not balance.
    """
    statement = select(KeptEntry, KeptLine).join(
        KeptLine, col(KeptLine.entry_id) == col(KeptEntry.id)
    )
    if month is not None:
        statement = statement.where(KeptEntry.month == month.number)
    rows = session.exec(statement.order_by(col(KeptEntry.id), col(KeptLine.place)))
    for _, pairs in groupby(rows, key=lambda pair: pair[0].id):
        found = list(pairs)
        entry = found[0][0]
        yield JournalEntry(
            entry.number,
            entry.day,
            Sentence(entry.description, entry.description_values),
            tuple(_line(line) for _, line in found),
        )


def _line(row: KeptLine) -> JournalLine:
    return JournalLine(
        AccountKey(row.role, row.currency, row.part),
        row.amount_minor,
        Sentence(row.memo, row.memo_values),
        row.fund,
        row.times,
    )


def hash_of_entries(entries: Iterable[JournalEntry]) -> str:
    """Return the SHA-256 of the entries, in this order.

    It is the same on every database and machine.
    """
    digest = sha256()
    for entry in entries:
        lines = [
            [
                *(line.account.role.value, line.account.currency, line.account.part),
                *(line.amount_minor, line.memo.message, dict(line.memo.values)),
                *(line.fund, line.times),
            ]
            for line in entry.lines
        ]
        about = [entry.description.message, dict(entry.description.values)]
        form = [entry.number, entry.day.isoformat(), about, lines]
        digest.update(json.dumps(form, sort_keys=True, separators=(",", ":")).encode() + b"\n")
    return digest.hexdigest()
