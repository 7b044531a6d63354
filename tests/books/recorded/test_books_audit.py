"""The audit of the books finds each row that makes them wrong, on whichever day it is."""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from donate.books.recorded.books_audit import books_differences
from donate.storage.database import Database
from tests.books.recorded.charity_year import ZONE, CharityYear
from tests.real_parts import Sqlite

FIRST = date(2026, 1, 1)
LAST = FIRST + timedelta(30)


@pytest.fixture(scope="module")
def lived(sqlite: Sqlite) -> Iterator[Database]:
    """Return the database of a charity after everything happened. Nobody may commit to it."""
    url = sqlite.fresh_url()
    database = Database(url)
    year = CharityYear(database, FIRST, Random(3))
    year.everything_happens()
    year.first_day = FIRST + timedelta(1)
    year.live(11, gifts=6)
    yield database
    database.close()
    sqlite.drop(url)


def findings(database: Database, harm: str = "") -> list[str]:
    """Return what the audit finds after some harm that is not committed."""
    connection = database.engine.connect()
    try:
        with Session(connection) as session:
            if harm:
                session.execute(sa.text(harm))
            return list(books_differences(session, LAST, time_zone=ZONE))
    finally:
        connection.close()


def test_right_books_have_no_differences(lived: Database) -> None:
    """The audit finds nothing in books that were recorded as always."""
    assert findings(lived) == []


def test_an_empty_database_has_none(database: Database) -> None:
    """Where nothing was recorded the books have no differences."""
    with database.reading_snapshot() as session:
        assert list(books_differences(session, LAST, time_zone=ZONE)) == []


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        ("UPDATE gift SET amount_minor = amount_minor + 1", "of chosen in CAD is unexplained"),
        ("UPDATE stripe_payout SET amount_minor = amount_minor + 1", "has another amount"),
        ("UPDATE stripe_payout SET is_complete = 1", "its transactions add up to 0"),
        ("UPDATE bank_line SET balance_minor = balance_minor + id", "its statement has"),
        ("UPDATE day_total SET amount_minor = amount_minor + 1", "of confirmed in USD"),
    ],
)
def test_harm_is_found(lived: Database, harm: str, found: str) -> None:
    """Each wrong row is named, with its amount in minor units."""
    lines = findings(lived, harm)
    assert any(found in line for line in lines), lines
