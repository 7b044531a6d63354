"""The sums above the gift list.

They come from the day totals, so no gift has to be read for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlmodel import Session

from donate.finance.movements.queries import MoneyTotal, money_totals
from donate.gifts.listing.filters import GiftFilter
from donate.gifts.movements.models import Subject
from donate.gifts.movements.totals import TotalFilter, add_up
from donate.money import Money

LONGEST: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class GiftSum:
    """How many gifts in one currency were started, and the sum of their amounts."""

    count: int
    amount: Money


@dataclass(frozen=True, slots=True)
class ListSums:
    """The sums above the list: of gifts, or of money in and out if the filter is about that.

    One of the two fields is empty.
    """

    gifts: Sequence[GiftSum] = ()
    money: Sequence[MoneyTotal] = ()


def list_sums(session: Session, filters: GiftFilter, today: date) -> ListSums | None:
    """Return the sums for the gifts that match; None if the day totals cannot provide them."""
    totals = gift_total_filter(filters) or _movement_total_filter(filters)
    if totals is None or totals.first_day is None:
        return None
    if (totals.last_day or today) - totals.first_day > LONGEST:
        return None
    if totals.subject is Subject.MOVEMENT:
        return ListSums(money=money_totals(session, totals))
    return ListSums(
        [
            GiftSum(total.count, Money(total.amount_minor, total.currency))
            for total in add_up(session, totals)
        ]
    )


def gift_total_filter(filters: GiftFilter) -> TotalFilter | None:
    """Return a filter for the day totals that counts the same gifts as `filters`.

    None if there is no such filter: the day totals count a gift only on the day it was started.
    """
    if _needs_gifts(filters) or (filters.has_days and filters.by != "chosen"):
        return None
    return _total_filter(Subject.GIFT, filters)


def _movement_total_filter(filters: GiftFilter) -> TotalFilter | None:
    if _needs_gifts(filters) or filters.statuses or filters.by != "moved":
        return None
    return _total_filter(Subject.MOVEMENT, filters)


def _total_filter(subject: Subject, filters: GiftFilter) -> TotalFilter:
    return TotalFilter(
        subject,
        first_day=filters.first_day,
        last_day=filters.last_day,
        kinds=filters.statuses,
        currencies=filters.currencies,
        codes=filters.codes,
        modes=filters.modes,
        funds=filters.funds,
    )


def _needs_gifts(filters: GiftFilter) -> bool:
    """Whether the filter uses a field that the day totals do not have."""
    return bool(
        filters.flags
        or filters.frequencies
        or filters.languages
        or filters.announced
        or filters.least
        or filters.most
    )
