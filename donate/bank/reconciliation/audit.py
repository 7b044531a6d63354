"""Checks that each bank line agrees with its parts, and each part with what it is tied to.

It only reads.
"""

from collections.abc import Iterator

from sqlalchemy import and_, case, exists, not_, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from donate.bank.reconciliation.models import LinePart, PartKind
from donate.bank.reconciliation.stripe_moves.queries import is_top_up
from donate.bank.statements.models import RecordedLine
from donate.gifts.facts import FactKind
from donate.gifts.models import GiftFact
from donate.stripe_gateway.balance.models import BalanceTransaction, StripePayout


def bank_differences(session: Session) -> Iterator[str]:
    """Yield a sentence for each bank line or part that disagrees with what explains it."""
    yield from _wrong_sums(session)
    yield from _wrong_transfers(session)
    yield from _wrong_moves(session)


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
    came, went = (FactKind.TRANSFER_RECEIVED, FactKind.REFUND_SUCCEEDED)
    is_undone = exists().where(
        col(undone.kind).in_([FactKind.TRANSFER_UNDONE, FactKind.REFUND_FAILED]),
        col(undone.source_id) == col(LinePart.source_id),
    )
    statement = (
        select(col(LinePart.id), col(LinePart.line_id))
        .outerjoin(
            GiftFact,
            and_(
                col(GiftFact.kind) == case((col(LinePart.is_return), went), else_=came),
                col(GiftFact.source_id) == col(LinePart.source_id),
            ),
        )
        .join(RecordedLine, col(RecordedLine.id) == col(LinePart.line_id))
        .where(
            LinePart.kind == PartKind.GIFT,
            col(LinePart.undone_at).is_(None),
            or_(
                col(GiftFact.id).is_(None),
                col(GiftFact.gift_id) != col(LinePart.gift_id),
                col(GiftFact.amount_minor) != func.abs(LinePart.amount_minor),
                col(GiftFact.currency) != col(RecordedLine.currency),
                is_undone,
            ),
        )
        .order_by(col(LinePart.id))
    )
    for part_id, line_id in session.exec(statement):
        yield f"bank line {line_id}: its part {part_id} has no such transfer in force"


def _wrong_moves(session: Session) -> Iterator[str]:
    """Yield a sentence for each part that disagrees with its payout or top-up."""
    arrives = case((col(LinePart.is_return), -1), else_=1) * col(StripePayout.amount_minor)
    statement = (
        select(col(LinePart.id), col(LinePart.line_id))
        .outerjoin(StripePayout, col(StripePayout.id) == col(LinePart.payout_id))
        .outerjoin(BalanceTransaction, col(BalanceTransaction.id) == col(LinePart.top_up_id))
        .where(
            col(LinePart.undone_at).is_(None),
            or_(
                arrives != col(LinePart.amount_minor),
                and_(col(LinePart.is_return), col(StripePayout.status) != "failed"),
                -col(BalanceTransaction.amount_minor) != col(LinePart.amount_minor),
                not_(is_top_up()),
            ),
        )
        .order_by(col(LinePart.id))
    )
    for part_id, line_id in session.exec(statement):
        yield f"bank line {line_id}: its part {part_id} is not what Stripe moved"
