"""Checks the books: the journal must balance, and no daily sheet may have an unexplained amount.

The columns of a daily sheet are sums over days. So each payout is compared with its transactions,
and the lines between two known balances of a bank account with these balances. If they all agree,
every day agrees, and no day has to be added up by itself. `donate.gifts.audit` checks the day
totals against the facts. The sheet of today is read as staff see it. Nothing is written.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from donate.bank.statements.balances import closing_balance
from donate.bank.statements.models import BankAccount, RecordedLine
from donate.books.journal.entry import balances_of
from donate.books.journal.journal import journal_of
from donate.books.journal.roles import AccountRole
from donate.books.recorded.closings import Closing
from donate.books.recorded.reading import read_bookings
from donate.books.recorded.sheets.day_sheets import RecordedSheet, read_sheets
from donate.books.sheet.items import Stage
from donate.stripe_gateway.balance.models import BalanceTransaction, StripePayout

_PLACES = {
    AccountRole.STRIPE_CLEARING: Stage.AT_STRIPE,
    AccountRole.PAYOUTS_IN_TRANSIT: Stage.IN_TRANSIT,
    AccountRole.BANK: Stage.AT_BANK,
}


def books_differences(
    session: Session, day: date, *, time_zone: str, closings: Sequence[Closing] = ()
) -> Iterator[str]:
    """Yield a sentence for each error in the books, or in a daily sheet up to `day`."""
    sheets = read_sheets(session, day, time_zone=time_zone, closings=closings)
    for one in sheets:
        for stage in Stage:
            amount = one.sheet.unexplained(stage)
            if amount:
                yield (
                    f"books on {day}: {amount} of {stage} in {one.sheet.currency} is unexplained"
                )
    yield from _wrong_journal(session, day, time_zone, closings, sheets)
    yield from _wrong_payouts(session)
    yield from _wrong_contents(session)
    yield from _wrong_balances(session)


def _wrong_journal(
    session: Session,
    day: date,
    time_zone: str,
    closings: Sequence[Closing],
    sheets: Sequence[RecordedSheet],
) -> Iterator[str]:
    """Yield a sentence for each account whose journal entries do not equal the stated total."""
    bookings = read_bookings(session, time_zone=time_zone, last_day=day, closings=closings)
    try:
        balances = balances_of(journal_of(bookings, last_day=day))
    except ValueError as error:
        yield f"journal: {error}"
        return
    for sheet in (one.sheet for one in sheets):
        for role, stage in _PLACES.items():
            booked = sum(
                amount
                for key, amount in balances.items()
                if (key.role, key.currency) == (role, sheet.currency)
            )
            if booked != sheet.stated.of(stage):
                yield (
                    f"journal: {role} in {sheet.currency} comes to {booked}, but "
                    f"{sheet.stated.of(stage)} is stated"
                )


def _wrong_payouts(session: Session) -> Iterator[str]:
    """Yield a sentence for each payout whose own transaction differs from it in amount or currency.

    A payout has a transaction in Stripe's balance when it leaves, and another one if it fails.
    """
    own, back = aliased(BalanceTransaction), aliased(BalanceTransaction)
    amount = col(StripePayout.amount_minor)
    statement = (
        select(col(StripePayout.payout_id))
        .outerjoin(own, col(own.txn_id) == col(StripePayout.balance_transaction))
        .outerjoin(back, col(back.txn_id) == col(StripePayout.failure_balance_transaction))
        .where(
            or_(
                col(own.amount_minor) != -amount,
                col(back.amount_minor) != amount,
                col(own.currency) != col(StripePayout.currency),
                col(back.currency) != col(StripePayout.currency),
            )
        )
        .order_by(col(StripePayout.id))
    )
    for (payout_id,) in session.execute(statement):
        yield f"payout {payout_id}: its own transaction in Stripe's balance has another amount"


def _wrong_contents(session: Session) -> Iterator[str]:
    """Yield a sentence for each complete payout that is not the sum of its transactions."""
    inside = aliased(BalanceTransaction)
    total = func.coalesce(func.sum(col(inside.net_minor)), 0)
    statement = (
        select(col(StripePayout.payout_id), col(StripePayout.amount_minor), total)
        .outerjoin(
            inside,
            and_(
                col(inside.payout_row) == col(StripePayout.id),
                col(inside.source_id) != col(StripePayout.payout_id),
            ),
        )
        .where(col(StripePayout.is_complete))
        .group_by(col(StripePayout.id), col(StripePayout.payout_id), col(StripePayout.amount_minor))
        .having(total != col(StripePayout.amount_minor))
        .order_by(col(StripePayout.id))
    )
    for payout_id, amount, found in session.execute(statement):
        yield f"payout {payout_id}: it is {amount}, but its transactions add up to {int(found)}"


def _wrong_balances(session: Session) -> Iterator[str]:
    """Yield a sentence for each day whose stated balance does not follow from the lines before."""
    accounts = session.execute(select(col(BankAccount.id), col(BankAccount.name)))
    names = {row[0]: row[1] for row in accounts}
    line = RecordedLine
    statement = select(
        col(line.account_id), col(line.day), col(line.amount_minor), col(line.balance_minor)
    ).order_by(col(line.account_id), col(line.day))
    last: defaultdict[int, tuple[int, int] | None] = defaultdict(lambda: None)
    rows: Iterator[Any] = iter(session.execute(statement))
    for (account_id, day), of_day in groupby(rows, key=lambda row: (row[0], row[1])):
        lines = [(amount, balance) for _, _, amount, balance in of_day]
        moved = sum(amount for amount, _ in lines)
        balance, before = closing_balance(lines), last[account_id]
        since = moved + (before[1] if before else 0)
        if balance is None:
            if before:
                last[account_id] = (before[0], since)
            continue
        if before and before[0] + since != balance:
            yield (
                f"bank account {names[account_id]}: on {day} its statement has {balance}, but the "
                f"lines lead to {before[0] + since}"
            )
        last[account_id] = (balance, 0)
