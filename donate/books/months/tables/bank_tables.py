"""Tables from the bank lines of a month: their sums, and the lines that are not explained yet."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from sqlmodel import Session, col, select

from donate.bank.statements.models import BankAccount, RecordedLine
from donate.books.months.book_month import BookMonth
from donate.books.pack.csv_table import CsvTable
from donate.money import Money

_COLUMNS: Final = (
    *("day", "account", "text", "amount", "unexplained", "currency"),
    *("bank_reference", "suggestion"),
)


def bank_lines_in(session: Session, month: BookMonth) -> list[tuple[RecordedLine, BankAccount]]:
    """Return the bank lines of a month with their accounts.

    Their order depends only on their contents.
    """
    statement = (
        select(RecordedLine, BankAccount)
        .join(BankAccount, col(BankAccount.id) == col(RecordedLine.account_id))
        .where(col(RecordedLine.day).between(month.first_day, month.last_day))
    )
    return _sorted(session.exec(statement).all())


def open_lines_until(session: Session, month: BookMonth) -> list[tuple[RecordedLine, BankAccount]]:
    """Return the lines up to the end of a month that are not fully explained, in the same order."""
    statement = (
        select(RecordedLine, BankAccount)
        .join(BankAccount, col(BankAccount.id) == col(RecordedLine.account_id))
        .where(
            RecordedLine.explained_minor != RecordedLine.amount_minor,
            RecordedLine.day <= month.last_day,
        )
    )
    return _sorted(session.exec(statement).all())


def _sorted(
    rows: Sequence[tuple[RecordedLine, BankAccount]],
) -> list[tuple[RecordedLine, BankAccount]]:
    return sorted(
        ((line, account) for line, account in rows),
        key=lambda row: (
            *(row[0].day, row[1].name, row[0].amount_minor, row[0].text_key, row[0].nth),
        ),
    )


def unmatched_table(lines: Sequence[tuple[RecordedLine, BankAccount]]) -> CsvTable:
    """Return the table of lines that are not explained."""
    rows = [
        (
            line.day,
            account.name,
            line.text,
            line.amount,
            line.open_amount,
            line.currency,
            line.bank_reference,
            line.band.value if line.band else "",
        )
        for line, account in lines
    ]
    return CsvTable("unmatched-lines", _COLUMNS, rows)


def bank_sums(
    lines: Sequence[tuple[RecordedLine, BankAccount]],
) -> dict[tuple[str, str], tuple[int, Money, Money]]:
    """Return the number of lines and the money in and out, for each account and currency."""
    counts: Counter[tuple[str, str]] = Counter()
    came: Counter[tuple[str, str]] = Counter()
    went: Counter[tuple[str, str]] = Counter()
    for line, account in lines:
        key = (account.name, line.currency)
        counts[key] += 1
        came[key] += max(line.amount_minor, 0)
        went[key] += max(-line.amount_minor, 0)
    return {
        key: (counts[key], Money(came[key], key[1]), Money(went[key], key[1]))
        for key in sorted(counts)
    }
