"""Checks that each bank line agrees with its parts, and each part with its transfer.

It only reads.
"""

from collections.abc import Iterator

from sqlalchemy import and_, exists, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from donate.bank.reconciliation.models import LinePart, PartKind
from donate.bank.statements.models import RecordedLine
from donate.gifts.facts import FactKind
from donate.gifts.models import GiftFact


def bank_differences(session: Session) -> Iterator[str]:
    """Yield a sentence for each bank line or part that disagrees with what explains it."""
    yield from _wrong_sums(session)
    yield from _wrong_transfers(session)


def _wrong_sums(session: Session) -> Iterator[str]:
    explained = func.coalesce(func.sum(LinePart.amount_minor), 0)
    statement = (
        select(col(RecordedLine.id), col(RecordedLine.explained_minor), explained)
        .outerjoin(
            LinePart,
            and_(col(LinePart.line_id) == col(RecordedLine.id), col(LinePart.undone_at).is_(None)),
        )
        .group_by(col(RecordedLine.id), col(RecordedLine.explained_minor))
        .having(explained != col(RecordedLine.explained_minor))
        .order_by(col(RecordedLine.id))
    )
    for line_id, stored, parts in session.exec(statement):
        yield f"bank line {line_id}: explained_minor is {stored}, but its parts give {int(parts)}"


def _wrong_transfers(session: Session) -> Iterator[str]:
    undone = aliased(GiftFact)
    is_undone = exists().where(
        col(undone.kind) == FactKind.TRANSFER_UNDONE,
        col(undone.source_id) == col(LinePart.source_id),
    )
    statement = (
        select(col(LinePart.id), col(LinePart.line_id))
        .outerjoin(
            GiftFact,
            and_(
                col(GiftFact.kind) == FactKind.TRANSFER_RECEIVED,
                col(GiftFact.source_id) == col(LinePart.source_id),
            ),
        )
        .where(
            LinePart.kind == PartKind.GIFT,
            col(LinePart.undone_at).is_(None),
            or_(
                col(GiftFact.id).is_(None),
                col(GiftFact.gift_id) != col(LinePart.gift_id),
                col(GiftFact.amount_minor) != col(LinePart.amount_minor),
                is_undone,
            ),
        )
        .order_by(col(LinePart.id))
    )
    for part_id, line_id in session.exec(statement):
        yield f"bank line {line_id}: its part {part_id} has no such transfer in force"
