"""Finds transactions of Stripe's balance that a charity does not expect. It only reads."""

from datetime import datetime
from typing import Final

from sqlalchemy import literal_column
from sqlmodel import Session, col, select

from donate.stripe_gateway.balance.categories import NEEDS_A_LOOK, balance_kind
from donate.stripe_gateway.balance.models import ORDINARY_TYPES, BalanceTransaction

# A notice names them, so a few are enough.
_MOST_NAMED: Final = 5


def unexpected_names(session: Session, since: datetime) -> list[str]:
    """Return Stripe's names of the transactions since then that staff should look into.

    The types are literals in the SQL text, so that the databases can use the index of the others.
    """
    type_, category = col(BalanceTransaction.type), col(BalanceTransaction.reporting_category)
    statement = select(BalanceTransaction.type, BalanceTransaction.reporting_category).where(
        *(type_ != literal_column(f"'{each}'") for each in ORDINARY_TYPES),
        col(BalanceTransaction.created_at) >= since,
    )
    rows = session.exec(statement.group_by(type_, category).order_by(type_, category))
    names = {name: None for name, group in rows if balance_kind(name, group) in NEEDS_A_LOOK}
    return list(names)[:_MOST_NAMED]


def has_conversions(session: Session, since: datetime) -> bool:
    """Return whether Stripe converted money into another currency since then, which costs a fee."""
    statement = select(BalanceTransaction.id).where(
        col(BalanceTransaction.original_currency) != literal_column("''"),
        col(BalanceTransaction.created_at) >= since,
    )
    return session.exec(statement.limit(1)).first() is not None
