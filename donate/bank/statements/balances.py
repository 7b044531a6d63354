"""The balance after a day, from the balances that a statement states with its lines. Pure.

Few banks show the order of the lines within a day. But each line leads from one balance to the
next. So the balance after the last line is the only one from which no other line starts.
"""

from collections import Counter
from collections.abc import Iterable


def closing_balance(lines: Iterable[tuple[int, int | None]]) -> int | None:
    """Return the balance after all lines of a day. Each line is an amount and the balance after it.

    Returns None if the balances do not form a single chain, or if the balance after the day is the
    same as before.
    """
    ends: Counter[int] = Counter()
    for amount, balance in lines:
        if balance is None:
            return None
        ends[balance] += 1
        ends[balance - amount] -= 1
    left = {balance: times for balance, times in ends.items() if times}
    if sorted(left.values()) != [-1, 1]:
        return None
    return next(balance for balance, times in left.items() if times == 1)
