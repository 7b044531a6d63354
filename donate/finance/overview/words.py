"""The texts of the overview."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from babel.dates import format_date

from donate.finance.overview.periods import Period
from donate.finance.words import LANGUAGE
from donate.gifts.status import StatusName
from donate.regions.modes import BY_HAND

REFUND_FAILED: Final = "A refund failed. The money came back to us."
NO_FUND: Final = "No fund"

STARTED: Final = "Started"
ON_PAYMENT_PAGE: Final = "On the payment page"
AWAITING_TRANSFER: Final = "Waiting for a transfer"
PROCESSING: Final = "Processing at the bank"
RECEIVED: Final = "Received"
FAILED: Final = "Payment failed"
EXPIRED: Final = "Expired"
# The steps of a gift, in order. Each gift has started, and is at one of the others now.
STEPS: Final = (STARTED, ON_PAYMENT_PAGE, AWAITING_TRANSFER, PROCESSING, RECEIVED, FAILED, EXPIRED)
_STEP_OF_STATUS: Final[Mapping[str, str]] = {
    StatusName.PROCESSING: PROCESSING,
    StatusName.FAILED: FAILED,
    StatusName.LAPSED: EXPIRED,
}

_LOCALE: Final = LANGUAGE.replace("-", "_")
# Above this, a percentage says less than the two amounts do.
_MOST_PERCENT: Final = 999


def step_of(mode: str, status: str) -> str:
    """Return the step at which a gift is now, in the words of STEPS."""
    if status == StatusName.AWAITED:
        return AWAITING_TRANSFER if mode in BY_HAND else ON_PAYMENT_PAGE
    return _STEP_OF_STATUS.get(status, RECEIVED)


def month_name(day: date) -> str:
    """Return the name of the month of `day`: `March`."""
    return format_date(day, "MMMM", locale=_LOCALE)


def month_and_year(day: date) -> str:
    """Return the month of `day` with its year: `March 2026`."""
    return format_date(day, "MMMM y", locale=_LOCALE)


def short_month(day: date) -> str:
    """Return the short name of the month of `day`: `Mar`."""
    return format_date(day, "LLL", locale=_LOCALE).rstrip(".")


def period_name(period: Period) -> str:
    """Return the days of a period: `March 1–10`, or `January 1 – March 10` over several months."""
    first, last = period.first_day, period.last_day
    if first == last:
        return f"{month_name(first)} {first.day}"
    if first.month == last.month:
        return f"{month_name(first)} {first.day}–{last.day}"
    return f"{month_name(first)} {first.day} – {month_name(last)} {last.day}"


def change_sentence(now: int, before: int) -> str:
    """Return how a figure has changed: `up 12%`. Empty if there is nothing to compare it with."""
    if before <= 0:
        return ""
    percent = round((now - before) * 100 / before)
    if percent == 0:
        return "about the same"
    if percent > _MOST_PERCENT:
        return "up more than tenfold"
    return f"up {percent}%" if percent > 0 else f"down {-percent}%"


def days_left(due_on: date, today: date) -> str:
    """Return how far away a deadline is: `today`, `tomorrow`, `in 5 days`."""
    days = (due_on - today).days
    if days <= 0:
        return "today"
    return "tomorrow" if days == 1 else f"in {days} days"


def age_name(youngest: int, oldest: int | None) -> str:
    """Return the name of an age in days: `4–10 days`, `31 days or more`."""
    return f"{youngest} days or more" if oldest is None else f"{youngest}–{oldest} days"


def counted(count: int, one: str, many: str) -> str:
    """Return a count with its noun: `1 gift`, `2,000 gifts`."""
    return f"{count:,} {one if count == 1 else many}"


def compared_months(month: str, count: int, month_before: str, count_before: int) -> str:
    """Return a sentence that compares the paid months of two complete months."""
    if not count and not count_before:
        return f"No monthly gifts were paid in {month_before} or {month}."
    paid = counted(count, "monthly gift was", "monthly gifts were")
    if count == count_before:
        return f"In {month}, {paid} paid, as many as in {month_before}."
    change = f"{abs(count - count_before):,} {'more' if count > count_before else 'fewer'}"
    return f"In {month}, {paid} paid, {change} than in {month_before}."
