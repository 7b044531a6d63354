"""What a donor gave in all: totals, pages of gifts, and the rows of an export."""

from datetime import date, timedelta

from sqlmodel import select

from donate.gifts.donor_profiles.exporting import donor_rows
from donate.gifts.donor_profiles.queries import (
    gifts_of_donor,
    received_gifts,
    totals_of_donor,
)
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.money import Money
from donate.storage.database import Database
from tests.gifts.donors import merge, open_donors
from tests.gifts.samples import NOW, fact, open_gift_of, paid, record


def test_the_totals_of_a_donor_are_by_year_fund_and_currency(database: Database) -> None:
    """A refund counts in the year of its own day, and totals cover merged profiles."""
    one, main = open_donors(database, 2)
    with database.reading() as session:
        gift = session.exec(select(Gift).where(Gift.form_key == "form-0")).one()
    refund = fact(FactKind.REFUND_SUCCEEDED, "re_1", 2_000, happened_at=NOW + timedelta(days=365))
    record(database, gift, refund)
    open_gift_of(database, "unpaid", email="d0@example.com")
    merge(database, one, main)
    with database.reading() as session:
        ids = [main, one]
        assert [
            (each.year, each.fund, each.money_in, each.money_out, each.net)
            for each in totals_of_donor(session, ids)
        ] == [
            ("2027", "", Money(0, "CAD"), Money(2_000, "CAD"), Money(-2_000, "CAD")),
            ("2026", "", Money(10_000, "CAD"), Money(0, "CAD"), Money(10_000, "CAD")),
        ]
        received = received_gifts(session, ids)
        assert (received.count, received.first, received.last) == (2, *[date(2026, 3, 1)] * 2)
        assert received_gifts(session, [999]).count == 0


def test_the_pages_of_a_merged_donor_have_each_gift_once(database: Database) -> None:
    """Pages of three gifts show all gifts of both profiles, newest first, and none twice."""
    for number in range(8):
        email = f"d{number % 2}@example.com"
        open_gift_of(database, f"form-{number}", email=email, now=NOW + timedelta(hours=number))
    merge(database, 1, 2)
    seen: list[str] = []
    after = None
    with database.reading() as session:
        while page := gifts_of_donor(session, [2, 1], limit=3, after=after):
            seen += [one.gift.form_key for one in page]
            after = (page[-1].gift.opened_at, page[-1].gift.id)
    assert seen == [f"form-{number}" for number in range(7, -1, -1)]


def test_all_donors_are_read_for_an_export(database: Database) -> None:
    """An export has each main donor once, with gifts and sums of the merged profiles."""
    one, main, alone = open_donors(database, 3)
    record(database, open_gift_of(database, "p", email="d2@example.com"), paid("pi_9", 100))
    open_gift_of(database, "unpaid", email="d3@example.com")
    merge(database, one, main)
    with database.reading_snapshot() as session:
        rows = list(donor_rows(session))
    assert [(row.id, row.gifts, row.money_in) for row in rows] == [
        (main, 2, {"CAD": Money(10_000, "CAD")}),
        (alone, 2, {"CAD": Money(5_100, "CAD")}),
        (rows[-1].id, 0, {}),
    ]
    assert (rows[0].email, rows[0].first_gift) == ("d1@example.com", date(2026, 3, 1))
    assert rows[0].money_out == {"CAD": Money(0, "CAD")}
