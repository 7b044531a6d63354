"""Read-only queries about parts of bank lines."""

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import Session, col, select

from donate.bank.matching.inputs import Band
from donate.bank.matching.line_texts import text_without_days
from donate.bank.reconciliation.models import LinePart, PartKind
from donate.bank.statements.models import RecordedLine
from donate.bank.statements.queries import line_by_number
from donate.storage.bulk_writes import table_of


def parts_of_line(session: Session, line_id: int) -> Sequence[LinePart]:
    """Return all parts of a line, including undone ones, oldest first."""
    statement = select(LinePart).where(LinePart.line_id == line_id).order_by(col(LinePart.id))
    return session.exec(statement).all()


def parts_in_force(session: Session, line_id: int) -> list[LinePart]:
    """Return the parts of a line that have not been undone, oldest first."""
    return [part for part in parts_of_line(session, line_id) if part.undone_at is None]


def whole_no_gift(session: Session, line_id: int | None) -> LinePart | None:
    """Return the part that explains a whole line as something other than a gift, or None."""
    line = line_by_number(session, line_id)
    parts = parts_in_force(session, line.id) if line and line.id else []
    is_whole = line is not None and [part.amount_minor for part in parts] == [line.amount_minor]
    return parts[0] if is_whole and parts[0].kind is PartKind.NO_GIFT else None


def alike_lines(session: Session, line: RecordedLine) -> list[int]:
    """Return the ids of the open lines of the account with the text of this line, oldest first.

    Numbers and months in the text do not count. Lines in the other direction, lines that are
    explained in part, and lines with a suggestion are left out: each needs its own decision.
    """
    key = text_without_days(line.text)
    if not key:
        return []
    row = table_of(RecordedLine).c
    statement = (
        sa.select(row.id, row.text)
        .where(
            row.account_id == line.account_id,
            row.id != line.id,
            row.explained_minor == 0,
            row.amount_minor > 0 if line.amount_minor > 0 else row.amount_minor < 0,
            sa.or_(row.band.is_(None), row.band == Band.NONE),
        )
        .order_by(row.day, row.id)
    )
    rows = session.connection().execute(statement)
    return [number for number, text in rows if text_without_days(text) == key]


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
