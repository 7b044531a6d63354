"""Corrects a closed month with entries on a later day, so that its own entries never change."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Final

from donate.bank.shapes.statement import Sentence
from donate.books.journal.entry import JournalEntry, JournalLine
from donate.books.journal.roles import AccountKey
from donate.errors import N_

_CORRECTION: Final = re.compile(r"C[0-9]+-")
# The account, the fund, and the message and values of the memo.
_Key = tuple[AccountKey, str, str, tuple[tuple[str, str], ...]]


def corrections(
    kept: Iterable[JournalEntry], now: Iterable[JournalEntry], day: date
) -> list[JournalEntry]:
    """Return the entries of `day` that correct the closed months to what the rules give now.

    `kept` are the entries of the closed months as they were when they were closed, with all later
    corrections of them. `now` are the entries that the rules give for these months now. The first
    correction of DON-1 has the number C1-DON-1.
    """
    left: defaultdict[str, Counter[_Key]] = defaultdict(Counter)
    times: Counter[str] = Counter()
    for entry in kept:
        number = _CORRECTION.sub("", entry.number, count=1)
        times[number] += number != entry.number
        for line in entry.lines:
            left[number][_key(line)] -= line.amount_minor
    for entry in now:
        for line in entry.lines:
            left[entry.number][_key(line)] += line.amount_minor
    found = []
    for number in sorted(left):
        lines = tuple(
            JournalLine(account, amount, Sentence(message, dict(values)), fund)
            for (account, fund, message, values), amount in sorted(left[number].items())
            if amount
        )
        if lines:
            about = Sentence(N_("Correction of %(name)s"), {"name": number})
            found.append(JournalEntry(f"C{times[number] + 1}-{number}", day, about, lines))
    return found


def _key(line: JournalLine) -> _Key:
    return line.account, line.fund, line.memo.message, tuple(sorted(line.memo.values.items()))
