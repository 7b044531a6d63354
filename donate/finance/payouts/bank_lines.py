"""Finds the bank lines that show a payout."""

from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from donate.bank.reconciliation.models import LinePart
from donate.bank.statements.models import RecordedLine
from donate.stripe_gateway.balance.models import StripePayout


@dataclass(frozen=True, slots=True)
class PayoutBankLine:
    """A line of a bank statement that is tied to a payout: its day, its text, and its page.

    `is_return` says whether the bank took the payout back.
    """

    booked_on: date
    text: str
    page: str
    is_return: bool = False


def bank_lines(session: Session, payout: StripePayout) -> list[PayoutBankLine]:
    """Return the bank lines that are tied to a payout: the deposit, then any return by the bank."""
    statement = (
        select(RecordedLine, col(LinePart.is_return))
        .join(LinePart, col(LinePart.line_id) == col(RecordedLine.id))
        .where(LinePart.payout_id == payout.id, col(LinePart.undone_at).is_(None))
        .order_by(col(LinePart.is_return))
    )
    return [
        PayoutBankLine(
            line.day, line.text, f"/finance/statements/lines/{line.id}", is_return=is_return
        )
        for line, is_return in session.exec(statement)
    ]
