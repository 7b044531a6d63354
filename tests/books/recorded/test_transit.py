"""What the daily sheet says of payouts and top-ups that are on one side only."""

from datetime import date

from donate.bank.reconciliation.deciding import PayoutPart, TopUpPart
from donate.books.recorded.books_audit import books_differences
from donate.books.recorded.sheets.day_sheets import read_sheets
from donate.books.recorded.sheets.transit import MoveOnItsWay
from donate.storage.database import Database
from tests.bank.reconciliation.bank_lines import bank_line, decide
from tests.bank.reconciliation.stripe_rows import balance_row, failed_payout
from tests.books.recorded.charity_year import ZONE


def on_the_way(database: Database, day: int) -> list[MoveOnItsWay]:
    """Return what is on its way at the end of a day in March; the books must agree."""
    with database.reading_snapshot() as session:
        (sheet,) = read_sheets(session, date(2026, 3, day), time_zone=ZONE)
        assert list(books_differences(session, date(2026, 3, day), time_zone=ZONE)) == []
    found = list(sheet.transit.on_their_way)
    assert sheet.sheet.stated.in_transit == sum(one.amount_minor for one in found)
    return found


def test_a_payout_that_came_back_is_on_its_way_until_the_bank_took_it(database: Database) -> None:
    """Between failure and debit, the bank has money that Stripe has too; the sheet names it."""
    number = failed_payout(database, 21_140, arrives=5, fails=9)
    arrival = bank_line(database, 21_140, "STRIPE", 5)
    back = bank_line(database, -21_140, "RTN", 11)
    decide(database, arrival, PayoutPart(number, 21_140))
    decide(database, back, PayoutPart(number, -21_140))
    assert [one.amount_minor for one in on_the_way(database, 4)] == [21_140]
    assert on_the_way(database, 6) == []
    assert [one.amount_minor for one in on_the_way(database, 10)] == [-21_140]
    assert on_the_way(database, 11) == []


def test_a_top_up_is_on_its_way_until_its_line(database: Database) -> None:
    """A top-up that Stripe has before the bank shows it is owed by the bank."""
    number = balance_row(database, 50_000, "topup", 6, source="tu_1")
    assert on_the_way(database, 31) == [MoveOnItsWay("tu_1", -50_000, is_top_up=True)]
    decide(database, bank_line(database, -50_000, "WIRE", 9), TopUpPart(number, -50_000))
    assert on_the_way(database, 7) == [MoveOnItsWay("tu_1", -50_000, is_top_up=True)]
    assert on_the_way(database, 9) == []


def test_a_top_up_is_on_its_way_from_its_line(database: Database) -> None:
    """Money that left the bank before Stripe had it is on its way to Stripe."""
    number = balance_row(database, 50_000, "topup", 6, source="tu_1")
    decide(database, bank_line(database, -50_000, "WIRE", 3), TopUpPart(number, -50_000))
    assert on_the_way(database, 4) == [MoveOnItsWay("tu_1", 50_000, is_top_up=True)]
    assert on_the_way(database, 6) == []


def test_payouts_and_top_ups_are_counted_together(database: Database) -> None:
    """A long list says how many moves are on their way, and what they come to."""
    failed_payout(database, 21_140, arrives=5, fails=9)
    balance_row(database, 50_000, "topup", 3, source="tu_1")
    with database.reading_snapshot() as session:
        (sheet,) = read_sheets(session, date(2026, 3, 4), time_zone=ZONE)
    found = sheet.transit
    assert (found.on_their_way_count, found.on_their_way_minor) == (2, 21_140 - 50_000)
