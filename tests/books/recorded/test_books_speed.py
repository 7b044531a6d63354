"""The books of many gifts are read in few rows: the database adds up what is settled."""

from datetime import timedelta

import sqlalchemy as sa

from donate.books.journal.bookings import StripeBooking
from donate.books.journal.journal import journal_of
from donate.books.recorded.reading import read_bookings
from donate.books.recorded.sheets.day_sheets import read_sheets
from donate.books.recorded.sheets.open_gifts import open_money
from donate.books.recorded.sheets.sheet_scope import SheetScope
from donate.storage.database import Database
from tests.books.recorded.charity_year import ZONE
from tests.finance.statements import plans, selects
from tests.gifts.many_gifts import LAST, fill_with_gifts
from tests.real_parts import Sqlite

TODAY = LAST.date()
# Stripe states each movement of all gifts, with a fee of 59 cents for each payment.
AT_STRIPE = """
INSERT INTO balance_transaction (txn_id, type, reporting_category, balance_type, amount_minor,
    fee_minor, tax_minor, net_minor, currency, created_at, available_at, source_id, payment,
    fee_details, description, exchange_rate, gift_id, read_at)
SELECT 'txn_' || m.id, what.name, what.name, 'payments', m.amount_minor, what.fee, 0,
    m.amount_minor - what.fee, m.currency, m.happened_at, m.happened_at, m.source_id,
    CASE WHEN what.name = 'charge' THEN m.source_id ELSE '' END, '[]', '', '', m.gift_id,
    m.happened_at
FROM gift_movement m
JOIN (SELECT 'payment' AS kind, 'charge' AS name, 59 AS fee UNION SELECT 'refund', 'refund', 0)
    AS what ON what.kind = m.kind
"""


def reads(sqlite: Sqlite, gifts: int) -> tuple[int, int]:
    """Return how many statements a sheet of so many gifts needs, and how much it lists singly."""
    database = Database(sqlite.fresh_url())
    fill_with_gifts(database, gifts)
    with database.writing() as session:
        session.execute(sa.text("UPDATE gift SET mode = 'card', flags = ''"))
        session.execute(sa.text("UPDATE day_total SET mode = 'card', is_merged = 0"))
        session.execute(sa.text(AT_STRIPE))
    with database.reading_snapshot() as session, selects() as statements:
        sheets = read_sheets(session, TODAY, time_zone=ZONE)
    assert [one.sheet.unexplained_minor for one in sheets] == [0, 0]
    listed = sum(len(each.parts) for one in sheets for each in one.sheet.differences)
    database.close()
    sqlite.drop(database.engine.url.render_as_string())
    return len(statements), listed


def test_settled_gifts_are_not_read(sqlite: Sqlite) -> None:
    """A sheet of ten times as many gifts needs the same statements, and lists none of them."""
    few, many = reads(sqlite, 300), reads(sqlite, 3_000)
    assert few == many
    assert few[1] == 0


def test_flagged_gifts_are_found_with_their_index(database: Database) -> None:
    """The sheet does not go through all gifts to find the few with a flag."""
    with database.reading() as session, selects() as statements:
        open_money(session, SheetScope("CAD", TODAY, ZONE), most=9)
    about_flags = [each for each in statements if "flags" in each[0]]
    assert len(about_flags) == 1
    assert "gift_flagged" in plans(database, about_flags)[0]


def test_a_month_of_many_gifts_has_few_bookings(sqlite: Sqlite) -> None:
    """The journal of a month has a few bookings for each day, however many gifts there are."""
    database = Database(sqlite.fresh_url())
    fill_with_gifts(database, 8_000)
    with database.writing() as session:
        session.execute(sa.text(AT_STRIPE))
    first_day = TODAY - timedelta(days=29)
    with database.reading_snapshot() as session:
        bookings = read_bookings(session, time_zone=ZONE, first_day=first_day, last_day=TODAY)
    database.close()
    at_stripe = [one for one in bookings if isinstance(one, StripeBooking)]
    assert sum(one.count for one in at_stripe) > 200
    assert len(at_stripe) <= 30 * 4  # payments and refunds in two currencies
    assert journal_of(bookings)
