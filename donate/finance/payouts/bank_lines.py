"""Finds the bank line that shows a payout."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, exists
from sqlmodel import Session, col, select

from donate.bank.reconciliation.models import LinePart
from donate.bank.statements.models import RecordedLine
from donate.stripe_gateway.balance.models import StripePayout


@dataclass(frozen=True, slots=True)
class PayoutBankLine:
    """A line of a bank statement that is tied to a payout: its day, its text, and its page."""

    booked_on: date
    text: str
    page: str


def bank_line(session: Session, payout: StripePayout) -> PayoutBankLine | None:
    """Return the bank line that is tied to a payout, or None."""
    statement = (
        select(RecordedLine)
        .join(LinePart, col(LinePart.line_id) == col(RecordedLine.id))
        .where(LinePart.payout_id == payout.id, col(LinePart.undone_at).is_(None))
    )
    line = session.exec(statement).first()
    if line is None:
        return None
    return PayoutBankLine(line.day, line.text, f"/finance/statements/lines/{line.id}")


def is_tied() -> ColumnElement[bool]:
    """Return the SQL condition that a `StripePayout` has been tied to a bank line."""
    return exists().where(
        col(LinePart.payout_id) == col(StripePayout.id), col(LinePart.undone_at).is_(None)
    )
