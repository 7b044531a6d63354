"""Read-only queries about bank accounts, statement files and lines."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, defer
from sqlalchemy.sql.base import ExecutableOption
from sqlmodel import Session, col, func, select

from donate.bank.matching.inputs import Band
from donate.bank.statements.identity import (
    DayParts,
    KnownLine,
    LineIdentity,
    day_part,
    joined_part,
)
from donate.bank.statements.models import (
    AccountFile,
    BankAccount,
    RecordedLine,
    StatementFile,
    StatementUpload,
)
from donate.storage.bulk_writes import table_of


def bank_accounts(session: Session) -> list[BankAccount]:
    """Return all bank accounts, sorted by name."""
    return list(session.exec(select(BankAccount).order_by(BankAccount.name)))


def account_by_label(session: Session, label: str, currency: str) -> BankAccount | None:
    """Return the account with this label in the bank's files, or None."""
    if not label:
        return None
    statement = select(BankAccount).where(
        BankAccount.label == label, BankAccount.currency == currency
    )
    return session.exec(statement).first()


def account_by_name(session: Session, name: str) -> BankAccount | None:
    """Return the account with this name, or None."""
    return session.exec(select(BankAccount).where(BankAccount.name == name)).first()


def files_with_hash(session: Session, sha256: str) -> list[StatementFile]:
    """Return the earlier imported files with this hash, oldest first."""
    statement = select(StatementFile).where(StatementFile.sha256 == sha256)
    return list(session.exec(statement.order_by(col(StatementFile.id))))


def has_file(session: Session, account_id: int, sha256: str) -> bool:
    """Return whether a file with this hash was imported into the account."""
    statement = (
        select(AccountFile.file_id)
        .join(StatementFile, col(StatementFile.id) == col(AccountFile.file_id))
        .where(AccountFile.account_id == account_id, StatementFile.sha256 == sha256)
    )
    return session.exec(statement).first() is not None


def known_lines(session: Session, account_id: int, first: date, last: date) -> list[KnownLine]:
    """Return the recorded lines of an account between two days, both included."""
    line = table_of(RecordedLine).c
    statement = (
        sa.select(line.day, line.amount_minor, line.text_key, line.text, line.balance_minor)
        .where(line.account_id == account_id, line.day.between(first, last))
        .order_by(line.day, line.amount_minor, line.text_key, line.nth)
    )
    return [
        KnownLine(LineIdentity(day, amount, key), text, balance)
        for day, amount, key, text, balance in session.connection().execute(statement)
    ]


def recorded_parts(session: Session, account_id: int, days: Collection[date]) -> DayParts:
    """Return which part of each of these days is in the imported files of an account."""
    statement = select(col(AccountFile.first_day), col(AccountFile.last_day)).where(
        AccountFile.account_id == account_id,
        AccountFile.last_day >= min(days),
        AccountFile.first_day <= max(days),
    )
    files = session.exec(statement).all()
    return {
        day: joined_part([day_part(day, *file) for file in files if file[0] <= day <= file[1]])
        for day in days
    }


def last_statement_day(session: Session, currency: str) -> date | None:
    """Return the last day of which a statement in this currency was imported, or None."""
    statement = (
        select(func.max(AccountFile.last_day))
        .join(BankAccount, col(BankAccount.id) == col(AccountFile.account_id))
        .where(BankAccount.currency == currency)
    )
    return session.exec(statement).one()


@dataclass(frozen=True, slots=True)
class OpenSum:
    """How many lines of a currency are not fully explained, and the sums that are still open."""

    currency: str
    count: int
    money_in_minor: int
    money_out_minor: int


def open_sums(session: Session) -> list[OpenSum]:
    """Return the number of lines that are not fully explained, and their open sums, by currency."""
    left = col(RecordedLine.amount_minor) - col(RecordedLine.explained_minor)
    statement = (
        select(
            RecordedLine.currency,
            func.count(),
            func.coalesce(func.sum(left).filter(left > 0), 0),
            func.coalesce(func.sum(left).filter(left < 0), 0),
        )
        .where(RecordedLine.explained_minor != RecordedLine.amount_minor)
        .group_by(RecordedLine.currency)
        .order_by(RecordedLine.currency)
    )
    return [
        OpenSum(currency, count, int(money_in), int(money_out))
        for currency, count, money_in, money_out in session.exec(statement)
    ]


def _without_content(model: type[StatementFile | StatementUpload]) -> ExecutableOption:
    """Do not load the content of files, because a list of files does not need it."""
    return defer(cast(InstrumentedAttribute[bytes], model.content))


def recent_files(session: Session, limit: int) -> Sequence[StatementFile]:
    """Return the most recently imported files, newest first, without their content."""
    statement = select(StatementFile).order_by(col(StatementFile.id).desc()).limit(limit)
    return session.exec(statement.options(_without_content(StatementFile))).all()


def uploads_in_progress(session: Session) -> Sequence[StatementUpload]:
    """Return the files that were uploaded and not imported, newest first, without content."""
    statement = select(StatementUpload).order_by(col(StatementUpload.id).desc())
    return session.exec(statement.options(_without_content(StatementUpload))).all()


def upload_by_number(
    session: Session, number: int | None, *, lock: bool = False
) -> StatementUpload | None:
    """Return the upload with this number, or None if it does not exist, or not any more."""
    if number is None:
        return None
    return session.get(StatementUpload, number, with_for_update=lock or None)


def count_lines(session: Session) -> int:
    """Return how many lines are recorded. It adds up how many new lines each file had."""
    counted = select(func.coalesce(func.sum(StatementFile.new_count), 0))
    return int(session.exec(counted).one())


def count_by_band(session: Session) -> dict[Band | None, int]:
    """Return the number of lines that are not fully explained, for each band of certainty."""
    statement = (
        select(col(RecordedLine.band), func.count())
        .where(RecordedLine.explained_minor != RecordedLine.amount_minor)
        .group_by(col(RecordedLine.band))
    )
    return dict(session.exec(statement).all())


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Which lines to list.

    `is_open` is None for both open and explained lines.
    """

    is_open: bool | None = True
    band: Band | None = None


LineCursor = tuple[date, int]
"""The position of a line in a list: its day and its id."""


def listed_lines(
    session: Session, found: LineFilter, *, limit: int, before: LineCursor | None = None
) -> list[RecordedLine]:
    """Return the lines that match, newest day first, starting after the cursor."""
    line = RecordedLine
    statement = select(line).order_by(col(line.day).desc(), col(line.id).desc()).limit(limit)
    if found.is_open is not None:
        is_open = col(line.explained_minor) != col(line.amount_minor)
        statement = statement.where(is_open if found.is_open else ~is_open)
    if found.band is not None:
        statement = statement.where(line.band == found.band)
    if before is not None:
        statement = statement.where(sa.tuple_(col(line.day), col(line.id)) < before)
    return list(session.exec(statement))


def line_by_number(session: Session, number: int | None) -> RecordedLine | None:
    """Return the line with this id, or None."""
    return None if number is None else session.get(RecordedLine, number)


def next_open_line(session: Session, after: LineCursor) -> RecordedLine | None:
    """Return the open line after this one in the list.

    If there is none, return the first open line of the list.
    """
    for cursor in (after, None):
        found = listed_lines(session, LineFilter(), limit=1, before=cursor)
        if found:
            return found[0]
    return None
