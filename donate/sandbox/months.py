"""Calendar months: finds the same day of a later month, or that month's last day.

https://docs.stripe.com/billing/subscriptions/billing-cycle
"""

from calendar import monthrange
from datetime import UTC, datetime

MONTHS_IN = {"month": 1, "year": 12}


def months_after(anchor: int, months: int) -> int:
    """Return the time `months` calendar months after `anchor`, both in unix seconds."""
    first = datetime.fromtimestamp(anchor, UTC)
    years, month = divmod(first.month - 1 + months, 12)
    year, month = first.year + years, month + 1
    day = min(first.day, monthrange(year, month)[1])
    return int(first.replace(year=year, month=month, day=day).timestamp())


def months_between(anchor: int, moment: int) -> int:
    """Return the number of calendar months from `anchor` to `moment`, ignoring the day."""
    first, later = (datetime.fromtimestamp(second, UTC) for second in (anchor, moment))
    return (later.year - first.year) * 12 + later.month - first.month
