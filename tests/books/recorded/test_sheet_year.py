"""A year of gifts, recorded as always: the books balance, and nothing is unexplained."""

import os
from datetime import date, timedelta
from random import Random

from donate.books.journal.entry import balances_of
from donate.books.journal.journal import journal_of
from donate.books.journal.roles import AccountRole as Role
from donate.books.recorded.reading import read_bookings
from donate.books.recorded.sheets.day_sheets import RecordedSheet, read_sheets
from donate.books.sheet.differences import DifferenceKind as Kind
from donate.books.sheet.items import PLACES, Stage
from donate.storage.database import Database
from tests.books.recorded.charity_year import ZONE, CharityYear

ORDER = list(Kind)
FIRST_GAP = ORDER[: ORDER.index(Kind.UNKNOWN_GIFT) + 1]
# Of these kinds, each amount is listed, so that staff can follow it.
ALL_LISTED = {
    *(Kind.WAITING_FOR_STRIPE, Kind.STRIPE_WITHOUT_GIFT, Kind.STRIPE_DIFFERS),
    *(Kind.WAITING_FOR_TRANSFER, Kind.TRANSFER_WITHOUT_GIFT, Kind.TRANSFER_DIFFERS),
    *(Kind.UNMATCHED, Kind.UNKNOWN_TYPE, Kind.HELD_IN_DISPUTE, Kind.AMOUNT_DIFFERS),
    *(Kind.ENTERED_LATER, Kind.BANK_FEE, Kind.NO_GIFT),
}
FIRST = date(2026, 1, 1)
# `make prove` sets PROVE; it lives through a year of 20,000 gifts, and looks at each day.
SEED = 1
SCALE = float(os.environ.get("PROVE", "0"))


def check_day(year: CharityYear, day: date) -> list[RecordedSheet]:
    """Check all columns and differences of a day, and return the sheets."""
    with year.database.reading_snapshot() as session:
        sheets = read_sheets(session, day, time_zone=ZONE)
    for one in sheets:
        sheet, expected = one.sheet, year.expected(one.sheet.currency, day)
        stated = {stage.value: sheet.stated.of(stage) for stage in Stage}
        assert stated == {stage.value: expected[stage.value] for stage in Stage}, day
        assert sheet.unexplained_minor == 0, (day, sheet)
        first = sum(each.amount_minor for each in sheet.differences if each.kind in FIRST_GAP)
        second = sum(each.amount_minor for each in sheet.differences if each.kind not in FIRST_GAP)
        assert first == expected["confirmed"] - expected["chosen"]
        assert second == expected["confirmed"] - sum(sheet.stated.of(place) for place in PLACES)
        assert not one.transit.unread
        in_sums = {each.kind: each.settled_minor for each in sheet.differences}
        assert {kind: in_sums[kind] for kind in ALL_LISTED if in_sums.get(kind)} == {}, (day, sheet)
    return sheets


def check_books(year: CharityYear, last_day: date) -> None:
    """Check that the journal's accounts are what the columns say at the end of the year."""
    with year.database.reading_snapshot() as session:
        entries = journal_of(read_bookings(session, time_zone=ZONE), last_day=last_day)
    balances = balances_of(entries)
    places = {
        "at_stripe": Role.STRIPE_CLEARING,
        "in_transit": Role.PAYOUTS_IN_TRANSIT,
        "at_bank": Role.BANK,
    }
    for currency in ("CAD", "USD"):
        expected = year.expected(currency, last_day)
        for column, role in places.items():
            found = sum(
                amount
                for key, amount in balances.items()
                if (key.role, key.currency) == (role, currency)
            )
            assert found == expected[column], (currency, column)


def test_a_year_leaves_nothing_unexplained(database: Database) -> None:
    """On the days of a year, each column is what happened, and each difference has a name."""
    days = 366 if SCALE else 50
    year = CharityYear(database, FIRST, Random(SEED))
    year.live(days, gifts=max(40, round(20_000 * SCALE)))
    step = 1 if SCALE else 7
    for number in range(0, days, step):
        check_day(year, FIRST + timedelta(number))
    check_books(year, FIRST + timedelta(days))


def test_everything_has_a_name(database: Database) -> None:
    """On each day around everything that can happen, each difference has its name."""
    year = CharityYear(database, FIRST, Random(3))
    year.live(3, gifts=3)
    year.everything_happens()
    year.first_day = year.day + timedelta(1)
    year.live(8, gifts=6)
    kinds = set()
    for number in range(11):
        for one in check_day(year, FIRST + timedelta(number)):
            kinds |= {difference.kind for difference in one.sheet.differences}
    # The database refuses money without a gift, and parts that differ from their transfer.
    assert set(Kind) - kinds == {Kind.UNKNOWN_GIFT, Kind.TRANSFER_DIFFERS}
    check_books(year, FIRST + timedelta(11))
