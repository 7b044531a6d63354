"""Reads the single items that a daily sheet links to: gifts, Stripe transactions, bank lines."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlmodel import Session, col

from donate.bank.reconciliation.models import LinePart, PartKind
from donate.bank.statements.models import RecordedLine
from donate.books.journal.bookings import (
    BankBooking,
    BankPartKind,
    BookedMovement,
    StripeBooking,
)
from donate.books.journal.postings import PAYMENTS_BALANCE
from donate.books.journal.roles import AccountRole
from donate.books.recorded.bank_queries import part_kind
from donate.books.recorded.sheets.disputed import DisputedMoney
from donate.books.recorded.sheets.gift_sums import RECEIPTS
from donate.books.recorded.sheets.open_gifts import OpenMoney, stripe_class
from donate.books.recorded.sheets.sheet_scope import SheetScope, in_parts
from donate.books.recorded.stripe_queries import is_for
from donate.books.sheet.items import ChosenGift, GiftMoney, GiftStanding, SheetItems
from donate.clock import local_date
from donate.gifts.facts import PAYMENT_NAMES
from donate.gifts.models import Gift
from donate.gifts.movements.models import GiftMovement
from donate.gifts.queries import gifts_by_source
from donate.gifts.status import StatusName
from donate.stripe_gateway.balance.models import BalanceTransaction

_STANDINGS: Final = {
    StatusName.PROCESSING: GiftStanding.PROCESSING,
    StatusName.FAILED: GiftStanding.FAILED,
    StatusName.LAPSED: GiftStanding.LAPSED,
}


@dataclass(frozen=True, slots=True)
class _Sources:
    """Maps open gifts to the sources of their payments, to match Stripe transactions with them."""

    of_gift: dict[uuid.UUID, set[str]]

    def of(self, gift_id: uuid.UUID | None, row: BalanceTransaction, name: str) -> str:
        """Return the source of the fact that recorded the same money as a Stripe transaction.

        `name` says what the transaction is about, as `stripe_class` does.
        """
        if name != "payment":
            return row.source_id or row.txn_id
        sources = self.of_gift.get(gift_id, set()) if gift_id else set()
        if row.payment in sources:
            return row.payment
        # A monthly payment is recorded under the id of its invoice.
        return min(sources) if sources else row.payment or row.source_id or row.txn_id


def read_items(
    session: Session,
    scope: SheetScope,
    opened: OpenMoney,
    *,
    disputed: DisputedMoney,
    roles: Collection[AccountRole],
    most: int,
) -> SheetItems:
    """Return the single items of a daily sheet: open gifts with their money, and other open items.

    `roles` are accounts whose Stripe transactions are listed too. Only the newest `most` of these
    transactions, and the newest `most` bank lines of each kind, are read.
    """
    transactions = set(opened.transactions)
    for role in roles:
        statement = select(col(BalanceTransaction.id)).where(
            is_for(role), *scope.shown_transactions
        )
        newest = statement.order_by(col(BalanceTransaction.created_at).desc()).limit(most)
        transactions.update(row[0] for row in session.execute(newest))
    held = sorted(disputed.gifts)[:most]
    gift_ids = opened.gifts | {*held} | _known_gifts(session, transactions)
    gifts = {
        gift.id: gift
        for part in in_parts(gift_ids)
        for gift in session.execute(select(Gift).where(col(Gift.id).in_(part))).scalars()
        if gift.currency == scope.currency
    }
    moved = [
        movement
        for part in in_parts(gifts)
        for movement in session.execute(
            select(GiftMovement).where(col(GiftMovement.gift_id).in_(part), *scope.movements)
        ).scalars()
    ]
    received: defaultdict[uuid.UUID, int] = defaultdict(int)
    sources: defaultdict[uuid.UUID, set[str]] = defaultdict(set)
    for movement in moved:
        if movement.kind in RECEIPTS:
            received[movement.gift_id] += movement.amount_minor
            sources[movement.gift_id].add(movement.source_id)
    return SheetItems(
        gifts=[_chosen(gift, received[gift.id]) for gift in gifts.values()],
        money=[_money(gifts[one.gift_id], one, disputed) for one in moved],
        stripe=list(_stripe(session, scope, set(gifts), transactions, _Sources(sources))),
        bank=list(_bank(session, scope, set(gifts), most)),
    )


def _known_gifts(session: Session, transactions: Collection[int]) -> set[uuid.UUID]:
    """Return the gifts of these transactions' payments, also if the transaction has no gift yet."""
    payments: set[str] = set()
    for part in in_parts(transactions):
        statement = select(col(BalanceTransaction.payment)).where(
            col(BalanceTransaction.id).in_(part), col(BalanceTransaction.payment) != ""
        )
        payments.update(row[0] for row in session.execute(statement))
    return set(gifts_by_source(session, PAYMENT_NAMES, sorted(payments)).values())


def _chosen(gift: Gift, received_minor: int) -> ChosenGift:
    standing = _STANDINGS.get(gift.status, GiftStanding.AWAITED)
    if received_minor:
        standing = GiftStanding.CONFIRMED
    elif gift.received_on:
        standing = GiftStanding.AWAITED  # paid only after the day of the sheet
    return ChosenGift(gift.reference, gift.opened_on, gift.currency, gift.amount_minor, standing)


def _money(gift: Gift, movement: GiftMovement, disputed: DisputedMoney) -> GiftMoney:
    # Stripe's id of a dispute has no number for the round.
    kind = BookedMovement(movement.kind)
    is_dispute = kind in (BookedMovement.DISPUTE, BookedMovement.DISPUTE_RETURNED)
    source = movement.source_id
    source = source.partition(":")[0] if is_dispute else source
    return GiftMoney(
        source,
        gift.reference,
        movement.day,
        movement.currency,
        gift.mode,
        kind,
        movement.amount_minor,
        is_held=is_dispute and source in disputed.disputes,
    )


def _stripe(
    session: Session,
    scope: SheetScope,
    gifts: Collection[uuid.UUID],
    numbers: Collection[int],
    sources: _Sources,
) -> Iterator[StripeBooking]:
    rows: dict[int, tuple[BalanceTransaction, str]] = {}
    for column, ids in ((BalanceTransaction.gift_id, gifts), (BalanceTransaction.id, numbers)):
        for part in in_parts(ids):
            statement = select(BalanceTransaction, stripe_class()).where(
                col(column).in_(part), *scope.shown_transactions
            )
            rows |= {row.id or 0: (row, name) for row, name in session.execute(statement)}
    payments = sorted({row.payment for row, _ in rows.values() if row.payment})
    known = {
        payment: gift_id
        for part in in_parts(payments)
        for payment, gift_id in gifts_by_source(session, PAYMENT_NAMES, part).items()
    }
    for _, (row, name) in sorted(rows.items()):
        yield StripeBooking(
            id=row.txn_id,
            day=local_date(row.created_at, scope.time_zone),
            currency=row.currency,
            type=row.type,
            category=row.reporting_category,
            amount_minor=row.amount_minor,
            fee_minor=row.fee_minor,
            fee_tax_minor=row.tax_minor,
            source_id=sources.of(row.gift_id or known.get(row.payment), row, name),
            balance_type=row.balance_type or PAYMENTS_BALANCE,
            original_minor=row.original_minor,
            original_currency=row.original_currency,
        )


def _bank(
    session: Session, scope: SheetScope, gifts: Collection[uuid.UUID], most: int
) -> Iterator[BankBooking]:
    """Yield parts that pay open gifts, the newest parts for no gift, and the open lines."""
    parts = (
        select(LinePart, RecordedLine, Gift)
        .join(RecordedLine, col(RecordedLine.id) == col(LinePart.line_id))
        .outerjoin(Gift, col(Gift.id) == col(LinePart.gift_id))
        .where(*scope.parts)
    )
    newest = (col(RecordedLine.day).desc(), col(RecordedLine.id).desc())
    found: list[Any] = []
    for some in in_parts(gifts):
        found += session.execute(parts.where(col(LinePart.gift_id).in_(some)))
    other = parts.where(col(LinePart.kind) == PartKind.NO_GIFT).order_by(*newest, col(LinePart.id))
    found += session.execute(other.limit(most))
    for part, line, gift in found:
        kind = part_kind(
            part.kind,
            part.reason,
            is_offline=bool(gift and gift.mode.facts.staff_only),
            amount_minor=part.amount_minor,
        )
        source = part.source_id or f"part {part.id}"
        yield _booking(line, kind, part.amount_minor, source)
    undecided = (
        select(RecordedLine)
        .where(col(RecordedLine.explained_minor) != col(RecordedLine.amount_minor), *scope.lines)
        .order_by(*newest)
    )
    for line in session.execute(undecided.limit(most)).scalars():
        left = line.open_amount.amount_minor
        yield _booking(line, BankPartKind.UNIDENTIFIED, left, f"line {line.id}")


def _booking(line: RecordedLine, kind: BankPartKind, amount_minor: int, source: str) -> BankBooking:
    # The bank account does not matter, because the sheet has one column for all accounts.
    return BankBooking(
        str(line.id), line.day, "bank", line.currency, kind, amount_minor, source_id=source
    )
