"""Whether a second person must confirm that a month is closed. Pure."""

from collections import Counter

from donate.books.journal.roles import BY_FUND
from donate.books.months.control.records import MonthRecords, is_correction


def needs_second_person(records: MonthRecords, limit_minor: int | None) -> bool:
    """Return whether the gifts' money in any currency adds up to more than the limit.

    Money that was recorded late for a closed month counts too. The limit is in minor units; None
    means that one person is always enough.
    """
    sums: Counter[str] = Counter()
    for one in records.moved:
        sums[one.movement.currency] += abs(one.movement.amount_minor)
    for entry in filter(is_correction, records.entries):
        for line in entry.lines:
            if line.account.role in BY_FUND:
                sums[entry.currency] += abs(line.amount_minor)
    return limit_minor is not None and any(amount > limit_minor for amount in sums.values())
