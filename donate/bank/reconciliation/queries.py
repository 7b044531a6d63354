"""Read-only queries about parts of bank lines."""

import uuid
from collections.abc import Sequence

from sqlmodel import Session, col, select

from donate.bank.reconciliation.models import LinePart
from donate.bank.statements.models import RecordedLine


def parts_of_line(session: Session, line_id: int) -> Sequence[LinePart]:
    """Return all parts of a line, including undone ones, oldest first."""
    statement = select(LinePart).where(LinePart.line_id == line_id).order_by(col(LinePart.id))
    return session.exec(statement).all()


def parts_in_force(session: Session, line_id: int) -> list[LinePart]:
    """Return the parts of a line that have not been undone, oldest first."""
    return [part for part in parts_of_line(session, line_id) if part.undone_at is None]


def part_of_transfer(session: Session, source_id: str) -> LinePart | None:
    """Return the part that explains this transfer and has not been undone, or None."""
    statement = select(LinePart).where(
        LinePart.source_id == source_id, col(LinePart.undone_at).is_(None)
    )
    return session.exec(statement).first()


def lines_of_gift(session: Session, gift_id: uuid.UUID) -> list[tuple[LinePart, RecordedLine]]:
    """Return the parts that pay a gift and are not undone, each with its line, oldest first."""
    statement = (
        select(LinePart, RecordedLine)
        .join(RecordedLine, col(RecordedLine.id) == col(LinePart.line_id))
        .where(LinePart.gift_id == gift_id, col(LinePart.undone_at).is_(None))
        .order_by(col(LinePart.id))
    )
    return [(part, line) for part, line in session.exec(statement)]
