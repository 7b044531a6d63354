"""Prepares what the pages of a month show: a draft for an open month, else the stored figures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from donate.books.chart import Chart
from donate.books.months.book_month import BookMonth
from donate.books.months.control.figures import FIGURE_TITLES, SECTION_TITLES
from donate.books.months.control.records import is_correction
from donate.books.months.drafts import MonthDraft
from donate.books.months.models import ClosedMonth
from donate.books.months.month_journal import kept_later
from donate.books.months.open_items import OpenItem, read_item
from donate.books.months.queries import (
    closed_months,
    first_month,
    month_before_start,
    next_to_close,
)
from donate.books.pack.control_totals import ControlTotals
from donate.money import Money, minor_digits
from donate.web.templating import Localizer, translate_stored


@dataclass(frozen=True, slots=True)
class MonthRow:
    """A row in the list of months. The month is closed, the next one to close, or a later one.

    `is_elsewhere` says whether the month was closed elsewhere, before the books start here.
    """

    month: BookMonth
    closed: ClosedMonth | None
    is_next: bool
    has_ended: bool
    is_elsewhere: bool


@dataclass(frozen=True, slots=True)
class ShownFigure:
    """A figure of the control totals, as text. The count and the amount may be empty."""

    title: str
    count: str
    amount: str


@dataclass(frozen=True, slots=True)
class ShownCheck:
    """A check that two files of the pack state the same amounts: its title, and the differences."""

    title: str
    differences: Sequence[Money]


@dataclass(frozen=True, slots=True)
class ShownCorrection:
    """A correction of an entry from an earlier month: its number, and the sum of its debits."""

    number: str
    booked_on: date
    amount: Money | None


def listed_months(session: Session, time_zone: str, today: date) -> list[MonthRow]:
    """Return all months from the first booking to today, newest first."""
    closed = {row.month: row for row in closed_months(session)}
    following = next_to_close(session, time_zone)
    if following is None:
        return []
    start = month_before_start(session)
    booked = first_month(session, time_zone)
    first = min([following.number, *closed, *([booked.number] if booked else [])])
    last = max(following, BookMonth(today.year * 12 + today.month - 1))
    return [
        MonthRow(
            month := BookMonth(number),
            closed.get(number),
            month == following,
            month.last_day < today,
            is_elsewhere=start is not None and number <= start.month,
        )
        for number in range(last.number, first - 1, -1)
    ]


def shown_sections(
    control: ControlTotals, chart: Chart, _: Localizer
) -> Iterator[tuple[str, list[ShownFigure]]]:
    """Yield the title and the figures of each section of the control totals."""
    accounts = chart.titles_in(_.language)
    for section in control.sections:
        yield (
            _(section.title),
            [
                ShownFigure(
                    accounts.get(figure.key) or _(figure.title.message, **figure.title.values),
                    "" if figure.count is None else _.number(figure.count),
                    _.money(figure.amount) if figure.amount else "",
                )
                for figure in section.figures
            ],
        )


def shown_checks(control: ControlTotals, _: Localizer) -> list[ShownCheck]:
    """Return the checks that compare the files of the pack with each other."""
    return [
        ShownCheck(
            _(check.title),
            [Money(amount, currency) for currency, amount in check.differences.items()],
        )
        for check in control.checks
    ]


def net_of(closed: ClosedMonth) -> list[Money]:
    """Return the net amount of the gifts of a closed month, in each currency."""
    figures: list[dict[str, Any]] = closed.control_totals["figures"].get("gifts", [])
    return [_read_money(one) for one in figures if one["figure"] == "net"]


def kept_figures(
    closed: ClosedMonth, chart: Chart, _: Localizer
) -> list[tuple[str, list[ShownFigure]]]:
    """Return the title and the figures of each section that is stored with a closed month."""
    titles, accounts = FIGURE_TITLES, chart.titles_in(_.language)
    return [
        (
            _(SECTION_TITLES[key]),
            [
                ShownFigure(
                    accounts.get(figure["figure"])
                    or translate_stored(_.language, figure["title"], titles),
                    _.number(figure["count"]) if "count" in figure else "",
                    _.money(_read_money(figure)) if "amount" in figure else "",
                )
                for figure in figures
            ],
        )
        for key, figures in closed.control_totals["figures"].items()
    ]


def _read_money(figure: dict[str, Any]) -> Money:
    digits = minor_digits(figure["currency"])
    return Money(int(Decimal(figure["amount"]).scaleb(digits)), figure["currency"])


def kept_items(closed: ClosedMonth) -> list[OpenItem]:
    """Return the items that were open when a month was closed."""
    return [read_item(item) for item in closed.open_items]


def corrections_in(draft: MonthDraft) -> list[ShownCorrection]:
    """Return the corrections of earlier months that are booked in an open month."""
    return [
        ShownCorrection(
            entry.number,
            entry.day,
            Money(sum(line.debit_minor for line in entry.lines), entry.currency),
        )
        for entry in draft.records.entries
        if is_correction(entry)
    ]


def corrections_after(session: Session, month: BookMonth, time_zone: str) -> list[ShownCorrection]:
    """Return the corrections of a closed month that are booked in later months."""
    return [
        ShownCorrection(entry.number, entry.day, None)
        for entry in kept_later(session, month, time_zone)
    ]
