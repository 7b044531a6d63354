"""What the daily sheet of the database says if something is missing, wrong or not there yet."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

import pytest
import sqlalchemy as sa

from donate.bank.statements.balances import closing_balance
from donate.books.recorded.sheets.day_sheets import MOST_LISTED, RecordedSheet, read_sheets
from donate.books.sheet.differences import DifferenceKind as Kind
from donate.books.sheet.items import Stage
from donate.storage.database import Database
from tests.bank.reconciliation.bank_lines import bank_line, gift
from tests.books.recorded.charity_year import ZONE, CharityYear
from tests.stripe_gateway.balance.payouts import of_payout, payout, record

FIRST = date(2026, 1, 1)
_LAST_DAY = "WHERE day = (SELECT max(day) FROM bank_line)"


def read(database: Database, day: date) -> list[RecordedSheet]:
    with database.reading_snapshot() as session:
        return read_sheets(session, day, time_zone=ZONE)


def only(database: Database, day: date = date(2026, 3, 31)) -> RecordedSheet:
    (sheet,) = read(database, day)
    return sheet


def change(database: Database, statement: str) -> None:
    with database.writing() as session:
        session.execute(sa.text(statement))


def kinds(sheet: RecordedSheet) -> dict[Kind, int]:
    return {one.kind: one.amount_minor for one in sheet.sheet.differences}


def test_an_empty_database_has_no_sheet(database: Database) -> None:
    """Where nothing was recorded there is nothing to compare, on any day."""
    for day in (date(1900, 1, 1), FIRST, date(2999, 12, 30)):
        assert read(database, day) == []


def test_a_day_before_everything_is_empty(database: Database) -> None:
    """A day before the first gift has no sheet, and a day in the future has that of today."""
    gift(database)
    assert read(database, date(2026, 3, 9)) == []
    assert only(database, date(2030, 1, 1)).sheet.stated.chosen == 5_000


def test_without_a_statement_the_bank_is_not_known(database: Database) -> None:
    """If no statement was imported, the sheet has no account, and no transaction of Stripe."""
    gift(database)
    sheet = only(database)
    assert (sheet.banks, sheet.has_stripe, sheet.transit.has_payouts) == ([], False, False)
    assert kinds(sheet) == {Kind.AWAITED: -5_000}


def test_statements_without_balances_are_added_up(database: Database) -> None:
    """If the statements state no balance, the sheet says so, and uses the sum of their lines."""
    bank_line(database, 700)
    (bank,) = only(database).banks
    assert (bank.name, bank.lines_minor, bank.stated_minor) == ("Chequing", 700, None)
    assert bank.known_until == date(2026, 3, 31)
    assert only(database).sheet.unexplained_minor == 0


def test_a_payout_without_its_transaction_is_unread(database: Database) -> None:
    """A payout whose transaction is not stored, or the other way round, is named, not unexplained.

    Both are what a half-finished catch-up leaves.
    """
    paid = payout(4_825)
    record(database, paid)
    half = only_or_none(database)
    assert half is None
    record(database, paid, [of_payout(paid)])
    whole = only(database)
    assert (whole.transit.unread, whole.sheet.stated.in_transit) == ([], 4_825)
    change(database, "UPDATE balance_transaction SET payout_row = NULL")
    change(database, "DELETE FROM stripe_payout")
    unread = only(database)
    assert unread.transit.unread == [paid["id"]]
    assert (unread.sheet.stated.in_transit, unread.sheet.unexplained_minor) == (4_825, 0)


def only_or_none(database: Database) -> RecordedSheet | None:
    found: Sequence[RecordedSheet | None] = read(database, date(2026, 3, 31)) or [None]
    return found[0]


@pytest.fixture
def year(database: Database) -> CharityYear:
    """Return a charity after a day on which everything happened, and four days."""
    year = CharityYear(database, FIRST, Random(3))
    year.everything_happens()
    year.first_day = FIRST + timedelta(1)
    year.live(4, gifts=3)
    return year


@pytest.mark.parametrize(
    ("harm", "stage"),
    [
        ("UPDATE gift SET amount_minor = amount_minor + 1", Stage.CHOSEN),
        ("UPDATE day_total SET amount_minor = amount_minor + 1", Stage.CONFIRMED),
        ("UPDATE stripe_payout SET amount_minor = amount_minor + 1", Stage.IN_TRANSIT),
        (f"UPDATE bank_line SET balance_minor = balance_minor + 1 {_LAST_DAY}", Stage.AT_BANK),
    ],
)
def test_a_wrong_row_is_unexplained(year: CharityYear, harm: str, stage: Stage) -> None:
    """If a stored row changes behind the service’s back, its column is unexplained."""
    before = read(year.database, year.day)
    assert [one.sheet.unexplained_minor for one in before] == [0, 0]
    change(year.database, harm)
    after = read(year.database, year.day)
    assert any(one.sheet.unexplained(stage) for one in after)


def test_more_than_can_be_listed_is_in_a_sum(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If more is open than the sheet lists, the rest is one sum, and the total is the same."""
    year = CharityYear(database, FIRST, Random(5))
    for amount in (1_000, 2_000, 3_000, 4_000):
        year.happen("not_at_stripe", "CAD", amount)
    year.banks["CAD"].unexplained_line(700)
    year.banks["CAD"].unexplained_line(800)
    year.banks["CAD"].import_lines()
    whole = only(database)
    monkeypatch.setattr("donate.books.recorded.sheets.day_sheets.MOST_LISTED", 1)
    cut = only(database)
    assert kinds(cut) == kinds(whole)
    assert cut.sheet.unexplained_minor == 0
    for kind in (Kind.WAITING_FOR_STRIPE, Kind.UNMATCHED):
        (one,) = (each for each in cut.sheet.differences if each.kind is kind)
        assert len(one.parts) == 1
        assert one.settled_minor
    assert MOST_LISTED >= 50


@pytest.mark.parametrize(
    ("lines", "closing"),
    [
        ([(500, 1_500)], 1_500),
        ([(500, 1_500), (-200, 1_300)], 1_300),
        ([(-200, 1_300), (500, 1_500)], 1_300),  # the newest first
        ([(500, 1_500), (-500, 1_000)], None),  # it ends where it began: in either order
        ([(500, 1_500), (-200, None)], None),
        ([(500, 1_500), (-200, 1_200)], None),  # a line is missing between them
        ([], None),
    ],
)
def test_the_closing_balance_of_a_day(
    lines: list[tuple[int, int | None]], closing: int | None
) -> None:
    """The closing balance is the one from which no other line goes on, in any order."""
    assert closing_balance(lines) == closing
