"""The balance of each bank account at the end of a day, according to its statements. Only reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final

from sqlalchemy import func, select
from sqlmodel import Session, col

from donate.bank.statements.balances import closing_balance
from donate.bank.statements.models import AccountFile, BankAccount, RecordedLine

# How many days with lines are searched from each end for a day whose closing balance is known.
_DAYS: Final = 40
_LINE = RecordedLine


@dataclass(frozen=True, slots=True)
class StatedBalance:
    """The state of a bank account at the end of a day. Amounts are in minor units.

    `lines_minor` is the sum of its lines since the first one. `stated_minor` is the same sum
    according to the balances in its statements; None if they have no balances. `known_until` is the
    last day that its statements cover.
    """

    name: str
    lines_minor: int
    stated_minor: int | None
    known_until: date


def stated_balances(session: Session, currency: str, day: date) -> list[StatedBalance]:
    """Return the state of each account in a currency that has lines up to a day, sorted by name."""
    found = []
    accounts = select(BankAccount).where(col(BankAccount.currency) == currency)
    for account in session.execute(accounts.order_by(col(BankAccount.name))).scalars():
        assert account.id is not None
        if _has_lines(session, account.id, day):
            found.append(
                StatedBalance(
                    account.name,
                    _sum(session, account.id, None, day),
                    _stated(session, account.id, day),
                    _known_until(session, account.id, day),
                )
            )
    return found


def _stated(session: Session, account_id: int, day: date) -> int | None:
    first = _first_known(session, account_id, day, is_newest=False)
    last = _first_known(session, account_id, day, is_newest=True)
    if first is None or last is None:
        return None
    (first_day, first_balance), (last_day, last_balance) = first, last
    until_first = _sum(session, account_id, None, first_day)
    return until_first + last_balance - first_balance + _sum(session, account_id, last_day, day)


def _first_known(
    session: Session, account_id: int, day: date, *, is_newest: bool
) -> tuple[date, int] | None:
    """Return the first or the last day whose closing balance is known, and this balance."""
    column = col(_LINE.day)
    of_account = (col(_LINE.account_id) == account_id, column <= day)
    order = column.desc() if is_newest else column
    days = select(column).where(*of_account).distinct().order_by(order).limit(_DAYS)
    ordered = [row[0] for row in session.execute(days)]
    statement = (
        select(column, col(_LINE.amount_minor), col(_LINE.balance_minor))
        .where(col(_LINE.account_id) == account_id, column.in_(ordered))
        .order_by(order)
    )
    for one_day, rows in groupby(session.execute(statement).all(), key=lambda row: row[0]):
        balance = closing_balance((amount, balance) for _, amount, balance in rows)
        if balance is not None:
            return one_day, balance
    return None


def _has_lines(session: Session, account_id: int, day: date) -> bool:
    statement = select(col(_LINE.id)).where(
        col(_LINE.account_id) == account_id, col(_LINE.day) <= day
    )
    return session.execute(statement.limit(1)).first() is not None


def _sum(session: Session, account_id: int, after: date | None, until: date) -> int:
    conditions = [col(_LINE.account_id) == account_id, col(_LINE.day) <= until]
    if after:
        conditions.append(col(_LINE.day) > after)
    statement = select(func.coalesce(func.sum(col(_LINE.amount_minor)), 0)).where(*conditions)
    return int(session.execute(statement).scalar_one())


def _known_until(session: Session, account_id: int, day: date) -> date:
    """Return the last day that the account's statements cover, but not later than `day`."""
    last = select(func.max(col(AccountFile.last_day))).where(
        col(AccountFile.account_id) == account_id
    )
    known = session.execute(last).scalar_one()
    return day if known is None else min(known, day)


def total(balances: Sequence[StatedBalance]) -> int:
    """Return the sum of the balances of all accounts.

    For an account without a stated balance, the sum of its lines is used.
    """
    return sum(
        one.lines_minor if one.stated_minor is None else one.stated_minor for one in balances
    )
