"""Adds up the transactions of Stripe's balance by their kind in the books. It only reads.

The database adds them up, because a large charity has tens of thousands of them in a month. Only
payouts and top-ups are read one by one, because they have their own journal entries.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select
from sqlmodel import Session, col

from donate.books.journal.balance_rules import RULES, UNKNOWN
from donate.books.journal.bookings import StripeBooking
from donate.books.journal.postings import PAYMENTS_BALANCE
from donate.books.journal.roles import AccountRole
from donate.clock import local_date, start_of_day
from donate.stripe_gateway.balance.models import BalanceTransaction

TOP_UPS: Final = frozenset({"topup", "topup_reversal"})
"""The types and categories of the charity's own money on its way to Stripe."""
_KNOWN_CATEGORIES: Final = tuple(name for rule in RULES for name in rule.categories)
_KNOWN_TYPES: Final = tuple(name for rule in RULES for name in rule.types)


def is_for(role: AccountRole) -> ColumnElement[bool]:
    """Return the SQL condition that the rules book a transaction to this account.

    It must agree with `balance_rule`: the category decides, or the type if no rule has the
    category.
    """
    if role is AccountRole.CURRENCY_EXCHANGE:
        is_converted = col(BalanceTransaction.original_currency) != ""
        return and_(is_for(AccountRole.STRIPE_RECEIVABLE), is_converted)
    rules = [rule for rule in RULES if rule.role is role]
    category, type_ = col(BalanceTransaction.reporting_category), col(BalanceTransaction.type)
    by_type: ColumnElement[bool] = type_.in_([name for rule in rules for name in rule.types])
    if role is UNKNOWN.role:
        by_type = or_(by_type, type_.not_in(_KNOWN_TYPES))
    return or_(
        category.in_([name for rule in rules for name in rule.categories]),
        and_(category.not_in(_KNOWN_CATEGORIES), by_type),
    )


def balance_currencies(session: Session) -> list[str]:
    """Return the currencies of Stripe's balance. Each one is found with the index."""
    found: list[str] = []
    currency = col(BalanceTransaction.currency)
    while True:
        statement = select(func.min(currency)).where(currency > (found[-1] if found else ""))
        following = session.execute(statement).scalar_one()
        if following is None:
            return found
        found.append(following)


def stripe_bookings(
    session: Session, time_zone: str, first_day: date | None, last_day: date | None
) -> Iterator[StripeBooking]:
    """Yield a booking for each payout, and a total for each day and kind of other transactions."""
    created_at = col(BalanceTransaction.created_at)
    for currency in balance_currencies(session):
        first, last = session.execute(
            select(func.min(created_at), func.max(created_at)).where(
                col(BalanceTransaction.currency) == currency
            )
        ).one()
        day = max(first_day or date.min, local_date(first, time_zone))
        end = min(last_day or date.max, local_date(last, time_zone))
        while day <= end:
            yield from _added_up(session, currency, day, list(within(day, day, time_zone)))
            day += timedelta(days=1)


def stripe_totals(
    session: Session, time_zone: str, day: date
) -> Iterator[tuple[StripeBooking, int]]:
    """Yield totals of all transactions up to the end of a day, with that day as their date.

    With each total, yield the sum of the net amounts that Stripe states, in minor units. Unlike
    in `stripe_bookings`, one total has positive and negative amounts, and one has all payouts.
    """
    row = BalanceTransaction
    for currency in balance_currencies(session):
        each = (
            select(
                *(col(row.type), col(row.reporting_category), balance_type()),
                col(row.original_currency),
                *(col(row.amount_minor), col(row.fee_minor), col(row.tax_minor)),
                *(col(row.net_minor), col(row.original_minor)),
            )
            .where(col(row.currency) == currency, *within(None, day, time_zone))
            .subquery()
        )
        *same, gross, fees, taxes, nets, originals = each.c
        sums = [func.sum(column) for column in (gross, fees, taxes, nets, originals)]
        statement = select(*same, *sums, func.count()).group_by(*same)
        for type_, category, balance, original, *found in session.execute(statement):
            amount_minor, fee_minor, tax_minor, net_minor, original_minor, count = map(int, found)
            booking = StripeBooking(
                id="/".join((currency, type_, category, balance, original)),
                day=day,
                currency=currency,
                type=type_,
                category=category,
                amount_minor=amount_minor,
                fee_minor=fee_minor,
                fee_tax_minor=tax_minor,
                balance_type=balance,
                count=count,
                original_minor=original_minor,
                original_currency=original,
            )
            yield booking, net_minor


def _added_up(
    session: Session, currency: str, day: date, conditions: Sequence[ColumnElement[bool]]
) -> Iterator[StripeBooking]:
    """Yield the bookings of a currency, with the date `day`.

    Positive and negative amounts are added up separately, because the journal separates debits from
    credits.
    """
    row = BalanceTransaction
    amount, fee, tax = col(row.amount_minor), col(row.fee_minor), col(row.tax_minor)
    is_payout = is_for(AccountRole.PAYOUTS_IN_TRANSIT)
    # Use a subquery, because PostgreSQL does not recognise an expression with parameters in GROUP
    # BY as the same one as in SELECT.
    each = (
        select(
            *(col(row.type), col(row.reporting_category), balance_type()),
            col(row.original_currency),
            case((is_payout, col(row.txn_id)), else_=literal("")).label("own_id"),
            case((is_payout, col(row.source_id)), else_=literal("")).label("own_source"),
            _sign(amount).label("amount_sign"),
            _sign(fee - tax).label("fee_sign"),
            _sign(tax).label("tax_sign"),
            *(amount, fee, tax, col(row.original_minor)),
        )
        .where(col(row.currency) == currency, *conditions)
        .subquery()
    )
    *same, gross, fees, taxes, originals = each.c
    sums = [func.sum(column) for column in (gross, fees, taxes, originals)]
    statement = select(*same, *sums, func.count()).group_by(*same).order_by(*same)
    for type_, category, balance, original, txn_id, source, *rest in session.execute(statement):
        signs, numbers = rest[:3], map(int, rest[3:])
        amount_minor, fee_minor, tax_minor, original_minor, count = numbers
        about = (str(day), currency, type_, category, balance, original, *map(str, signs))
        yield StripeBooking(
            id=txn_id or "/".join(about),
            day=day,
            currency=currency,
            type=type_,
            category=category,
            amount_minor=amount_minor,
            fee_minor=fee_minor,
            fee_tax_minor=tax_minor,
            source_id=source,
            balance_type=balance,
            count=count,
            original_minor=original_minor,
            original_currency=original,
        )


def balance_type() -> ColumnElement[str]:
    """Return the SQL expression for the balance to which a transaction belongs.

    Accounts with old versions of the API have a single balance, which has no name there.
    """
    named = col(BalanceTransaction.balance_type)
    return case((named == "", literal(PAYMENTS_BALANCE)), else_=named).label("balance")


def within(
    first_day: date | None, last_day: date | None, time_zone: str
) -> Iterator[ColumnElement[bool]]:
    """Yield the SQL conditions that a transaction was created on these days, both included."""
    created_at = col(BalanceTransaction.created_at)
    if first_day:
        yield created_at >= start_of_day(first_day, time_zone)
    if last_day:
        yield created_at < end_of_day(last_day, time_zone)


def end_of_day(day: date, time_zone: str) -> datetime:
    """Return the end of a day, in UTC. It is the time when the next day begins."""
    return start_of_day(day + timedelta(days=1), time_zone)


def _sign(amount: Any) -> ColumnElement[int]:
    return case((amount > 0, 1), (amount < 0, -1), else_=0)
