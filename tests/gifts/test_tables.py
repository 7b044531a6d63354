"""The database's constraints and triggers refuse to change facts or store impossible amounts."""

import uuid
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import select

from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift, GiftFact
from donate.storage.database import Database
from tests.gifts.samples import NOW, open_one, paid
from tests.real_parts import Postgres, Sqlite


@pytest.fixture
def gift(database: Database) -> Gift:
    with database.writing() as session:
        gift = open_one(session)
        record_facts(session, [(gift.id, paid())], now=NOW)
    return gift


def facts(database: Database) -> list[dict[str, Any]]:
    with database.reading() as session:
        return [row.model_dump() for row in session.exec(select(GiftFact).order_by("id"))]


def is_refused(database: Database, statement: str, words: str) -> None:
    before = facts(database)
    with pytest.raises(DBAPIError, match=words), database.writing() as session:
        session.connection().exec_driver_sql(statement)
    assert facts(database) == before


COPY = "INSERT INTO gift_fact SELECT * FROM gift_fact"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE gift_fact SET amount_minor = 1",
        "UPDATE gift_fact SET evidence = '{}' WHERE kind = 'payment_succeeded'",
        "DELETE FROM gift_fact",
        "DELETE FROM gift_fact WHERE id = 1",
    ],
)
@pytest.mark.usefixtures("gift")
def test_a_fact_is_never_changed(database: Database, statement: str) -> None:
    """The database refuses to update or delete a fact."""
    assert len(facts(database)) == 2
    is_refused(database, statement, "only ever added")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO gift_fact SELECT * FROM gift_fact",
        "REPLACE INTO gift_fact SELECT * FROM gift_fact",
        f"{COPY} WHERE 1 ON CONFLICT (kind, source_id) DO UPDATE SET amount_minor = 1",
    ],
)
def test_a_fact_is_not_replaced_in_sqlite(sqlite: Sqlite, statement: str) -> None:
    """SQLite's REPLACE and upsert statements cannot overwrite a fact."""
    database = Database(sqlite.fresh_url())
    with database.writing() as session:
        open_one(session)
    is_refused(database, statement, "only ever added")
    database.close()


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE gift_fact CASCADE",
        "TRUNCATE gift CASCADE",
        f"{COPY} ON CONFLICT (kind, source_id) DO UPDATE SET amount_minor = 1",
    ],
)
def test_a_fact_is_not_replaced_in_postgresql(postgres: Postgres, statement: str) -> None:
    """PostgreSQL's TRUNCATE and upsert statements cannot remove or overwrite a fact."""
    database = Database(postgres.fresh_url())
    with database.writing() as session:
        open_one(session)
    is_refused(database, statement, "only ever added")
    database.close()


@pytest.mark.usefixtures("gift")
def test_a_gift_with_facts_is_not_removed(database: Database) -> None:
    """The database refuses to delete a gift that has money, or facts: its trigger, and the key."""
    is_refused(database, "DELETE FROM gift", "(?i)foreign key|never paid")


@pytest.mark.parametrize(
    "change",
    [
        "amount_minor = 0",
        "amount_minor = -1",
        "amount_minor = NULL",
        "currency = 'CA'",
        "received_minor = -1",
        "returned_minor = -1",
        "net_minor = -1",
        "net_minor = received_minor + 1",
        "status = NULL",
        "donor_id = 999",
        "currency = 'USD'",
    ],
)
@pytest.mark.usefixtures("gift")
def test_a_gift_holds_no_impossible_money(database: Database, change: str) -> None:
    """The database refuses impossible values of a gift, such as a negative amount."""
    with pytest.raises(IntegrityError), database.writing() as session:
        session.connection().exec_driver_sql(f"UPDATE gift SET {change}")
    with database.reading() as session:
        assert session.exec(select(Gift)).one().net_minor == 5_000


@pytest.mark.parametrize("column", ["id", "reference", "link_name", "form_key"])
def test_gifts_share_no_identifier(database: Database, gift: Gift, column: str) -> None:
    """No two gifts share an id, a reference, a link or a form key."""
    with database.writing() as session:
        other = open_one(session, "form-2")
    duplicate = other.model_dump() | {column: getattr(gift, column)}
    if column != "id":
        duplicate["id"] = uuid.uuid4()
        for unique in {"reference", "link_name", "form_key"} - {column}:
            duplicate[unique] += "x"
    with pytest.raises(IntegrityError), database.writing() as session:
        session.add(Gift(**duplicate))
