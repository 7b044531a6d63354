"""Decides when automatic payouts are made: https://docs.stripe.com/payouts#payout-schedule."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

Interval = Literal["daily", "manual", "monthly", "weekly"]

DAY_S = 86_400
_SATURDAY = 5


@dataclass(frozen=True)
class Schedule:
    """The account's payout settings.

    Stripe's default is `daily`. The sandbox's default is `manual`, so that only tests about payouts
    get payouts. The money of a charge is available `delay_days` days after the charge.
    `weekly_anchor` is 0 for Monday; `monthly_anchor` is a day of the month. `minimum` is the
    smallest payout in minor units. With `debit_negative_balances`, Stripe debits the bank account
    for a negative balance on the next day, whatever the interval:
    https://support.stripe.com/questions/what-happens-when-i-have-a-negative-balance If
    `gives_trace_ids` is false, the banks give no trace ids, and Stripe says so after ten days.
    """

    interval: Interval = "manual"
    delay_days: int = 3
    weekly_anchor: int = 4
    monthly_anchor: int = 1
    minimum: int = 1
    debit_negative_balances: bool = False
    gives_trace_ids: bool = True

    def pays_on(self, midnight: int) -> bool:
        """Return whether automatic payouts are made at this midnight, in unix seconds."""
        day = datetime.fromtimestamp(midnight, UTC)
        match self.interval:
            case "daily":
                return True
            case "weekly":
                return day.weekday() == self.weekly_anchor
            case "monthly":
                # If the month has fewer days, its last day counts.
                last = monthrange(day.year, day.month)[1]
                return day.day == min(self.monthly_anchor, last)
        return False


def business_days_after(moment: int, days: int) -> int:
    """Return the midnight (UTC) that begins the day `days` business days after `moment`."""
    midnight = moment - moment % DAY_S
    while days:
        midnight += DAY_S
        days -= datetime.fromtimestamp(midnight, UTC).weekday() < _SATURDAY
    return midnight
