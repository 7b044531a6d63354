"""Decides which lines of a file are already recorded. Pure functions.

Banks give lines no permanent id, so a line is identified by its day, amount and text, and equal
lines are counted: if a file has two equal lines and one is recorded, the other one is new. Counting
is wrong if two files hold different parts of the same day, for example after an export at noon.
`compare_lines` finds the lines for which this may be so. Then a person has to decide, unless the
running balance shows it.
"""

import hashlib
import unicodedata
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from donate.bank.shapes.statement import StatementLine


class DayPart(StrEnum):
    """Which part of a day a file contains, as far as that is known."""

    WHOLE = "whole"
    BEGINNING = "beginning"  # The bank may have booked more after the export.
    END = "end"  # The file may begin in the middle of the day.
    UNKNOWN = "unknown"


class DoubtKind(StrEnum):
    """Why it is not known whether a line is already recorded."""

    PART_OF_A_DAY = "part_of_a_day"  # Two files may cover different parts of the line's day.
    OTHER_BALANCE = "other_balance"  # The recorded line has another balance after it.
    OTHER_TEXT = "other_text"  # The recorded line has another text.


DayParts = Mapping[date, DayPart]


def day_part(day: date, first: date, last: date) -> DayPart:
    """Return which part of a day is in a file whose lines are from `first` to `last`."""
    if first < day:
        return DayPart.WHOLE if day < last else DayPart.BEGINNING
    return DayPart.END if day < last else DayPart.UNKNOWN


def joined_part(parts: Collection[DayPart]) -> DayPart:
    """Return which part of a day several files contain together."""
    if DayPart.WHOLE in parts:
        return DayPart.WHOLE
    return next(iter(parts)) if len(set(parts)) == 1 else DayPart.UNKNOWN


@dataclass(frozen=True, slots=True)
class LineIdentity:
    """What identifies a line within its account, apart from the count of equal lines."""

    day: date
    amount_minor: int
    text_key: str


@dataclass(frozen=True, slots=True)
class KnownLine:
    """A line of the account that is already recorded."""

    identity: LineIdentity
    text: str
    balance_minor: int | None


@dataclass(frozen=True, slots=True)
class Doubt:
    """A line of a file that may or may not be the recorded line `known`."""

    line: StatementLine
    known: KnownLine
    kind: DoubtKind


@dataclass(frozen=True, slots=True)
class FileComparison:
    """The lines of a file, divided into new lines, recorded lines, and doubtful lines.

    `recorded_count` is how many lines were already recorded for these days.
    """

    new: tuple[StatementLine, ...]
    known: tuple[StatementLine, ...]
    doubts: tuple[Doubt, ...]
    recorded_count: int


def identity_of(line: StatementLine) -> LineIdentity:
    """Return what identifies a line within its account."""
    return LineIdentity(line.day, line.amount.amount_minor, text_key(line.text))


def text_key(text: str) -> str:
    """Return a hash of a line's text that ignores case and the number of spaces."""
    plain = " ".join(unicodedata.normalize("NFKC", text).split()).casefold()
    return hashlib.sha256(plain.encode()).hexdigest()


def compare_lines(
    lines: Sequence[StatementLine],
    recorded: Sequence[KnownLine],
    *,
    covered: DayParts,
    recorded_parts: DayParts,
) -> FileComparison:
    """Compare the lines of a file with the recorded lines of the same account.

    `recorded` has all lines that are recorded for the days of the file. `covered` says which part
    of each day the file contains, and `recorded_parts` which part the earlier files contain.
    """
    in_file: dict[LineIdentity, list[StatementLine]] = defaultdict(list)
    in_store: dict[LineIdentity, list[KnownLine]] = defaultdict(list)
    for line in lines:
        in_file[identity_of(line)].append(line)
    for one in recorded:
        in_store[one.identity].append(one)
    ends = Counter((line.day, line.balance_minor) for line in lines)
    new: list[StatementLine] = []
    known: list[StatementLine] = []
    doubts: list[Doubt] = []
    for identity, equal in in_file.items():
        left, candidates = _without_equal_balances(equal, in_store[identity], known)
        for line in left:
            if not candidates:
                new.append(line)
                continue
            candidate = candidates.popleft()
            if _follows(line, candidate, ends):
                new.append(line)
            elif _balances_differ(line, candidate):
                doubts.append(Doubt(line, candidate, DoubtKind.OTHER_BALANCE))
            elif not _may_count(covered[identity.day], recorded_parts[identity.day]):
                doubts.append(Doubt(line, candidate, DoubtKind.PART_OF_A_DAY))
            else:
                known.append(line)
    new, changed = _with_other_text(new, in_file, in_store)
    return FileComparison(
        _in_order(new), _in_order(known), tuple(doubts + changed), recorded_count=len(recorded)
    )


def _in_order(lines: Iterable[StatementLine]) -> tuple[StatementLine, ...]:
    return tuple(sorted(lines, key=lambda line: line.row))


def _may_count(one: DayPart, other: DayPart) -> bool:
    """Whether counting equal lines is right for two files with these parts of a day.

    It is right if one of the parts includes all lines of the other.
    """
    return DayPart.WHOLE in (one, other) or (one is other and one is not DayPart.UNKNOWN)


def _without_equal_balances(
    lines: list[StatementLine], recorded: list[KnownLine], known: list[StatementLine]
) -> tuple[list[StatementLine], deque[KnownLine]]:
    """Add lines to `known` if a recorded line has the same balance.

    Return the other lines of the file, and the other recorded lines.
    """
    # A file may have tens of thousands of equal lines, so look recorded lines up by their balance.
    by_balance: dict[int | None, deque[int]] = defaultdict(deque)
    for place, one in enumerate(recorded):
        if one.balance_minor is not None:
            by_balance[one.balance_minor].append(place)
    left: list[StatementLine] = []
    taken: set[int] = set()
    for line in lines:
        same = by_balance.get(line.balance_minor)
        if same:
            taken.add(same.popleft())
            known.append(line)
        else:
            left.append(line)
    candidates = [one for place, one in enumerate(recorded) if place not in taken]
    # A line without a balance fits any recorded line, so compare the lines with a balance first.
    left.sort(key=lambda line: line.balance_minor is None)
    candidates.sort(key=lambda one: one.balance_minor is not None)
    return left, deque(candidates)


def _balances_differ(line: StatementLine, recorded: KnownLine) -> bool:
    return None not in (line.balance_minor, recorded.balance_minor) and (
        line.balance_minor != recorded.balance_minor
    )


def _follows(
    line: StatementLine, recorded: KnownLine, ends: Counter[tuple[date, int | None]]
) -> bool:
    """Whether the balances show that the line came right after an equal, recorded line."""
    if line.balance_minor is None or recorded.balance_minor is None:
        return False
    before = line.balance_minor - line.amount.amount_minor
    # If a line of the file has this balance, the line may follow that line instead.
    return before == recorded.balance_minor and not ends[line.day, before]


def _with_other_text(
    new: list[StatementLine],
    in_file: dict[LineIdentity, list[StatementLine]],
    in_store: dict[LineIdentity, list[KnownLine]],
) -> tuple[list[StatementLine], list[Doubt]]:
    """Find the new lines that may be recorded already, because the bank has changed their text.

    The recorded line has the same day and amount, and the file has no line with its text. Return
    the lines that are certainly new, and a doubt for each of the others.
    """
    missing: dict[tuple[date, int], deque[KnownLine]] = defaultdict(deque)
    for identity, known in in_store.items():
        surplus = len(known) - len(in_file.get(identity, ()))
        missing[identity.day, identity.amount_minor] += known[:surplus] if surplus > 0 else []
    certain, doubts = [], []
    for line in new:
        alike = missing[line.day, line.amount.amount_minor]
        if alike:
            doubts.append(Doubt(line, alike.popleft(), DoubtKind.OTHER_TEXT))
        else:
            certain.append(line)
    return certain, doubts
