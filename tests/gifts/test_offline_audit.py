"""The audit compares batches, entries and gifts."""

from datetime import date

import pytest
from sqlalchemy import text

from donate.gifts.audit import differences
from donate.gifts.offline.batches import add_draft, record_one, start_batch
from donate.regions.regions import load_regions
from donate.storage.database import Database
from tests.finance.finance_site import NOW
from tests.finance.offline_desk import entered


@pytest.fixture
def filled(database: Database) -> Database:
    with database.writing() as session:
        record_one(session, load_regions(), entered(500), "one", actor="staff:1", now=NOW)
        expected = {"CAD": (2, 1_000)}
        batch, _ = start_batch(
            session, "Sunday", date(2026, 3, 1), expected, "batch", actor="staff:1", now=NOW
        )
        add_draft(session, batch.id or 0, entered(700), "draft", actor="staff:1", now=NOW)
    return database


def reports(database: Database) -> list[str]:
    with database.reading_snapshot() as session:
        return list(differences(session))


def test_nothing_is_reported_about_what_we_wrote(filled: Database) -> None:
    """The audit reports nothing about a recorded gift and an open batch."""
    assert reports(filled) == []


@pytest.mark.parametrize(
    ("statement", "report"),
    [
        pytest.param(
            "UPDATE offline_batch_total SET entered_minor = 1",
            "batch 1: 1 entries of 1 CAD, but its entries are 1 of 700",
            id="sum",
        ),
        pytest.param(
            "UPDATE offline_batch_total SET entered_count = 0",
            "batch 1: 0 entries of 700 CAD, but its entries are 1 of 700",
            id="count",
        ),
        pytest.param(
            "UPDATE offline_entry SET amount_minor = 5 WHERE state = 'recorded'",
            "its entry says something else than the gift",
            id="amount",
        ),
        pytest.param(
            "UPDATE offline_entry SET mode = 'cheque' WHERE state = 'recorded'",
            "its entry says something else than the gift",
            id="mode",
        ),
        pytest.param(
            "UPDATE offline_entry SET state = 'undone' WHERE state = 'recorded'",
            "its entry says something else than the gift",
            id="undone without a fact",
        ),
    ],
)
def test_a_difference_is_reported(filled: Database, statement: str, report: str) -> None:
    """The audit reports a total of a batch, or an entry, that somebody changed in the database."""
    with filled.writing() as session:
        session.execute(text(statement))
    (line,) = reports(filled)
    assert report in line
