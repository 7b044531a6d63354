"""Composes the page with all gifts of an address: monthly gifts first, then gifts by year. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from donate.donors.own_page import words
from donate.donors.own_page.queries import YearTotal
from donate.gifts.models import Gift
from donate.gifts.monthly.models import PledgeRow
from donate.gifts.monthly.pledge_copy import PledgeStage
from donate.money import Money


@dataclass(frozen=True, slots=True)
class PledgeLine:
    """A monthly gift on the page. `next_on` and `resumes_on` are None unless they are to come."""

    first: Gift
    each_month: Money
    state: str
    colour: str
    next_on: date | None
    resumes_on: date | None
    ended_on: date | None


@dataclass(frozen=True, slots=True)
class GiftLine:
    """A gift on the page. `amount` is what was received; before that, what the donor chose."""

    gift: Gift
    day: date
    amount: Money


@dataclass(frozen=True, slots=True)
class YearOfGifts:
    """The gifts of a year, and their total in each currency.

    The total counts all gifts of the year, even if this page of the list shows only some of them.
    """

    year: int
    totals: list[Money]
    gifts: list[GiftLine]


def pledge_lines(pledges: Iterable[tuple[Gift, PledgeRow]], today: date) -> list[PledgeLine]:
    """Return the monthly gifts as the page shows them."""
    return [_pledge_line(first, row, today) for first, row in pledges]


def _pledge_line(first: Gift, row: PledgeRow, today: date) -> PledgeLine:
    state, colour = words.STAGES[row.stage]
    # Leave out a date that has passed: Stripe may not have reported yet what happened then.
    next_on = row.next_on if row.next_on and row.next_on >= today else None
    resumes_on = row.resumes_on if row.resumes_on and row.resumes_on >= today else None
    return PledgeLine(
        first=first,
        each_month=Money(row.amount_minor, row.currency),
        state=state,
        colour=colour,
        next_on=next_on,
        resumes_on=resumes_on,
        ended_on=row.ends_on if row.stage is PledgeStage.ENDED else None,
    )


def years_of_gifts(gifts: Iterable[Gift], totals: Collection[YearTotal]) -> list[YearOfGifts]:
    """Group gifts, which are in the order of their days, by year."""
    lines = [GiftLine(gift, _day(gift), _amount(gift)) for gift in gifts]
    return [
        YearOfGifts(
            year,
            [total.net for total in totals if total.year == year and total.net.amount_minor],
            list(of_year),
        )
        for year, of_year in groupby(lines, key=lambda line: line.day.year)
    ]


def _day(gift: Gift) -> date:
    return gift.received_on or gift.opened_on


def _amount(gift: Gift) -> Money:
    return gift.received if gift.received_minor else gift.amount
