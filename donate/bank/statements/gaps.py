"""Finds statements that are missing between two others, and confirms that none is.

A file covers the days from its first line to its last line, unless the bank states the period. So
some days between two files are always without a file: nothing happened on them. A gap counts only
if there is a reason to believe that a statement is missing:

- The balances before and after it differ. Then lines are missing for certain. If they are equal,
  nothing is missing, and the gap does not count.
- The balances are not known, and the gap has more business days than the longest time without a
  line in the account's files, and more than `MOST_QUIET`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final

from sqlmodel import Session, col, select

from donate.bank.business_days import business_days
from donate.bank.statements.balances import closing_balance
from donate.bank.statements.models import AccountFile, BankAccount, QuietDays, RecordedLine
from donate.errors import N_, Conflict

MOST_QUIET: Final = 3
"""A gap of at most this many business days counts only if the balances differ."""

_GONE: Final = N_("These days are covered by a file or confirmed meanwhile. Please look again.")
_LINES_ARE_MISSING: Final = N_(
    "The balances before and after these days differ, so there were transactions. Please import "
    "the statement."
)
_DAY: Final = timedelta(days=1)
Days = tuple[date, date]
"""The first and the last day of a period."""


@dataclass(frozen=True, slots=True)
class StatementGap:
    """Days of an account that no file covers, between two files.

    `lines_are_missing` says whether the balances before and after the days differ.
    """

    account_id: int
    account: str
    first_day: date
    last_day: date
    lines_are_missing: bool


def statement_gaps(session: Session) -> list[StatementGap]:
    """Return the days that no file of an account covers, if they count, by account and day."""
    names = {one.id: one.name for one in session.exec(select(BankAccount))}
    covered: dict[int, list[Days]] = defaultdict(list)
    for days in (*session.exec(select(AccountFile)), *session.exec(select(QuietDays))):
        covered[days.account_id].append((days.first_day, days.last_day))
    found = []
    for account_id, every in covered.items():
        periods = merged(every)
        if len(periods) > 1:
            found += _gaps_of(session, account_id, names[account_id], periods)
    return sorted(found, key=lambda gap: (gap.account, gap.first_day))


def merged(days: Iterable[Days]) -> list[Days]:
    """Return the periods that these days cover, in order. Adjacent days make one period."""
    periods: list[Days] = []
    for first, last in sorted(days):
        if periods and first <= periods[-1][1] + _DAY:
            periods[-1] = (periods[-1][0], max(periods[-1][1], last))
        else:
            periods.append((first, last))
    return periods


def longest_quiet(line_days: Sequence[date], periods: Sequence[Days]) -> int:
    """Return the length in business days of the longest covered time without a line.

    `line_days` are the days with lines, in order.
    """
    quiet = 0
    for first, last in periods:
        inside = [first - _DAY, *(day for day in line_days if first <= day <= last), last + _DAY]
        stretches = [business_days(one + _DAY, other) for one, other in pairwise(inside)]
        quiet = max([quiet, *stretches])
    return quiet


def _gaps_of(
    session: Session, account_id: int, account: str, periods: Sequence[Days]
) -> list[StatementGap]:
    days = col(RecordedLine.day)
    statement = select(days).where(RecordedLine.account_id == account_id).distinct().order_by(days)
    line_days = list(session.exec(statement))
    most_quiet = max(MOST_QUIET, longest_quiet(line_days, periods))
    found = []
    for (_, before), (after, _) in pairwise(periods):
        first, last = before + _DAY, after - _DAY
        differs = _balances_differ(session, account_id, line_days, before, after)
        is_long = business_days(first, after) > most_quiet
        if differs or (differs is None and is_long):
            found.append(StatementGap(account_id, account, first, last, bool(differs)))
    return found


def _balances_differ(
    session: Session, account_id: int, line_days: Sequence[date], before: date, after: date
) -> bool | None:
    """Return whether the balances before and after a gap differ; None if they are not known."""
    earlier = [day for day in line_days if day <= before]
    later = [day for day in line_days if day >= after]
    if not (earlier and later):
        return None
    lines = _lines_of(session, account_id, [earlier[-1], later[0]])
    closing = closing_balance(lines[earlier[-1]])
    closing_after = closing_balance(lines[later[0]])
    if closing is None or closing_after is None:
        return None
    return closing_after - sum(amount for amount, _ in lines[later[0]]) != closing


def _lines_of(
    session: Session, account_id: int, days: Sequence[date]
) -> Mapping[date, list[tuple[int, int | None]]]:
    lines: dict[date, list[tuple[int, int | None]]] = defaultdict(list)
    statement = select(RecordedLine).where(
        RecordedLine.account_id == account_id, col(RecordedLine.day).in_(days)
    )
    for line in session.exec(statement):
        lines[line.day].append((line.amount_minor, line.balance_minor))
    return lines


def confirm_quiet_days(
    session: Session, account_id: int, first_day: date, last_day: date, *, actor: str, now: datetime
) -> StatementGap:
    """Record that an account had no transactions on the days of a gap. The caller commits.

    Raises Conflict if there is no such gap any more, or if the balances show that lines are
    missing.
    """
    # The account is locked as for an import, so that the gap stays as it is.
    session.exec(select(BankAccount).where(BankAccount.id == account_id).with_for_update())
    wanted = (account_id, first_day, last_day)
    for gap in statement_gaps(session):
        if (gap.account_id, gap.first_day, gap.last_day) == wanted:
            if gap.lines_are_missing:
                raise Conflict(_LINES_ARE_MISSING)
            session.add(
                QuietDays(
                    account_id=account_id,
                    first_day=first_day,
                    last_day=last_day,
                    confirmed_by=actor,
                    confirmed_at=now,
                )
            )
            return gap
    raise Conflict(_GONE)
