"""Pairs nameless lines with gifts whose donors said that they sent them.

Lines of one amount look alike, and nothing tells which line is whose. But if each of these gifts
has a line, all of them were paid, whichever line is whose. So each gift is paired with a line, in
the order of days. If there are too few lines, nobody knows which of the gifts were paid, and all
that could take each other's line get none.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from donate.bank.matching.inputs import BankLine, OpenGift
from donate.money import Money

DAYS_BEFORE_SAID: Final = 1
"""A line may be this many days older than the donor's words: some press the button a day later."""
DAYS_AFTER_SAID: Final = 4
"""A line comes at most this many days after the donor's words, as after a long weekend."""
DatedLine = tuple[BankLine, date]
"""A line, and the day of its transfer, which may be before the day of the line."""


@dataclass(frozen=True, slots=True)
class SentGift:
    """A gift for a nameless line, the day on which its donor said that it was sent.

    `lines` counts the nameless lines of these days with this amount.
    """

    gift: OpenGift
    said_on: date
    lines: int


def pair_sent_gifts(
    lines: Sequence[DatedLine],
    gifts: Sequence[OpenGift],
    *,
    others: Sequence[DatedLine],
    last_day: date,
) -> dict[int, SentGift]:
    """Return the gift for each nameless line that has one, by the line's id.

    `others` are lines with a name that no gift explains. A gift that one of them may pay gets no
    nameless line, and neither does one whose line may come after `last_day`, the end of the
    statements.
    """
    fitting_of, other_of = _by_amount(lines), _by_amount(others)
    found: dict[int, SentGift] = {}
    for amount, those in _by_words(gifts).items():
        fitting = {
            gift.id: _near(fitting_of[amount], said_on)
            for gift, said_on in those
            if not _near(other_of[amount], said_on)
        }
        line_of = _in_order(fitting)
        doubtful = _doubtful(fitting, line_of)
        for gift, said_on in those:
            is_covered = (last_day - said_on).days >= DAYS_AFTER_SAID
            if is_covered and gift.id in fitting and gift.id not in doubtful:
                number = len(fitting[gift.id])
                found[line_of[gift.id]] = SentGift(gift, said_on, number)
    return found


def _by_amount(lines: Iterable[DatedLine]) -> dict[Money, list[tuple[date, int]]]:
    found: dict[Money, list[tuple[date, int]]] = defaultdict(list)
    for line, day in lines:
        found[line.open].append((day, line.id))
    for those in found.values():
        those.sort()
    return found


def _by_words(gifts: Iterable[OpenGift]) -> dict[Money, list[tuple[OpenGift, date]]]:
    """Return the gifts of each amount, with the day of the donor's words, in the order of days."""
    found: dict[Money, list[tuple[OpenGift, date]]] = defaultdict(list)
    for gift in gifts:
        if gift.said_sent_on:
            found[gift.missing].append((gift, gift.said_sent_on))
    for those in found.values():
        those.sort(key=lambda each: (each[1], str(each[0].id)))
    return found


def _near(lines: Iterable[tuple[date, int]], said_on: date) -> list[int]:
    """Return the lines of the days around the donor's words, in the order of days."""
    return [
        line_id
        for day, line_id in lines
        if -DAYS_BEFORE_SAID <= (day - said_on).days <= DAYS_AFTER_SAID
    ]


def _in_order(fitting: Mapping[UUID, Sequence[int]]) -> dict[UUID, int]:
    """Return the first free line for each gift. As all waits are equal, no order finds more."""
    taken: dict[UUID, int] = {}
    free = {line for lines in fitting.values() for line in lines}
    for gift, lines in fitting.items():
        line = next((line for line in lines if line in free), None)
        if line is not None:
            taken[gift] = line
            free.discard(line)
    return taken


def _doubtful(
    fitting: Mapping[UUID, Collection[int]], line_of: Mapping[UUID, int]
) -> frozenset[UUID]:
    """Return the gifts without a line, and those whose line could as well be one of theirs."""
    gift_of = {line: gift for gift, line in line_of.items()}
    doubtful = {gift for gift in fitting if gift not in line_of}
    to_follow = list(doubtful)
    while to_follow:
        for line in fitting[to_follow.pop()]:
            other = gift_of[line]  # if the line were free, the gift would have it
            if other not in doubtful:
                doubtful.add(other)
                to_follow.append(other)
    return frozenset(doubtful)
