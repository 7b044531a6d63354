"""Counts business days. Pure."""

from datetime import date, timedelta


def business_days(first: date, last: date) -> int:
    """Return the number of business days from `first` to `last`, without counting `last`.

    All days from Monday to Friday count, even holidays. The number is negative if `last` is
    earlier.
    """
    if last < first:
        return -business_days(last, first)
    weeks, rest = divmod((last - first).days, 7)
    return 5 * weeks + sum((first + timedelta(days)).weekday() < 5 for days in range(rest))
