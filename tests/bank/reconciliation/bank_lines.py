"""Records bank lines and gifts for tests."""

from datetime import UTC, date, datetime
from secrets import token_hex
from typing import TypeVar

from sqlmodel import select

from donate.bank.received_transfers import Transfer, mark_received
from donate.bank.reconciliation.audit import bank_differences
from donate.bank.reconciliation.deciding import DecidedPart, decide_line
from donate.bank.reconciliation.models import LinePart
from donate.bank.statements.importing import ImportChoices, import_statement
from donate.bank.statements.models import RecordedLine
from donate.gifts.audit import differences
from donate.gifts.models import Gift
from donate.money import Money
from donate.storage.database import Database
from donate.stripe_gateway.balance.models import StripePayout
from tests.bank.statements.lines import line, statement
from tests.finance.finance_site import put_gift

Row = TypeVar("Row", Gift, RecordedLine, LinePart)
NOW = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
TODAY = NOW.date()


def bank_line(
    database: Database,
    amount: int,
    text: str = "E-TRANSFER JANE",
    day: int = 9,
    *,
    account: str = "Chequing",
    currency: str = "CAD",
    until: date = date(2026, 3, 31),
) -> RecordedLine:
    """Record a line of an account whose statement has the days until then."""
    one = line(1, day, amount, text, amount=Money(amount, currency))
    read = statement(one, first_day=date(2026, 3, 1), last_day=until)
    with database.writing() as session:
        file, _ = import_statement(
            session,
            read,
            # Each call records a new line.
            ImportChoices({("", currency): account}, {1: False}),
            file_name="march.csv",
            sha256=token_hex(32),
            actor="staff:1",
            now=NOW,
        )
    with database.reading() as session:
        return session.exec(select(RecordedLine).where(RecordedLine.file_id == file.id)).one()


def gift(database: Database, key: str = "one", amount: int = 5_000) -> Gift:
    with database.writing() as session:
        return put_gift(session, key, now=NOW, amount_minor=amount)


def payout(database: Database, amount: int, day: int = 9, status: str = "paid") -> int:
    """Store a payout of Stripe that arrives on a day in March; return its row's number."""
    with database.writing() as session:
        row = StripePayout(
            payout_id=f"po_{amount}_{day}",
            amount_minor=amount,
            currency="CAD",
            status=status,
            automatic=True,
            method="standard",
            reconciliation_status="completed",
            arrives_on=date(2026, 3, day),
            created_at=NOW,
            read_at=NOW,
        )
        session.add(row)
        session.flush()
        assert row.id is not None
        return row.id


def decide(
    database: Database, line: RecordedLine, *parts: DecidedPart, version: int | None = None
) -> list[LinePart]:
    """Record what a line is, at its present version."""
    assert line.id is not None
    with database.writing() as session:
        present = session.get_one(RecordedLine, line.id).version
        return decide_line(
            session,
            line.id,
            parts,
            version=present if version is None else version,
            actor="staff:1",
            now=NOW,
        )


def reread(database: Database, row: Row) -> Row:
    with database.reading() as session:
        return session.get_one(type(row), row.id)


def findings(database: Database) -> list[str]:
    """Return all that the audit finds."""
    with database.reading_snapshot() as session:
        return [*differences(session), *bank_differences(session)]


def mark_by_hand(
    database: Database, one: Gift, reference: str = "CA-1", amount: int = 5_000
) -> str:
    """Mark a transfer as received by hand; return the source of its fact."""
    with database.writing() as session:
        transfer = Transfer(NOW.date(), Money(amount, "CAD"), reference, "")
        mark_received(session, one, transfer, actor="staff:1", now=NOW)
    return f"{reference.replace('-', '')}#0"
