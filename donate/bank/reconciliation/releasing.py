"""Marks parts of bank lines as undone, so that the lines are open again."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from donate.bank.reconciliation.models import LinePart
from donate.bank.reconciliation.payers import forget_payer
from donate.bank.reconciliation.queries import part_of_transfer, parts_in_force
from donate.bank.statements.models import RecordedLine
from donate.bank.transfer_mails.models import InteracTransfer
from donate.errors import NotFound
from donate.gifts.models import Gift


def lock_line(session: Session, line_id: int) -> RecordedLine:
    """Return a line and lock its row. Raises NotFound."""
    statement = select(RecordedLine).where(RecordedLine.id == line_id).with_for_update()
    line = session.exec(statement.execution_options(populate_existing=True)).first()
    if line is None:
        raise NotFound("no such bank line")
    return line


def lock_lines(session: Session, line_ids: Iterable[int]) -> dict[int, RecordedLine]:
    """Lock these lines in the order of their ids, to avoid deadlocks; return those that exist."""
    wanted = col(RecordedLine.id).in_(set(line_ids))
    statement = select(RecordedLine).where(wanted).order_by(col(RecordedLine.id)).with_for_update()
    rows = session.exec(statement.execution_options(populate_existing=True))
    return {line.id: line for line in rows if line.id is not None}


def lock_gifts(session: Session, gift_ids: Iterable[uuid.UUID]) -> None:
    """Lock gifts in the order of their ids, as the ledger does, to avoid deadlocks.

    A line is locked first, then Interac's e-mail about it, then its gifts.
    """
    wanted = sorted(set(gift_ids))
    if wanted:
        statement = select(Gift.id).where(col(Gift.id).in_(wanted)).order_by(col(Gift.id))
        session.exec(statement.with_for_update()).all()


def release_part(
    session: Session,
    line: RecordedLine,
    part: LinePart,
    reason: str,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Mark a part of a locked line as undone."""
    part.undone_by, part.undone_at, part.undo_reason = actor, now, reason
    line.explained_minor -= part.amount_minor
    line.version += 1
    session.add_all((part, line))
    session.flush()
    forget_payer(session, line, part)
    assert line.id is not None
    if not any(each.gift_id for each in parts_in_force(session, line.id)):
        # No gift is left on the line, so Interac's e-mail may explain another line now.
        freed = update(InteracTransfer).where(col(InteracTransfer.bank_line_id) == line.id)
        session.execute(freed.values(bank_line_id=None))


def release_transfer(
    session: Session, source_id: str, reason: str, *, actor: str, now: datetime
) -> None:
    """Mark the part of a bank line that explains this transfer as undone, if there is one.

    Call it before the gift is locked, because a line is always locked before its gifts.
    """
    part = part_of_transfer(session, source_id)
    if part is None:
        return
    line = lock_line(session, part.line_id)
    session.refresh(part)
    if part.undone_at is None:
        release_part(session, line, part, reason, actor=actor, now=now)
