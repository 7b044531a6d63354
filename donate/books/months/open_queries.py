"""Counts the open items at the end of a month. It only reads."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, case, exists, not_, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from donate.bank.matching.inputs import Band
from donate.bank.reconciliation.models import LinePart
from donate.bank.reconciliation.stripe_moves.queries import (
    has_line,
    is_top_up,
    top_up_has_line,
)
from donate.bank.statements.gaps import statement_gaps
from donate.bank.statements.models import AccountFile, BankAccount, RecordedLine
from donate.bank.transfer_mails.models import InteracTransfer, TransferState
from donate.books.months.book_month import BookMonth
from donate.books.months.open_items import OpenItem, OpenKind as Kind
from donate.books.months.queries import closed_months, closings_of
from donate.books.recorded.closings import is_late
from donate.clock import start_of_day
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift, GiftFact
from donate.gifts.movements.models import GiftMovement
from donate.gifts.movements.rules import MovementKind
from donate.gifts.offline.models import OfflineBatch, OfflineBatchTotal
from donate.gifts.status import StatusName
from donate.money import Money
from donate.stripe_gateway.balance.models import BalanceTransaction, StripePayout
from donate.stripe_gateway.balance.parser import AUTOMATIC_METHOD
from donate.stripe_gateway.models import EventState, StripeEvent

_MOST_NAMED: Final = 5


def open_items(
    session: Session,
    month: BookMonth,
    time_zone: str,
    open_lines: Iterable[tuple[RecordedLine, BankAccount]],
) -> Iterator[OpenItem]:
    """Yield the open items in the records up to the end of a month, one for each kind.

    `open_lines` are the bank lines up to that day that are not fully explained.
    """
    until = start_of_day(month.next.first_day, time_zone)
    yield from _short_statements(session, month)
    yield from _missing_statements(session, month)
    yield from _lines(open_lines)
    yield from _payouts(session, month, until)
    yield from _top_ups(session, until)
    yield from _batches(session, month)
    yield from _events(session)
    yield from _failed_refunds(session, until)
    yield from _disputes(session, month)
    yield from _mails(session, month)


def _item(kind: Kind, amounts: Sequence[tuple[str, int]], names: Sequence[str]) -> OpenItem:
    """Return an item for these amounts and these names."""
    sums: Counter[str] = Counter()
    for currency, amount in amounts:
        sums[currency] += amount
    money = tuple(Money(amount, currency) for currency, amount in sorted(sums.items()))
    return OpenItem(kind, len(names), money, tuple(sorted(names)[:_MOST_NAMED]))


def _some(kind: Kind, rows: Iterable[Any]) -> Iterator[OpenItem]:
    """Yield an item for these rows, if there are any.

    Each row has a name, a currency and an amount.
    """
    found = list(rows)
    if found:
        amounts = [(currency, int(amount or 0)) for _, currency, amount in found if currency]
        yield _item(kind, amounts, [name for name, _, _ in found])


def _short_statements(session: Session, month: BookMonth) -> Iterator[OpenItem]:
    last = func.max(AccountFile.last_day)
    statement = (
        select(BankAccount.name, last)
        .join(AccountFile, col(AccountFile.account_id) == col(BankAccount.id))
        .where(
            exists().where(
                col(RecordedLine.account_id) == col(BankAccount.id),
                col(RecordedLine.day) <= month.last_day,
            )
        )
        .group_by(col(BankAccount.id), BankAccount.name)
        .having(last < month.last_day)
    )
    names = [f"{name} ({day})" for name, day in session.exec(statement)]
    if names:
        yield _item(Kind.STATEMENT, [], names)


def _missing_statements(session: Session, month: BookMonth) -> Iterator[OpenItem]:
    names = [
        f"{gap.account} ({gap.first_day} – {gap.last_day})"
        for gap in statement_gaps(session)
        if gap.first_day <= month.last_day and gap.last_day >= month.first_day
    ]
    if names:
        yield _item(Kind.STATEMENT_MISSING, [], names)


def _lines(open_lines: Iterable[tuple[RecordedLine, BankAccount]]) -> Iterator[OpenItem]:
    """Yield an item for open lines with a suggestion and one for those without.

    Money in and money out are both counted as positive.
    """
    rows: dict[Kind, list[tuple[str, str, int]]] = {}
    for line, account in open_lines:
        has_none = line.band in (None, Band.NONE)
        kind = Kind.LINE_UNDECIDED if has_none else Kind.LINE_SUGGESTED
        row = (f"{line.day} {account.name}", line.currency, abs(line.open_amount.amount_minor))
        rows.setdefault(kind, []).append(row)
    for kind in (Kind.LINE_UNDECIDED, Kind.LINE_SUGGESTED):
        yield from _some(kind, rows.get(kind, []))


def _payouts(session: Session, month: BookMonth, until: datetime) -> Iterator[OpenItem]:
    """Yield items for payouts. Those in transit are the ones that the journal has in transit."""
    payout, back = StripePayout, aliased(BalanceTransaction)
    arrived = col(payout.arrives_on) <= month.last_day
    in_month = col(payout.arrives_on).between(month.first_day, month.last_day)
    failed = col(payout.status) == "failed"
    gone = col(payout.status).in_(["failed", "canceled"])
    is_back = col(back.txn_id) == col(payout.failure_balance_transaction)
    back_in_time = exists().where(is_back, col(back.created_at) < until)
    amount, at_bank = col(payout.amount_minor), _at_bank(session, month, until)
    # Negative if Stripe has taken back a failed payout that is still on the bank account.
    in_transit = case((back_in_time, 0), else_=amount) - at_bank
    not_tied = and_(col(payout.status) == "paid", arrived, ~has_line())
    not_returned = and_(back_in_time, at_bank != 0, ~has_line(is_return=True))
    itemised = col(payout.automatic) & (col(payout.method) == AUTOMATIC_METHOD)
    is_known = or_(~gone, exists().where(is_back))
    on_its_way = (col(payout.created_at) < until, is_known, in_transit != 0)
    for kind, minor, conditions in (
        (Kind.PAYOUT_NOT_TIED, amount, (not_tied,)),
        (Kind.PAYOUT_NOT_RETURNED, amount, (not_returned,)),
        (Kind.PAYOUT_INCOMPLETE, amount, (in_month, ~gone, itemised, ~col(payout.is_complete))),
        (Kind.PAYOUT_IN_TRANSIT, in_transit, (*on_its_way, ~not_tied, ~not_returned)),
        (Kind.PAYOUT_FAILED, amount, (in_month, failed)),
    ):
        row = select(payout.payout_id, payout.currency, minor)
        yield from _some(kind, session.exec(row.where(*conditions)))


def _at_bank(session: Session, month: BookMonth, until: datetime) -> Any:
    """Return a subquery for how much of a payout the bank lines explain, in minor units.

    It is 0 if the payout has not arrived, or was sent back. A part that was decided after the
    line's month was closed counts from the day of the decision.
    """
    decided_later = col(LinePart.decided_at) >= until
    return (
        select(func.coalesce(func.sum(LinePart.amount_minor), 0))
        .join(RecordedLine, col(RecordedLine.id) == col(LinePart.line_id))
        .where(
            col(LinePart.payout_id) == col(StripePayout.id),
            col(LinePart.undone_at).is_(None),
            col(RecordedLine.day) <= month.last_day,
            not_(and_(is_late(closings_of(closed_months(session))), decided_later)),
        )
        .correlate(StripePayout)
        .scalar_subquery()
    )


def _top_ups(session: Session, until: datetime) -> Iterator[OpenItem]:
    row = BalanceTransaction
    name = case((col(row.source_id) == "", col(row.txn_id)), else_=col(row.source_id))
    statement = select(name, row.currency, -col(row.amount_minor)).where(
        is_top_up(), col(row.created_at) < until, ~top_up_has_line()
    )
    yield from _some(Kind.TOP_UP_NOT_TIED, session.exec(statement))


def _batches(session: Session, month: BookMonth) -> Iterator[OpenItem]:
    statement = (
        select(
            *(col(OfflineBatch.id), col(OfflineBatch.name)),
            *(col(OfflineBatchTotal.currency), col(OfflineBatchTotal.entered_minor)),
        )
        .outerjoin(OfflineBatchTotal, col(OfflineBatchTotal.batch_id) == col(OfflineBatch.id))
        .where(~col(OfflineBatch.is_closed), OfflineBatch.day <= month.last_day)
    )
    names: dict[int, str] = {}
    amounts = []
    for batch_id, name, currency, entered in session.exec(statement):
        assert batch_id is not None
        names[batch_id] = name
        if currency:
            amounts.append((currency, entered))
    if names:
        yield _item(Kind.BATCH, amounts, list(names.values()))


def _events(session: Session) -> Iterator[OpenItem]:
    """Yield an item for all events that need review.

    Even an event that arrived after the month may be about it.
    """
    statement = select(StripeEvent.event_id).where(StripeEvent.state == EventState.SET_ASIDE)
    yield from _some(Kind.EVENT, ((name, "", 0) for name in session.exec(statement)))


def _failed_refunds(session: Session, until: datetime) -> Iterator[OpenItem]:
    other = aliased(GiftFact)
    followed_up = exists().where(
        col(other.gift_id) == col(GiftFact.gift_id),
        col(other.kind) == FactKind.REFUND_FOLLOWED_UP,
        col(other.source_id) == col(GiftFact.source_id),
    )
    statement = (
        select(Gift.reference, GiftFact.currency, GiftFact.amount_minor)
        .join(Gift, col(Gift.id) == col(GiftFact.gift_id))
        .where(
            GiftFact.kind == FactKind.REFUND_FAILED,
            col(GiftFact.happened_at) < until,
            ~followed_up,
        )
    )
    yield from _some(Kind.REFUND_FAILED, session.exec(statement))


def _disputes(session: Session, month: BookMonth) -> Iterator[OpenItem]:
    kinds = [MovementKind.DISPUTE, MovementKind.DISPUTE_RETURNED]
    statement = (
        select(Gift.reference, Gift.currency, -func.sum(GiftMovement.amount_minor))
        .join(GiftMovement, col(GiftMovement.gift_id) == col(Gift.id))
        .where(
            Gift.status == StatusName.DISPUTED,
            col(GiftMovement.kind).in_(kinds),
            col(GiftMovement.day) <= month.last_day,
        )
        .group_by(Gift.reference, Gift.currency)
    )
    yield from _some(Kind.DISPUTE, session.exec(statement))


def _mails(session: Session, month: BookMonth) -> Iterator[OpenItem]:
    mail = InteracTransfer
    statement = select(mail.interac_reference, mail.currency, mail.amount_minor).where(
        mail.state == TransferState.DEPOSITED,
        col(mail.bank_line_id).is_(None),
        mail.day <= month.last_day,
    )
    yield from _some(Kind.TRANSFER_MAIL, session.exec(statement))
