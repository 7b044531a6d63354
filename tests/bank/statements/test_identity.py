"""Which lines of a file are recorded already: counted, not hashed, and asked where nobody knows."""

from collections.abc import Sequence
from datetime import date

from hypothesis import given, strategies as st

from donate.bank.shapes.statement import StatementLine
from donate.bank.statements.identity import (
    DayPart,
    DoubtKind,
    FileComparison,
    KnownLine,
    compare_lines,
    day_part,
    identity_of,
)
from tests.bank.statements.lines import line


def recorded(lines: Sequence[StatementLine]) -> list[KnownLine]:
    return [KnownLine(identity_of(each), each.text, each.balance_minor) for each in lines]


def day(number: int) -> date:
    return date(2026, 3, number)


def parts(first: date, last: date) -> dict[date, DayPart]:
    """Return which part of each day a file from `first` to `last` holds."""
    return {day(number): day_part(day(number), first, last) for number in range(1, 32)}


def compare(
    lines: Sequence[StatementLine],
    known: Sequence[StatementLine],
    *,
    file: tuple[int, int] | None = None,
    earlier: tuple[int, int] | None = None,
) -> FileComparison:
    """Compare lines; `file` and `earlier` are the days that the two files say they cover."""

    def covers(
        lines: Sequence[StatementLine], stated: tuple[int, int] | None
    ) -> dict[date, DayPart]:
        days = [each.day for each in lines] or [day(1)]
        return parts(*(map(day, stated) if stated else (min(days), max(days))))

    return compare_lines(
        lines,
        recorded(known),
        covered=covers(lines, file),
        recorded_parts=covers(known, earlier),
    )


def kinds(comparison: FileComparison) -> list[DoubtKind]:
    return [doubt.kind for doubt in comparison.doubts]


def test_equal_lines_of_a_file_stay_two() -> None:
    """Two equal lines are two lines, however alike they are."""
    both = [line(1, 5, 2_000), line(2, 5, 2_000)]
    assert compare(both, []).new == tuple(both)


def test_the_same_file_again_adds_nothing() -> None:
    """A file that was imported has no new line."""
    lines = [line(1, 5, 2_000), line(2, 5, 2_000), line(3, 6, -150, "FEE"), line(4, 7, 100)]
    found = compare(lines, lines)
    assert (found.new, found.known, found.doubts) == ((), tuple(lines), ())


def test_a_third_equal_line_is_new() -> None:
    """If two equal lines are recorded and a file of that day has three, one of them is new."""
    three = [line(n, 5, 2_000) for n in (1, 2, 3)]
    found = compare(three, three[:2], file=(4, 6))
    assert (len(found.new), len(found.known), found.doubts) == (1, 2, ())


def test_a_late_line_with_an_older_day_is_new() -> None:
    """A line that the bank booked late, on a day that was imported as a whole, is new."""
    known = [line(1, 5, 2_000), line(2, 6, 3_000)]
    late = line(2, 5, 700, "LATE")
    assert compare([known[0], late, known[1]], known, earlier=(4, 6)).new == (late,)


def test_the_same_interest_on_each_day_is_no_doubt() -> None:
    """Lines that are alike but for their day are never compared, so none of them is left out."""
    daily = [line(n, n, 1, "INTEREST") for n in range(1, 8)]
    found = compare(daily[2:], daily[:4], file=(3, 7), earlier=(1, 4))
    assert (found.known, found.new, found.doubts) == (tuple(daily[2:4]), tuple(daily[4:]), ())


def test_case_and_spaces_do_not_make_another_line() -> None:
    """A bank that pads its texts with spaces does not make its lines new."""
    known = [line(9, 5, 2_000, "E-TRANSFER X")]
    assert len(compare([line(1, 5, 2_000, " e-transfer   x ")], known, file=(4, 6)).known) == 1


def test_two_files_with_a_part_of_a_day_each() -> None:
    """If a file ends within the day on which the next begins, their equal lines are in doubt."""
    morning = [line(1, 4, 900), line(2, 5, 2_000)]
    afternoon = [line(1, 5, 2_000), line(2, 5, 400, "JOHN"), line(3, 6, 100)]
    found = compare(afternoon, morning)
    assert kinds(found) == [DoubtKind.PART_OF_A_DAY]
    assert found.new == tuple(afternoon[1:])


def test_a_day_that_an_earlier_file_has_whole_is_no_doubt() -> None:
    """A line of a day that was imported as a whole is known, although the new file lacks others."""
    whole = [line(1, 5, 2_000), line(2, 5, 900, "JANE")]
    found = compare([line(1, 5, 2_000)], whole, earlier=(4, 6))
    assert (len(found.known), found.doubts) == (1, ())


def test_a_file_that_has_the_whole_day_is_no_doubt() -> None:
    """If the file holds a day as a whole, its equal lines are counted."""
    morning = [line(1, 5, 2_000)]
    whole = [line(1, 5, 2_000), line(2, 5, 2_000), line(3, 5, 400, "JOHN")]
    found = compare(whole, morning, file=(4, 6))
    assert (len(found.known), len(found.new), found.doubts) == (1, 2, ())


def test_two_exports_of_the_same_day_are_counted() -> None:
    """Two files that both began before a day hold its beginning, so equal lines are counted."""
    noon = [line(1, 4, 900), line(2, 5, 2_000)]
    evening = [*noon, line(3, 5, 2_000)]
    found = compare(evening, noon)
    assert (len(found.new), found.doubts) == (1, ())


def test_the_balance_tells_the_second_line() -> None:
    """A line whose balance follows the recorded line's balance is another line."""
    first = line(1, 5, 2_000, balance_minor=12_000)
    second = line(1, 5, 2_000, balance_minor=14_000)
    found = compare([second], [first])
    assert (found.new, found.doubts) == ((second,), ())


def test_the_same_balance_is_the_same_line() -> None:
    """A line with the recorded line's balance is that line, even on a day of two files."""
    known = [line(1, 5, 2_000, balance_minor=12_000)]
    found = compare(known, known)
    assert (found.known, found.doubts) == (tuple(known), ())


def test_another_balance_is_in_doubt() -> None:
    """If an equal line has another balance, and nothing shows why, a person decides."""
    known = [line(1, 5, 2_000, balance_minor=12_000)]
    found = compare([line(1, 5, 2_000, balance_minor=19_000)], known, file=(4, 6))
    assert kinds(found) == [DoubtKind.OTHER_BALANCE]


def test_a_late_line_shifts_the_balance() -> None:
    """A late line of the same amount before a recorded line is no proof that the line is new."""
    late = line(1, 5, 2_000, "LATE", balance_minor=12_000)
    shifted = line(2, 5, 2_000, balance_minor=14_000)
    known = [line(1, 5, 2_000, balance_minor=12_000)]
    found = compare([late, shifted], known, file=(4, 6))
    assert found.new == (late,)
    assert kinds(found) == [DoubtKind.OTHER_BALANCE]


def test_a_shape_without_balances_finds_its_lines() -> None:
    """A line without a balance is the recorded line with one."""
    known = [line(1, 5, 2_000, balance_minor=12_000), line(2, 5, 2_000, balance_minor=14_000)]
    found = compare([line(1, 5, 2_000), line(2, 5, 2_000)], known, file=(4, 6))
    assert (len(found.known), found.new, found.doubts) == (2, (), ())


def test_a_text_that_the_bank_has_changed() -> None:
    """A new line is in doubt if the file lacks a recorded line of that day and amount."""
    found = compare([line(1, 5, 2_000, "VIREMENT")], [line(1, 5, 2_000)], file=(4, 6))
    assert kinds(found) == [DoubtKind.OTHER_TEXT]


ACCOUNT = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from([100, 200]), st.sampled_from("AB")), max_size=14
).map(
    lambda found: [
        line(row, *each) for row, each in enumerate(sorted(found, key=lambda each: each[0]), 1)
    ]
)


@given(ACCOUNT, st.integers(1, 4), st.integers(1, 4))
def test_overlapping_files_of_whole_days_add_each_line_once(
    account: list[StatementLine], ends: int, begins: int
) -> None:
    """Two files of whole days that overlap add exactly the lines of the account."""
    begins = min(begins, ends + 1)
    first = [each for each in account if each.day.day <= ends]
    second = [each for each in account if each.day.day >= begins]
    compared = compare(second, first, file=(max(begins - 1, 1), 6), earlier=(1, ends + 1))
    assert compared.doubts == ()
    assert len(first) + len(compared.new) == len(account)


@given(ACCOUNT, st.integers(0, 14), st.integers(0, 14))
def test_no_line_is_lost_or_doubled_without_a_question(
    account: list[StatementLine], ends: int, begins: int
) -> None:
    """If two files end and begin anywhere, a line is left out only after a person was asked."""
    first, second = account[:ends], account[min(begins, ends) :]
    compared = compare(second, first)
    assert len(compared.new) + len(compared.known) + len(compared.doubts) == len(second)
    recorded_at_least = len(first) + len(compared.new)
    assert recorded_at_least <= len(account) <= recorded_at_least + len(compared.doubts)
