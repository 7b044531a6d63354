"""Gives other lines with the same text the reason of one bank line. The caller commits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlmodel import Session

from donate.bank.reconciliation.deciding import NoGiftPart, decide_line
from donate.bank.reconciliation.models import LinePart
from donate.bank.reconciliation.queries import alike_lines, whole_no_gift
from donate.bank.reconciliation.releasing import lock_lines
from donate.errors import N_, Conflict, NotFound

_UNDONE_MEANWHILE: Final = N_(
    "What this line is was undone or changed meanwhile, so nothing was recorded for the others."
)


def decide_alike(
    session: Session,
    part_id: int,
    shown: Sequence[tuple[int, int]],
    *,
    actor: str,
    now: datetime,
) -> list[LinePart]:
    """Give other lines the reason and the note that were recorded for the line of this part.

    `shown` has the id and the version of each line on the page. Lines that have changed since are
    left out. Raises Conflict if the part was undone meanwhile.
    """
    part = session.get(LinePart, part_id)
    if part is None:
        raise NotFound("no such part of a bank line")
    lines = lock_lines(session, [part.line_id, *(line_id for line_id, _ in shown)])
    session.refresh(part)  # it may have been undone before its line was locked
    whole = whole_no_gift(session, part.line_id)
    if whole is None or whole.id != part_id or whole.reason is None:
        raise Conflict(_UNDONE_MEANWHILE)
    alike = set(alike_lines(session, lines[part.line_id]))
    recorded = []
    for line_id, version in shown:
        if line_id in alike and lines[line_id].version == version:
            same = NoGiftPart(whole.reason, lines[line_id].amount_minor, whole.note)
            recorded += decide_line(session, line_id, [same], version=version, actor=actor, now=now)
    return recorded
