"""A statement that is missing between two others is noticed, and quiet days are not."""

from datetime import UTC, date, datetime, timedelta
from secrets import token_hex

import pytest
from sqlmodel import select

from donate.bank.statements.gaps import (
    MOST_QUIET,
    StatementGap,
    confirm_quiet_days,
    longest_quiet,
    merged,
    statement_gaps,
)
from donate.bank.statements.importing import ImportChoices, import_statement
from donate.bank.statements.models import QuietDays
from donate.errors import Conflict
from donate.storage.database import Database
from tests.bank.statements.lines import line, statement

NOW = datetime(2026, 3, 31, 15, 0, tzinfo=UTC)


def day(number: int) -> date:
    return date(2026, 3, number)


def file(
    database: Database, *lines: tuple[int, int, int | None], account: str = "Chequing"
) -> None:
    """Import a file of March: each line is a day, an amount and the balance after it."""
    read = [
        line(row, number, amount, f"LINE {number} {amount}", balance_minor=balance)
        for row, (number, amount, balance) in enumerate(lines, 1)
    ]
    first, last = day(lines[0][0]), day(lines[-1][0])
    with database.writing() as session:
        import_statement(
            session,
            statement(*read, first_day=first, last_day=last),
            ImportChoices({("", "CAD"): account}, {}),
            file_name="march.csv",
            sha256=token_hex(32),
            actor="staff:1",
            now=NOW,
        )


def gaps(database: Database) -> list[StatementGap]:
    with database.reading_snapshot() as session:
        return statement_gaps(session)


def days_of_gaps(database: Database) -> list[tuple[int, int]]:
    return [(gap.first_day.day, gap.last_day.day) for gap in gaps(database)]


def test_a_missing_statement_is_noticed(database: Database) -> None:
    """Without balances, a gap counts if it is longer than the account was ever quiet."""
    file(database, (2, 500, None), (3, 500, None), (4, 500, None), (6, 500, None))
    file(database, (16, 500, None), (17, 500, None))
    assert gaps(database) == [StatementGap(1, "Chequing", day(7), day(15), False)]
    file(database, (9, 700, None), (12, 700, None))
    assert days_of_gaps(database) == []


def test_a_short_gap_is_no_missing_statement(database: Database) -> None:
    """A file ends with its last line, so a few business days between two files say nothing."""
    file(database, (2, 500, None), (3, 500, None))
    file(database, (9, 500, None), (10, 500, None))
    assert days_of_gaps(database) == []
    assert MOST_QUIET == 3


def test_a_quiet_account_is_not_suspected(database: Database) -> None:
    """An account that was quiet for two weeks within a file may be so between files."""
    file(database, (2, 500, None), (16, 500, None))
    file(database, (30, 500, None))
    assert days_of_gaps(database) == []


def test_equal_balances_prove_that_nothing_is_missing(database: Database) -> None:
    """If the balance goes on where it ended, a long gap does not count."""
    file(database, (2, 500, 1_500), (3, 500, 2_000))
    file(database, (30, -100, 1_900), (31, 50, 1_950))
    assert days_of_gaps(database) == []


def test_different_balances_prove_that_lines_are_missing(database: Database) -> None:
    """Then even one day counts, and nobody can confirm that there were no transactions."""
    file(database, (2, 500, 1_500), (3, 500, 2_000))
    file(database, (5, -100, 1_800))
    (gap,) = gaps(database)
    assert gap == StatementGap(1, "Chequing", day(4), day(4), True)
    with pytest.raises(Conflict, match="there were transactions"), database.writing() as session:
        confirm_quiet_days(session, 1, day(4), day(4), actor="staff:1", now=NOW)


def test_accounts_are_looked_at_one_by_one(database: Database) -> None:
    """A file of one account covers no days of another."""
    file(database, (2, 500, None), (3, 500, None))
    file(database, (4, 500, None), (5, 500, None), (30, 500, None), account="Savings")
    file(database, (30, 500, None), (31, 500, None))
    assert days_of_gaps(database) == [(4, 29)]


def test_quiet_days_are_confirmed_once(database: Database) -> None:
    """A confirmed gap is gone, and shows how quiet the account may be."""
    file(database, (2, 500, None), (3, 500, None))
    file(database, (16, 500, None), (17, 500, None))
    assert days_of_gaps(database) == [(4, 15)]
    with pytest.raises(Conflict, match="covered by a file"), database.writing() as session:
        confirm_quiet_days(session, 1, day(5), day(15), actor="staff:1", now=NOW)
    with database.writing() as session:
        confirm_quiet_days(session, 1, day(4), day(15), actor="staff:1", now=NOW)
    assert days_of_gaps(database) == []
    with pytest.raises(Conflict, match="covered by a file"), database.writing() as session:
        confirm_quiet_days(session, 1, day(4), day(15), actor="staff:1", now=NOW)
    with database.reading() as session:
        assert len(session.exec(select(QuietDays)).all()) == 1
    file(database, (27, 500, None))
    assert days_of_gaps(database) == []


@pytest.mark.parametrize(
    ("days", "periods"),
    [
        ([], []),
        ([(1, 5), (6, 9)], [(1, 9)]),
        ([(7, 9), (1, 5)], [(1, 5), (7, 9)]),
        ([(1, 9), (2, 3), (9, 12)], [(1, 12)]),
    ],
)
def test_days_are_merged(days: list[tuple[int, int]], periods: list[tuple[int, int]]) -> None:
    """Overlapping and adjacent days make one period, in any order of the files."""
    found = merged((day(first), day(last)) for first, last in days)
    assert found == [(day(first), day(last)) for first, last in periods]


def test_only_business_days_are_quiet() -> None:
    """Weekends do not count, and days between periods are not known to be quiet."""
    friday, monday = day(6), day(9)
    assert longest_quiet([friday, monday], [(friday, monday)]) == 0
    assert longest_quiet([monday], [(day(2), monday)]) == 5
    apart = [(friday, friday), (day(30), day(30))]
    assert longest_quiet([friday, day(30)], apart) == 0
    assert longest_quiet([day(30)], [(day(30), day(30) + timedelta(8))]) == 6
