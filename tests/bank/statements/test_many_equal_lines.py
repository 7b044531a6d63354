"""Comparing a file with recorded lines: the same as by hand, and quick for many equal lines."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

from hypothesis import given, settings, strategies as st

from donate.bank.shapes.statement import StatementLine
from donate.bank.statements.identity import (
    DayPart,
    DayParts,
    DoubtKind,
    KnownLine,
    compare_lines,
    identity_of,
)
from tests.bank.statements.lines import line

DAYS = (date(2026, 3, 1), date(2026, 3, 2))


class CountedBalance(int):
    """A balance that counts how often it is compared with another one."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        CountedBalance.compared += 1
        return int.__eq__(self, other) is True

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = int.__hash__


def known_line(of: StatementLine) -> KnownLine:
    return KnownLine(identity_of(of), of.text, of.balance_minor)


def compared_by_hand(
    lines: Sequence[StatementLine],
    recorded: Sequence[KnownLine],
    covered: DayParts,
    recorded_parts: DayParts,
) -> tuple[list[int], list[int], list[tuple[int, int, DoubtKind]]]:
    """Return the rows of new lines, the rows of known lines, and the doubts, by slow searches.

    A doubt has the row, the place of the recorded line in `recorded`, and its kind.
    """
    ends = Counter((each.day, each.balance_minor) for each in lines)
    left = list(range(len(recorded)))
    new: list[StatementLine] = []
    known: list[int] = []
    doubts: list[tuple[int, int, DoubtKind]] = []
    for identity in dict.fromkeys(map(identity_of, lines)):
        rest = []
        for each in (one for one in lines if identity_of(one) == identity):
            same = [
                place
                for place in left
                if recorded[place].identity == identity
                and None not in (each.balance_minor, recorded[place].balance_minor)
                and recorded[place].balance_minor == each.balance_minor
            ]
            if same:
                left.remove(same[0])
                known.append(each.row)
            else:
                rest.append(each)
        for each in sorted(rest, key=lambda one: one.balance_minor is None):
            equal = [place for place in left if recorded[place].identity == identity]
            equal.sort(key=lambda place: recorded[place].balance_minor is not None)
            if not equal:
                new.append(each)
                continue
            left.remove(equal[0])
            balance, other = each.balance_minor, recorded[equal[0]].balance_minor
            parts = (covered[each.day], recorded_parts[each.day])
            before = None if balance is None else balance - each.amount.amount_minor
            if None not in (balance, other) and before == other and not ends[each.day, before]:
                new.append(each)
            elif None not in (balance, other):
                doubts.append((each.row, equal[0], DoubtKind.OTHER_BALANCE))
            elif DayPart.WHOLE in parts or (
                parts[0] is parts[1] and parts[0] is not DayPart.UNKNOWN
            ):
                known.append(each.row)
            else:
                doubts.append((each.row, equal[0], DoubtKind.PART_OF_A_DAY))
    certain = _without_other_texts(new, lines, recorded, doubts)
    return certain, sorted(known), doubts


def _without_other_texts(
    new: list[StatementLine],
    lines: Sequence[StatementLine],
    recorded: Sequence[KnownLine],
    doubts: list[tuple[int, int, DoubtKind]],
) -> list[int]:
    in_file = Counter(map(identity_of, lines))
    missing: list[int] = []
    for identity in dict.fromkeys(one.identity for one in recorded):
        equal = [place for place, one in enumerate(recorded) if one.identity == identity]
        missing += equal[: max(len(equal) - in_file[identity], 0)]
    certain = []
    for each in new:
        what = (each.day, each.amount.amount_minor)
        alike = [
            place
            for place in missing
            if (recorded[place].identity.day, recorded[place].identity.amount_minor) == what
        ]
        if alike:
            missing.remove(alike[0])
            doubts.append((each.row, alike[0], DoubtKind.OTHER_TEXT))
        else:
            certain.append(each.row)
    return sorted(certain)


ROWS = st.lists(
    st.tuples(
        st.sampled_from([1, 2]),
        st.sampled_from([100, 200]),
        st.sampled_from("AB"),
        st.sampled_from([None, None, 100, 200, 300, 400]),
    ),
    max_size=14,
)
PARTS = st.fixed_dictionaries(dict.fromkeys(DAYS, st.sampled_from(DayPart)))


def _lines(rows: Sequence[tuple[int, int, str, int | None]]) -> list[StatementLine]:
    return [
        line(row, day, amount, text, balance_minor=balance)
        for row, (day, amount, text, balance) in enumerate(rows, 1)
    ]


@settings(max_examples=500)
@given(ROWS, ROWS, PARTS, PARTS)
def test_the_lookup_finds_what_slow_searches_find(
    rows: list[tuple[int, int, str, int | None]],
    stored: list[tuple[int, int, str, int | None]],
    covered: DayParts,
    recorded_parts: DayParts,
) -> None:
    """Looking lines up by their balance gives what comparing each with each other one gives."""
    lines = _lines(rows)
    # Each recorded line has a text of its own, so that the test can tell equal lines apart.
    recorded = [
        KnownLine(identity_of(each), f"{place}", each.balance_minor)
        for place, each in enumerate(_lines(stored))
    ]
    found = compare_lines(lines, recorded, covered=covered, recorded_parts=recorded_parts)
    assert (
        [each.row for each in found.new],
        [each.row for each in found.known],
        [(doubt.line.row, int(doubt.known.text), doubt.kind) for doubt in found.doubts],
    ) == compared_by_hand(lines, recorded, covered, recorded_parts)


def test_many_equal_lines_are_compared_once_each() -> None:
    """The work for equal lines grows with their number, and not with its square."""
    count = 2_000
    lines = [line(row, 1, 100, balance_minor=CountedBalance(row * 100)) for row in range(count)]
    others = [
        line(row, 1, 100, balance_minor=CountedBalance(-row * 100)) for row in range(1, count)
    ]
    recorded = [known_line(each) for each in [*reversed(lines), *others]]
    whole = dict.fromkeys(DAYS, DayPart.WHOLE)
    CountedBalance.compared = 0
    found = compare_lines(lines, recorded, covered=whole, recorded_parts=whole)
    assert (len(found.known), found.new, found.doubts) == (count, (), ())
    assert CountedBalance.compared < 10 * count
