"""The texts on the overview page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from donate.errors import N_
from donate.finance.overview.charts import Bar
from donate.finance.overview.periods import Period
from donate.gifts.status import StatusName
from donate.regions.modes import BY_HAND
from donate.web.templating import Localizer

STARTED: Final = N_("Gifts started")
ON_PAYMENT_PAGE: Final = N_("On the payment page")
AWAITING_TRANSFER: Final = N_("Waiting for a transfer")
PROCESSING: Final = N_("Processing at the bank")
RECEIVED: Final = N_("Received")
FAILED: Final = N_("Payment failed")
EXPIRED: Final = N_("Expired")
# The steps of a gift, in order. Every gift has been started, and is now at one of the other steps.
STEPS: Final = (STARTED, ON_PAYMENT_PAGE, AWAITING_TRANSFER, PROCESSING, RECEIVED, FAILED, EXPIRED)
_STEP_OF_STATUS: Final[Mapping[str, str]] = {
    StatusName.PROCESSING: PROCESSING,
    StatusName.FAILED: FAILED,
    StatusName.LAPSED: EXPIRED,
}

# Above this percentage, the text says "more than tenfold" instead.
_MOST_PERCENT: Final = 999


@dataclass(frozen=True, slots=True)
class BreakdownWords:
    """The texts for a breakdown: a table of a period's money by the values of the column `key`."""

    key: str
    column: str
    heading: str
    chart: str


BREAKDOWNS: Final = (
    BreakdownWords(
        "mode",
        N_("Method"),
        N_("By method in %(month)s"),
        N_("Money in by method, %(period)s"),
    ),
    BreakdownWords(
        "fund", N_("Fund"), N_("By fund in %(month)s"), N_("Money in by fund, %(period)s")
    ),
    BreakdownWords(
        "code", N_("Code"), N_("By code in %(month)s"), N_("Money in by code, %(period)s")
    ),
)


def step_of(mode: str, status: str) -> str:
    """Return the step of STEPS that a gift has reached."""
    if status == StatusName.AWAITED:
        return AWAITING_TRANSFER if mode in BY_HAND else ON_PAYMENT_PAGE
    return _STEP_OF_STATUS.get(status, RECEIVED)


def month_name(day: date, _: Localizer) -> str:
    """Return the name of the month of `day`, such as `March`."""
    return _.month(day, "MMMM")


def short_month(day: date, _: Localizer) -> str:
    """Return the short name of the month of `day`, such as `Mar`."""
    return _.month(day, "LLL").rstrip(".")


def day_of_month(day: date, _: Localizer) -> str:
    """Return a day as text, such as `March 2`."""
    month, number = month_name(day, _), _day_number(day, _)
    return _("%(month)s %(number)s", month=month, number=number)


def period_name(period: Period, _: Localizer) -> str:
    """Return a period as text, such as `March 1–10` or `January 1 – March 10`."""
    first, last = period.first_day, period.last_day
    if first == last:
        return day_of_month(first, _)
    if first.month == last.month:
        return _(
            "%(month)s %(first)s–%(last)s",
            month=month_name(first, _),
            first=_day_number(first, _),
            last=_day_number(last, _),
        )
    both = {"first": day_of_month(first, _), "last": day_of_month(last, _)}
    return _("%(first)s – %(last)s", **both)


def _day_number(day: date, _: Localizer) -> str:
    return _("1") if day.day == 1 else str(day.day)


def change_sentence(now: int, before: int, _: Localizer) -> str:
    """Return how a figure has changed, such as `up 12%`.

    Return "" if there is nothing to compare.
    """
    if before <= 0:
        return ""
    percent = round((now - before) * 100 / before)
    if percent == 0:
        return _("about the same")
    if percent > _MOST_PERCENT:
        return _("up more than tenfold")
    size = _.percent(abs(percent))
    return _("up %(percent)s", percent=size) if percent > 0 else _("down %(percent)s", percent=size)


def days_left(due_on: date, today: date, language: str) -> str:
    """Return a sentence about the time until a deadline, such as `Due tomorrow`."""
    _, days = Localizer(language), (due_on - today).days
    if days <= 0:
        return _("Due today.")
    if days == 1:
        return _("Due tomorrow.")
    return _("Due in %(days)s days.", days=_.number(days))


def age_name(youngest: int, oldest: int | None, _: Localizer) -> str:
    """Return a range of ages as text, such as `4–10 days` or `31 days or more`."""
    if oldest is None:
        return _("%(youngest)s days or more", youngest=str(youngest))
    return _("%(youngest)s–%(oldest)s days", youngest=str(youngest), oldest=str(oldest))


def compared_months(
    month: str, count: int, month_before: str, count_before: int, _: Localizer
) -> str:
    """Return a sentence that compares the monthly payments received in two complete months."""
    months = {"month": month, "month_before": month_before}
    if not count and not count_before:
        return _("No monthly gifts were paid in %(month_before)s or %(month)s.", **months)
    if count == count_before:
        return _.ngettext(
            "In %(month)s, %(count)s monthly gift was paid, as many as in %(month_before)s.",
            "In %(month)s, %(count)s monthly gifts were paid, as many as in %(month_before)s.",
            count,
            **months,
        )
    months["change"] = _.number(abs(count - count_before))
    if count > count_before:
        return _.ngettext(
            "In %(month)s, %(count)s monthly gift was paid, %(change)s more than in "
            "%(month_before)s.",
            "In %(month)s, %(count)s monthly gifts were paid, %(change)s more than in "
            "%(month_before)s.",
            count,
            **months,
        )
    return _.ngettext(
        "In %(month)s, %(count)s monthly gift was paid, %(change)s fewer than in %(month_before)s.",
        "In %(month)s, %(count)s monthly gifts were paid, %(change)s fewer than in "
        "%(month_before)s.",
        count,
        **months,
    )


def described_bars(bars: Sequence[Bar], _: Localizer) -> str:
    """Return the bars of a chart as sentences, for people who cannot see the chart."""
    return " ".join(_("%(label)s: %(value)s", label=b.label, value=b.figure) + "." for b in bars)
